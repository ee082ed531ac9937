/* SPDX-License-Identifier: Apache-2.0 */
/* Port side of <arch/cpu.h>. */
#pragma once

#include <asm/csr.h>

struct cpu_regs;

static inline struct cpu *arch_this_cpu(void)
{
    struct cpu *c;

    /* Constant for a CPU, so not volatile: the compiler may keep it. */
    __asm__("mv %0, tp" : "=r"(c));
    return c;
}

static inline void arch_wait_while_equal(const uint32_t *p, uint32_t old)
{
    if (__atomic_load_n(p, __ATOMIC_ACQUIRE) == old) {
        /* pause [RVUNPRIV Zihintpause], a hint that does nothing where it is not known; an emulator
         * runs another hart. */
        __asm__ volatile(".4byte 0x0100000f" ::: "memory");
    }
}

/* What is pending and enabled for the hypervisor: interrupt numbers as bits. SGEI is in hip only
 * [RVPRIV 18.2.2]. */
static inline uint64_t cpu_irqs_pending(void)
{
    return (csr_read(CSR_SIP) & csr_read(CSR_SIE)) |
           (csr_read(CSR_HIP) & csr_read(CSR_HIE) & 1ul << IRQ_S_GUEST);
}

/* An interrupt that the guest takes without the hypervisor - its timer by Sstc, a message to its
 * interrupt file - shows nowhere else while the guest is in a call. */
static inline bool cpu_guest_irq_pending(void)
{
    return (csr_read(CSR_VSSTATUS) & SSTATUS_SIE) != 0 &&
           (csr_read(CSR_VSIP) & csr_read(CSR_VSIE)) != 0;
}

static inline bool arch_cpu_irq_pending(void)
{
    return cpu_irqs_pending() != 0 || cpu_guest_irq_pending();
}

/* Set up the hypervisor's CSRs that are the same on every CPU (delegation, environment, counters):
 * on each CPU before irq/ and any guest; on the boot CPU after isa_discover. */
void cpu_init_hs(void);
/* The trap vector of this CPU from here on. */
extern char trap_entry[];
/* The end of a fault inside the hypervisor (sscratch was 0): registers with pc, sp included, on the
 * panic stack. entry.S. */
void __noreturn trap_hyp(const struct cpu_regs *regs);
