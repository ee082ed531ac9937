/* SPDX-License-Identifier: Apache-2.0 */
/* Port side of <arch/cpu.h>. */
#pragma once

#include <asm/sysregs.h>

static inline struct cpu *arch_this_cpu(void)
{
    struct cpu *c;

    /* Constant for a CPU, so not volatile: the compiler may keep it. */
    __asm__("mrs %0, tpidr_el2" : "=r"(c));
    return c;
}

static inline void arch_wait_while_equal(const uint32_t *p, uint32_t old)
{
    uint32_t now;

    /*
     * The exclusive load sets the monitor, whose loss through another CPU's store is an event that
     * ends WFE [Arm ARM D1.7.1]: no explicit SEV is needed by who changes *p.
     */
    __asm__ volatile("ldaxr %w0, %1\n"
                     "cmp %w0, %w2\n"
                     "b.ne 1f\n"
                     "wfe\n"
                     "1:"
                     : "=&r"(now)
                     : "Q"(*p), "r"(old)
                     : "cc", "memory");
}

static inline bool arch_cpu_irq_pending(void)
{
    uint64_t isr;

    __asm__ volatile("mrs %0, isr_el1"
                     : "=r"(isr)); /* at EL2: the physical ones [Arm ARM D17.2.63] */
    return isr != 0;
}

/* Host PSCI [DEN0022 5.1]: psci.c. */
void psci_init(void);
/* A call of the SMC calling convention to firmware that has at least its version 1.1, by SMC, or
 * SMCCC_NOT_SUPPORTED. */
int32_t psci_smccc(uint32_t function, uint32_t arg);
int psci_cpu_on(uint64_t mpidr, paddr_t entry, uint64_t context);
void psci_system_off(void);
void psci_system_reset(void);

/* Set up the EL2 registers that are the same on every CPU (vectors, traps): on the boot CPU before
 * any guest. */
void cpu_init_el2(void);
