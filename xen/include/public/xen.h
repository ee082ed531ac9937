/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The base of the guest ABI: hypercall numbers, domain ids, virtual interrupts, the page shared
 * between a domain and the hypervisor, multicall entries, console and vm_assist commands.
 */
#pragma once

#include <public/types.h>

/* Hypercall numbers. Those not listed are Xen's for other architectures and answer -ENOSYS. */
#define __HYPERVISOR_platform_op             7
#define __HYPERVISOR_memory_op               12
#define __HYPERVISOR_multicall               13
#define __HYPERVISOR_set_timer_op            15
#define __HYPERVISOR_event_channel_op_compat 16
#define __HYPERVISOR_xen_version             17
#define __HYPERVISOR_console_io              18
#define __HYPERVISOR_physdev_op_compat       19
#define __HYPERVISOR_grant_table_op          20
#define __HYPERVISOR_vm_assist               21
#define __HYPERVISOR_vcpu_op                 24
#define __HYPERVISOR_mmuext_op               26
#define __HYPERVISOR_xsm_op                  27
#define __HYPERVISOR_nmi_op                  28
#define __HYPERVISOR_sched_op                29
#define __HYPERVISOR_callback_op             30
#define __HYPERVISOR_xenoprof_op             31
#define __HYPERVISOR_event_channel_op        32
#define __HYPERVISOR_physdev_op              33
#define __HYPERVISOR_hvm_op                  34
#define __HYPERVISOR_sysctl                  35
#define __HYPERVISOR_domctl                  36
#define __HYPERVISOR_kexec_op                37
#define __HYPERVISOR_tmem_op                 38
#define __HYPERVISOR_argo_op                 39
#define __HYPERVISOR_xenpmu_op               40
#define __HYPERVISOR_dm_op                   41
#define __HYPERVISOR_hypfs_op                42
#define __HYPERVISOR_arch_0                  48
#define __HYPERVISOR_arch_7                  55

/* Virtual interrupts, bound to an event channel. (V) per vCPU, (G) one receiver in the host. */
#define VIRQ_TIMER      0  /* (V) VCPUOP timers */
#define VIRQ_DEBUG      1  /* (V) dump guest state */
#define VIRQ_CONSOLE    2  /* (G) host console input for dom0 */
#define VIRQ_DOM_EXC    3  /* (G) a domain shut down or died */
#define VIRQ_TBUF       4  /* (G) trace buffer has records */
#define VIRQ_DEBUGGER   6  /* (G) a domain paused for debugging */
#define VIRQ_XENOPROF   7  /* (V) profile samples */
#define VIRQ_CON_RING   8  /* (G) bytes in the console ring */
#define VIRQ_PCPU_STATE 9  /* (G) a physical CPU came or went */
#define VIRQ_MEM_EVENT  10 /* (G) memory event */
#define VIRQ_ARGO       11 /* (G) argo message */
#define VIRQ_ENOMEM     12 /* (G) low memory */
#define VIRQ_XENPMU     13 /* (V) PMU interrupt */
#define VIRQ_ARCH_0     16
#define VIRQ_ARCH_7     23
#define NR_VIRQS        24

/* Domain ids from DOMID_FIRST_RESERVED on are names, not numbers. */
#define DOMID_FIRST_RESERVED 0x7FF0U
#define DOMID_SELF           0x7FF0U
#define DOMID_IO             0x7FF1U
#define DOMID_XEN            0x7FF2U
#define DOMID_COW            0x7FF3U
#define DOMID_INVALID        0x7FF4U
#define DOMID_IDLE           0x7FFFU
#define DOMID_MASK           0x7FFFU

/* console_io(cmd, count, buffer) */
#define CONSOLEIO_write 0
#define CONSOLEIO_read  1

/* vm_assist(cmd, type) */
#define VMASST_CMD_enable                0
#define VMASST_CMD_disable               1
#define VMASST_TYPE_runstate_update_flag 5

/* Clock parameters; the architectures with a counter readable by guests leave them zero. */
struct vcpu_time_info {
    uint32_t version;
    uint32_t pad0;
    uint64_t tsc_timestamp;
    uint64_t system_time;
    uint32_t tsc_to_system_mul;
    int8_t tsc_shift;
    uint8_t flags;
    uint8_t pad1[2];
};

/* Event delivery state of a vCPU. The pending byte is set after the bits it summarises. */
struct vcpu_info {
    uint8_t evtchn_upcall_pending;
    uint8_t pad0;
    xen_ulong_t evtchn_pending_sel;
    struct vcpu_time_info time;
};

enum {
    XEN_LEGACY_MAX_VCPUS = 1, /* vcpu_info slots in shared_info; further vCPUs register theirs */
    XEN_EVTCHN_WORDS = 64     /* words of 64 ports in the 2-level arrays */
};

/* The page between a domain and the hypervisor: 2-level event channels and wall clock. */
struct shared_info {
    struct vcpu_info vcpu_info[XEN_LEGACY_MAX_VCPUS];
    xen_ulong_t evtchn_pending[XEN_EVTCHN_WORDS];
    xen_ulong_t evtchn_mask[XEN_EVTCHN_WORDS];
    uint32_t wc_version; /* odd while the clock is being changed */
    uint32_t wc_sec;     /* wall clock at system time 0 */
    uint32_t wc_nsec;
    uint32_t wc_sec_hi;
};

/* One call of a multicall; `result` has the full register. */
struct multicall_entry {
    xen_ulong_t op;
    xen_ulong_t result;
    xen_ulong_t args[6];
};
