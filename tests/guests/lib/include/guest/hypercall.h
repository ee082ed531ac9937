/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hypercalls, by their names in the ABI. Results are as the hypervisor gave them: 0, a value or a
 * negated XEN_E.
 */
#pragma once

#include <guest/port.h>
#include <public/xen.h>
#include <stdint.h>

static inline uint64_t hypercall_pointer(const void *pointer)
{
    return (uint64_t)(uintptr_t)pointer;
}

static inline int64_t hypercall2(unsigned int number, uint64_t a, uint64_t b)
{
    return port_hypercall(number, a, b, 0, 0, 0);
}

static inline int64_t hypercall3(unsigned int number, uint64_t a, uint64_t b, uint64_t c)
{
    return port_hypercall(number, a, b, c, 0, 0);
}

static inline int64_t xen_version(unsigned int cmd, void *arg)
{
    return hypercall2(__HYPERVISOR_xen_version, cmd, hypercall_pointer(arg));
}

static inline int64_t memory_op(uint64_t cmd, void *arg)
{
    return hypercall2(__HYPERVISOR_memory_op, cmd, hypercall_pointer(arg));
}

static inline int64_t multicall(struct multicall_entry *list, uint64_t count)
{
    return hypercall2(__HYPERVISOR_multicall, hypercall_pointer(list), count);
}

static inline int64_t console_io(unsigned int cmd, uint64_t count, void *buffer)
{
    return hypercall3(__HYPERVISOR_console_io, cmd, count, hypercall_pointer(buffer));
}

static inline int64_t grant_table_op(unsigned int cmd, void *list, uint64_t count)
{
    return hypercall3(__HYPERVISOR_grant_table_op, cmd, hypercall_pointer(list), count);
}

static inline int64_t vm_assist(unsigned int cmd, unsigned int type)
{
    return hypercall2(__HYPERVISOR_vm_assist, cmd, type);
}

static inline int64_t vcpu_op(unsigned int cmd, uint64_t vcpu, void *arg)
{
    return hypercall3(__HYPERVISOR_vcpu_op, cmd, vcpu, hypercall_pointer(arg));
}

static inline int64_t sched_op(unsigned int cmd, void *arg)
{
    return hypercall2(__HYPERVISOR_sched_op, cmd, hypercall_pointer(arg));
}

static inline int64_t event_channel_op(unsigned int cmd, void *arg)
{
    return hypercall2(__HYPERVISOR_event_channel_op, cmd, hypercall_pointer(arg));
}

static inline int64_t physdev_op(unsigned int cmd, void *arg)
{
    return hypercall2(__HYPERVISOR_physdev_op, cmd, hypercall_pointer(arg));
}

static inline int64_t hvm_op(unsigned int cmd, void *arg)
{
    return hypercall2(__HYPERVISOR_hvm_op, cmd, hypercall_pointer(arg));
}

static inline int64_t sysctl(void *arg)
{
    return hypercall2(__HYPERVISOR_sysctl, hypercall_pointer(arg), 0);
}

static inline int64_t domctl(void *arg)
{
    return hypercall2(__HYPERVISOR_domctl, hypercall_pointer(arg), 0);
}

static inline int64_t platform_op(void *arg)
{
    return hypercall2(__HYPERVISOR_platform_op, hypercall_pointer(arg), 0);
}
