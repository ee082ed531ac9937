/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Third port, for tests: the state that core structures embed. Its machine has no registers; what
 * hardware would do is written out in tests/host/arch/port.
 */
#pragma once

#include <xen/types.h>

#define ARCH_CACHE_LINE     64
#define ARCH_P2M_LEVELS     3u
#define ARCH_P2M_ROOT_ORDER 1u
#define ARCH_MAX_VCPUS      8u
#define ARCH_NR_IRQS        128u

/* A second-stage entry as a structure: the core must not know its bits. */
typedef struct {
    uint64_t valid : 1;
    uint64_t table : 1;
    uint64_t kind : 2;
    uint64_t flags : 3;
    uint64_t spare : 5;
    uint64_t frame : 52;
} pte_t;

struct arch_vcpu {
    uint64_t nr; /* of the hypercall it makes */
    uint64_t arg[5];
    long result;
    bool repeat; /* the last call wants to be made again */
    uint64_t pc;
    uint64_t entry_arg;
    bool loaded; /* its state is on a CPU */
    uint32_t upcalls;
};

struct arch_domain {
    uint64_t pending[ARCH_NR_IRQS / 64]; /* shared virtual interrupts */
    uint16_t host_irq[ARCH_NR_IRQS];     /* behind each virtual one, 0: none */
};

struct arch_p2m {
    paddr_t root;
    uint64_t vmid; /* <xen/vmid.h> */
    uint64_t flushes;
    uint32_t read_only; /* <arch/types.h> */
};

struct arch_cpu {
    uint64_t deadline; /* counter value */
    bool kicked;
    bool parked; /* waits for an interrupt in the idle loop */
};
