/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the operations of privileged domains (xen/control): one at a time, bitmaps of the
 * tools, facts about a domain. */
#pragma once

#include <public/types.h>
#include <xen/compiler.h>
#include <xen/op.h>
#include <xen/sched.h>
#include <xen/types.h>

struct domain;
struct vcpu;
struct xen_domctl_getdomaininfo;

/*
 * One domctl, sysctl or platform_op at a time. false: another one runs; the call is to be made
 * again (-ERESTART), so that the caller's CPU passes the gate, which the other one may be waiting
 * for.
 */
bool __must_check control_begin(struct vcpu *v);
void control_end(struct vcpu *v);

/* The first `bits` of `mask` to the tools' bitmap, zeros above; -EFAULT. And back: bits that they
 * did not give are 0. */
int __must_check control_mask_out(const struct xenctl_bitmap *map, uint32_t mask, uint32_t bits);
int __must_check control_mask_in(uint32_t *mask, const struct xenctl_bitmap *map, uint32_t bits);

void control_domain_info(struct domain *d, struct xen_domctl_getdomaininfo *info);

/* Operations of domctl.c's and sysctl.c's tables: arg is the whole structure. */

/* domctl_domain.c */
op_fn domctl_createdomain, domctl_destroydomain, domctl_pausedomain, domctl_unpausedomain,
    domctl_resumedomain, domctl_getdomaininfo, domctl_setdomainhandle, domctl_setdebugging,
    domctl_settimeoffset, domctl_subscribe, domctl_set_virq_handler, domctl_scheduler_op,
    domctl_vuart_op;
/* domctl_device.c */
op_fn domctl_bind_irq, domctl_unbind_irq, domctl_iomem_permission, domctl_memory_mapping;
/* domctl_memory.c */
op_fn domctl_max_mem, domctl_cacheflush, domctl_get_mempool, domctl_set_mempool,
    domctl_set_address_size, domctl_setnodeaffinity, domctl_getnodeaffinity, domctl_set_llc_colors;
/* domctl_vcpu.c */
op_fn domctl_max_vcpus, domctl_setvcpucontext, domctl_getvcpucontext, domctl_getvcpuinfo,
    domctl_setvcpuaffinity, domctl_getvcpuaffinity;

/* sysctl_host.c: what the machine is. */
op_fn sysctl_physinfo, sysctl_cputopoinfo, sysctl_numainfo, sysctl_getcpuinfo, sysctl_availheap;
