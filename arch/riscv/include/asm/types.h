/* SPDX-License-Identifier: Apache-2.0 */
/* Port side of <arch/types.h>: state that core structures embed. The entry code uses generated
 * offsets into these. */
#pragma once

#include <asm/virq_state.h>
#include <asm/vstate.h>
#include <xen/compiler.h>
#include <xen/config.h>
#include <xen/types.h>

#define ARCH_CACHE_LINE     64
#define ARCH_P2M_LEVELS     3u /* Sv39x4 [RVPRIV 18.5.1] */
#define ARCH_P2M_ROOT_ORDER 2u
#define ARCH_MAX_VCPUS      64u
#define ARCH_NR_IRQS        1024u /* sources of a PLIC or APLIC [RVPLIC 3, RVAIA 4.1] */

typedef uint64_t pte_t;

/* General registers of a guest by number; x[0] is not used. */
struct cpu_regs {
    uint64_t x[32];
    uint64_t pc; /* sepc; valid only on the full path, see entry.S */
};

struct arch_vcpu {
    struct cpu_regs regs; /* first: sscratch points here while the guest runs */
    struct cpu *cpu;      /* the CPU that runs it (tp in the hypervisor), set on resume */
    uint64_t stack;       /* top of that CPU's stack */
    uint64_t hstatus;     /* while it runs: SPV, SPVP, VTW, VGEIN ... */
    uint64_t sstatus;     /* SPP: the mode in which it resumes; FS, VS: which units it may use */
    struct vcpu_csrs csrs;
    struct virq_vcpu virq;
    struct vtimer timer;
    struct vcpu_fp fp;
};

struct arch_domain {
    struct virq_domain virq;
    uint64_t htimedelta; /* time of its vCPUs minus the host's */
};

struct arch_p2m {
    uint64_t root;           /* physical address of the root table */
    uint32_t read_only;      /* <arch/types.h> */
    uint64_t vmid;           /* <xen/vmid.h>; 0: none yet */
    uint32_t running;        /* atomic, by CPU: it translates by these tables now */
    uint32_t stale;          /* atomic, by CPU: it must drop what it remembers when it loads them */
    uint16_t last[MAX_CPUS]; /* by CPU: the vCPU that it loaded last, + 1 */
    uint32_t where[ARCH_MAX_VCPUS]; /* atomic, by vCPU: the CPU that loaded it last, + 1; 0: it
                                     begins with fences */
};

struct arch_cpu {
    uint64_t hartid;
    uint32_t up;         /* set by the CPU itself when it is in C */
    struct timer settle; /* irq/virq.c: an event bit is looked at again */
};
