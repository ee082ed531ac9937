/* SPDX-License-Identifier: Apache-2.0 */
/* Port side of <arch/types.h>: state that core structures embed. The entry code uses generated
 * offsets into these. */
#pragma once

#include <asm/vgic.h>
#include <asm/vstate.h>
#include <asm/vtimer.h>
#include <xen/compiler.h>
#include <xen/config.h>
#include <xen/types.h>

#define ARCH_CACHE_LINE     64
#define ARCH_P2M_LEVELS     3u
#define ARCH_P2M_ROOT_ORDER 1u
#define ARCH_MAX_VCPUS      8u    /* GICv2 [GICv2 4.3.12: eight CPU interfaces] */
#define ARCH_NR_IRQS        1020u /* [GICv2 2.2.1] */

typedef uint64_t pte_t;

struct vpmu;

/* General registers of a guest, in the order in which the entry code stores them. */
struct cpu_regs {
    uint64_t x[31];
    uint64_t pc;   /* ELR_EL2; valid only on the full path, see entry.S */
    uint64_t spsr; /* SPSR_EL2; the same */
};

struct arch_vcpu {
    struct cpu_regs regs; /* first: SP_EL2 points here while the guest runs */
    uint64_t stack;       /* top of the stack of the CPU that runs it, set on resume */
    uint64_t hcr;         /* HCR_EL2 while it runs */
    struct vcpu_sysregs sys;
    struct arch_vgic_vcpu vgic;
    struct vtimer timer;
    struct vcpu_fp fp;
    struct vpmu *pmu; /* NULL: it has no event counters */
};

struct arch_domain {
    struct arch_vgic_domain vgic;
    uint64_t cntvoff; /* CNTVOFF_EL2 of its vCPUs */
};

struct arch_p2m {
    uint64_t root;          /* physical address of the root table */
    uint64_t vmid;          /* <xen/vmid.h>; 0: none yet */
    uint8_t last[MAX_CPUS]; /* by CPU: the vCPU that it loaded last, + 1 */
    uint32_t read_only;     /* <arch/types.h> */
};

struct arch_cpu {
    uint64_t mpidr;           /* affinity fields only */
    uint64_t release_address; /* spin-table word, 0: PSCI */
    uint32_t up;              /* set by the CPU itself when it is in C */
    uint32_t harden;          /* entry.S: 0, rounds of its loop, or (bit 31) a call to firmware */
};
