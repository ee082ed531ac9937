/* SPDX-License-Identifier: Apache-2.0 */
/* One CPU: CSRs of HS-mode that every guest shares, identity, idling. */
#include <arch/cpu.h>
#include <arch/irq.h>
#include <asm/isa.h>
#include <asm/sbi.h>
#include <asm/virq.h>
#include <xen/bitops.h>
#include <xen/cpu.h>
#include <xen/printk.h>

/* What a guest's own mistakes are: it handles them itself. Calls from it and faults of the second
 * stage cannot be delegated. */
#define HEDELEG_VALUE \
    (BIT(EXC_FETCH_MISALIGNED) | BIT(EXC_FETCH_ACCESS) | BIT(EXC_ILLEGAL_INSTRUCTION) | \
     BIT(EXC_BREAKPOINT) | BIT(EXC_LOAD_MISALIGNED) | BIT(EXC_LOAD_ACCESS) | \
     BIT(EXC_STORE_MISALIGNED) | BIT(EXC_STORE_ACCESS) | BIT(EXC_ECALL_U) | BIT(EXC_FETCH_PAGE) | \
     BIT(EXC_LOAD_PAGE) | BIT(EXC_STORE_PAGE))

#define HIDELEG_VALUE (BIT(IRQ_VS_SOFT) | BIT(IRQ_VS_TIMER) | BIT(IRQ_VS_EXTERNAL))

void cpu_init_hs(void)
{
    csr_write(CSR_HSTATUS, 0);
    csr_write(CSR_HEDELEG, HEDELEG_VALUE);
    csr_write(CSR_HIDELEG, HIDELEG_VALUE);
    csr_write(CSR_HIE, 0);
    csr_write(CSR_HVIP, 0);
    csr_write(CSR_HGEIE, 0);
    csr_write(CSR_HCOUNTEREN, COUNTEREN_TM); /* the other counters: virtual_insn.c */
    csr_write(CSR_HENVCFG, ENVCFG_CBIE_FLUSH | ENVCFG_CBCFE | ENVCFG_CBZE |
                               (isa_has(ISA_SSTC) ? ENVCFG_STCE : 0) |
                               (isa_has(ISA_SVPBMT) ? ENVCFG_PBMTE : 0) |
                               (isa_has(ISA_SVADU) ? ENVCFG_ADUE : 0));
    csr_write(CSR_HTIMEDELTA, 0);
    csr_write(CSR_VSATP, 0);
    csr_write(CSR_HGATP, 0);
    if (isa_has(ISA_SSTC)) {
        csr_write(CSR_VSTIMECMP, UINT64_MAX);
    }
    if (isa_has(ISA_SMSTATEEN)) {
        csr_write(CSR_HSTATEEN0,
                  STATEEN0_SE0 | STATEEN0_ENVCFG | STATEEN0_CSRIND | STATEEN0_AIA | STATEEN0_IMSIC);
    }
    /* hfence.gvma, hfence.vvma: what was cached for guests of an earlier system is gone. */
    __asm__ volatile(".insn r 0x73, 0, 0x31, x0, x0, x0\n .insn r 0x73, 0, 0x11, x0, x0, x0" ::
                         : "memory");
}

void arch_cpu_init(struct cpu *c)
{
    printk("CPU%u: hart %lu\n", c->id, c->arch.hartid);
    atomic_store_release(&c->arch.up, 1u);
}

/*
 * WFI ends when an interrupt is pending that sie or hie has, whatever sstatus.SIE is
 * [RVPRIV 3.3.3]. One in the interrupt file of the vCPU that stayed loaded is VSEIP and would do
 * that; but QEMU 10.0 (riscv_cpu_interrupt) does not wake a halted hart for it, so it is made SGEI,
 * too, meanwhile.
 */
void arch_cpu_idle(void)
{
    uint64_t file = (csr_read(CSR_HSTATUS) & HSTATUS_VGEIN) >> HSTATUS_VGEIN_SHIFT;

    if (file == 0) {
        __asm__ volatile("wfi" ::: "memory");
        return;
    }
    csr_set(CSR_HGEIE, 1ul << file);
    __asm__ volatile("wfi" ::: "memory");
    csr_clear(CSR_HGEIE, 1ul << file);
}

/* Each one once: a deadline stays pending until the gate has set the next one. */
void arch_cpu_poll_irqs(void)
{
    for (uint64_t left = cpu_irqs_pending(); left != 0; left &= left - 1u) {
        irq_trap((uint64_t)__builtin_ctzl(left));
    }
    virq_wake_idle();
}

void __noreturn arch_cpu_halt(void)
{
    csr_write(CSR_SIE, 0);
    for (;;) {
        __asm__ volatile("wfi" ::: "memory");
    }
}
