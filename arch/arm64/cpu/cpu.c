/* SPDX-License-Identifier: Apache-2.0 */
/* One CPU: registers of EL2 that every guest shares, identity and errata, idling, the machine's
 * end. */
#include <arch/cpu.h>
#include <arch/irq.h>
#include <asm/cpu.h>
#include <asm/gicv2.h>
#include <asm/mm.h>
#include <asm/platform.h>
#include <asm/speculation.h>
#include <asm/traps.h>
#include <asm/vcpu.h>
#include <xen/cpu.h>
#include <xen/printk.h>

#define MIDR_PART(midr) ((midr) >> 4 & 0xfffu)
#define PART_CORTEX_A57 0xd07u
#define PART_CORTEX_A72 0xd08u

void cpu_init_el2(void)
{
    WRITE_SYSREG(0, cntvoff_el2);
    WRITE_SYSREG(HCR_RW, hcr_el2); /* nothing runs below EL2 yet; arch_vcpu_load sets a guest's */
    isb();                         /* before the first use of either */
}

void arch_cpu_init(struct cpu *c)
{
    uint64_t midr = READ_SYSREG(midr_el1);

    printk("CPU%u: MIDR %#lx, part %#lx r%lup%lu, MPIDR %#lx\n", c->id, midr, MIDR_PART(midr),
           midr >> 20 & 15u, midr & 15u, c->arch.mpidr);
    /*
     * Arm erratum 1319367 (A72), 1319537 (A57): a speculative AT can fill the TLB with a guest's
     * entries while its translation is half switched. arch_vcpu_load writes the EL1 translation
     * registers with walks disabled (TCR_EL1.EPDn).
     */
    if (MIDR_PART(midr) == PART_CORTEX_A57 || MIDR_PART(midr) == PART_CORTEX_A72) {
        printk(XENLOG_DEBUG "CPU%u: work-around for Arm erratum %s\n", c->id,
               MIDR_PART(midr) == PART_CORTEX_A57 ? "1319537" : "1319367");
    }
    p2m_init_cpu();
    vcpu_init_cpu();
    speculation_init_cpu(c);
    if (c->arch.harden != 0) {
        WRITE_SYSREG((uintptr_t)vectors_hardened, vbar_el2);
        isb(); /* before this CPU enters a guest */
    }
    WRITE_ONCE(c->arch.up, 1u);
    dsb(ishst); /* `up` is visible before the event that wakes the CPU which waits for it */
    __asm__ volatile("sev" ::: "memory");
}

void arch_cpu_idle(void)
{
    gicv2_look_again();
    dsb(sy); /* what this CPU wrote is visible before it sleeps [Arm ARM D1.7.2] */
    __asm__ volatile("wfi" ::: "memory");
}

void arch_cpu_poll_irqs(void)
{
    trap_irq(current_vcpu());
}

void __noreturn arch_cpu_halt(void)
{
    for (;;) {
        __asm__ volatile("msr daifset, #0xf\n wfi" ::: "memory");
    }
}

void arch_machine_reset(void)
{
    psci_system_reset();
    platform_reset();
}

void arch_machine_poweroff(void)
{
    psci_system_off();
    platform_poweroff();
}
