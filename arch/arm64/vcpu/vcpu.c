/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A virtual CPU's registers: creation, reset, moving them on and off a CPU, and the tools' view of
 * them. The general registers are moved by the entry code, list registers by irq/vgic_lr.c, timers
 * by time/vtimer.c.
 */
#include <arch/domain.h>
#include <arch/p2m.h>
#include <arch/vcpu.h>
#include <asm/mm.h>
#include <asm/sysregs.h>
#include <asm/vgic_state.h>
#include <asm/vpmu.h>
#include <asm/vtimer_ops.h>
#include <public/arch.h>
#include <xen/domain.h>
#include <xen/errno.h>
#include <xen/opt.h>
#include <xen/printk.h>
#include <xen/string.h>

#define VMPIDR_RES1 (1ul << 31)

#define HCR_GUEST \
    (HCR_VM | HCR_SWIO | HCR_PTW | HCR_FMO | HCR_IMO | HCR_AMO | HCR_FB | HCR_BSU_INNER | \
     HCR_TID3 | HCR_TSC | HCR_TIDCP | HCR_TACR | HCR_TLOR | HCR_TERR | HCR_RW)

/* CPTR_EL2 without VHE: RES1 bits, trace, activity monitor registers and SVE trap; FP does not
 * [Arm ARM D17.2.30]. */
#define CPTR_RES1 0x32fful
#define CPTR_TAM  (1ul << 30)
#define CPTR_TTA  (1ul << 20)
#define CPTR_TZ   (1ul << 8)

/* MDCR_EL2: debug ROM, OS lock, debug, performance, profiling, trace filter registers trap; the
 * buffers of profiling and trace are EL2's [Arm ARM D17.3.17]. */
#define MDCR_TPMCR (1ul << 5)
#define MDCR_TPM   (1ul << 6)
#define MDCR_TDA   (1ul << 9)
#define MDCR_TDOSA (1ul << 10)
#define MDCR_TDRA  (1ul << 11)
#define MDCR_TPMS  (1ul << 14)
#define MDCR_TTRF  (1ul << 19)
#define MDCR_HPMN  0x1ful

#define HSTR_T15 (1ul << 15)

void vcpu_init_cpu(void)
{
    /* HPMN keeps its reset value, the number of counters: with 0 it may be constrained
     * unpredictable. */
    uint64_t mdcr = READ_SYSREG(mdcr_el2) & MDCR_HPMN;

    /* Bits for what a CPU lacks are RES0: setting them changes nothing there. */
    WRITE_SYSREG(CPTR_RES1 | CPTR_TAM | CPTR_TTA | CPTR_TZ, cptr_el2);
    WRITE_SYSREG(mdcr | MDCR_TPMCR | MDCR_TPM | MDCR_TDA | MDCR_TDOSA | MDCR_TDRA | MDCR_TPMS |
                     MDCR_TTRF,
                 mdcr_el2);
    WRITE_SYSREG(HSTR_T15, hstr_el2);
    WRITE_SYSREG(READ_SYSREG(midr_el1), vpidr_el2);
    vgic_init_cpu();
    vtimer_init_cpu();
}

/* Architectural reset state; v is not loaded. */
static void vcpu_reset(struct vcpu *v)
{
    struct vcpu_sysregs *s = &v->arch.sys;

    memset(&v->arch.regs, 0, sizeof(v->arch.regs));
    memset(s, 0, sizeof(*s));
    memset(&v->arch.fp, 0, sizeof(v->arch.fp));
    v->arch.regs.spsr = PSR_GUEST64_INIT;
    s->sctlr = SCTLR_GUEST_INIT;
    s->vmpidr = VMPIDR_RES1 | arch_vcpu_hwid(v->d, v->id);
    v->arch.hcr = opt.vwfi_native ? HCR_GUEST : HCR_GUEST | HCR_TWI | HCR_TWE;
    vgic_vcpu_reset(v);
    vtimer_reset(v);
    vpmu_reset(v);
}

int arch_vcpu_create(struct vcpu *v)
{
    int rc;

    if (v->id >= ARCH_MAX_VCPUS) {
        return -EINVAL;
    }
    rc = vpmu_vcpu_init(v);
    if (rc != 0) {
        return rc;
    }
    rc = vtimer_vcpu_init(v);
    if (rc != 0) {
        vpmu_vcpu_destroy(v);
        return rc;
    }
    vgic_vcpu_init(v);
    vcpu_reset(v);
    return 0;
}

void arch_vcpu_destroy(struct vcpu *v)
{
    vtimer_vcpu_destroy(v);
    vpmu_vcpu_destroy(v);
}

void arch_vcpu_set_entry(struct vcpu *v, uint64_t pc, uint64_t arg)
{
    vcpu_reset(v);
    v->arch.regs.pc = pc;
    v->arch.regs.x[0] = arg;
}

/* An access of v to a device may have failed, or may yet: it is v that is told, not who comes next.
 * Everything of v is saved. */
static void vcpu_save_serror(struct vcpu *v)
{
    dsb(sy);
    isb();
    if ((READ_SYSREG(isr_el1) & ISR_A) != 0) {
        serror_take();
        guest_printk(v, "SError: ESR %#lx, before it left its CPU\n", READ_SYSREG(esr_el2));
        v->arch.hcr |= HCR_VSE;
    }
}

void arch_vcpu_save(struct vcpu *v)
{
    struct vcpu_sysregs *s = &v->arch.sys;

    if (v->arch.pmu != NULL) {
        vpmu_save(v->arch.pmu);
    }
    vtimer_save(v);
    vgic_save(v);
    v->arch.hcr = READ_SYSREG(hcr_el2); /* VSE goes when the guest has taken it */
    s->sctlr = READ_SYSREG(sctlr_el1);
    s->cpacr = READ_SYSREG(cpacr_el1);
    s->ttbr0 = READ_SYSREG(ttbr0_el1);
    s->ttbr1 = READ_SYSREG(ttbr1_el1);
    s->tcr = READ_SYSREG(tcr_el1);
    s->mair = READ_SYSREG(mair_el1);
    s->amair = READ_SYSREG(amair_el1);
    s->vbar = READ_SYSREG(vbar_el1);
    s->contextidr = READ_SYSREG(contextidr_el1);
    s->esr = READ_SYSREG(esr_el1);
    s->far = READ_SYSREG(far_el1);
    s->afsr0 = READ_SYSREG(afsr0_el1);
    s->afsr1 = READ_SYSREG(afsr1_el1);
    s->par = READ_SYSREG(par_el1);
    s->sp_el0 = READ_SYSREG(sp_el0);
    s->sp_el1 = READ_SYSREG(sp_el1);
    s->elr = READ_SYSREG(elr_el1);
    s->spsr = READ_SYSREG(spsr_el1);
    s->tpidr_el0 = READ_SYSREG(tpidr_el0);
    s->tpidrro_el0 = READ_SYSREG(tpidrro_el0);
    s->tpidr_el1 = READ_SYSREG(tpidr_el1);
    s->cntkctl = READ_SYSREG(cntkctl_el1);
    s->csselr = READ_SYSREG(csselr_el1);
    fp_save(&v->arch.fp);
    if (v->d->has_devices) {
        vcpu_save_serror(v);
    }
}

/*
 * Address translation of v. While the registers belong half to one guest and half to another, walks
 * are disabled, so that nothing speculative can fill the TLB from the mixture (Arm errata 1319367
 * and 1319537).
 */
static void vcpu_load_translation(struct vcpu *v)
{
    const struct vcpu_sysregs *s = &v->arch.sys;

    WRITE_SYSREG(s->tcr | TCR_EPD0 | TCR_EPD1, tcr_el1);
    isb(); /* no walk from here on ... */
    WRITE_SYSREG(p2m_load(&v->d->p2m.arch), vttbr_el2);
    WRITE_SYSREG(s->sctlr, sctlr_el1);
    WRITE_SYSREG(s->ttbr0, ttbr0_el1);
    WRITE_SYSREG(s->ttbr1, ttbr1_el1);
    WRITE_SYSREG(s->mair, mair_el1);
    WRITE_SYSREG(s->amair, amair_el1);
    WRITE_SYSREG(s->contextidr, contextidr_el1);
    WRITE_SYSREG(v->arch.hcr, hcr_el2);
    isb(); /* ... before all of the above is in effect */
    p2m_vcpu_changed(&v->d->p2m.arch, v->id);
    WRITE_SYSREG(s->tcr, tcr_el1);
}

void arch_vcpu_load(struct vcpu *v)
{
    const struct vcpu_sysregs *s = &v->arch.sys;

    vcpu_load_translation(v);
    WRITE_SYSREG(s->cpacr, cpacr_el1);
    WRITE_SYSREG(s->vbar, vbar_el1);
    WRITE_SYSREG(s->esr, esr_el1);
    WRITE_SYSREG(s->far, far_el1);
    WRITE_SYSREG(s->afsr0, afsr0_el1);
    WRITE_SYSREG(s->afsr1, afsr1_el1);
    WRITE_SYSREG(s->par, par_el1);
    WRITE_SYSREG(s->sp_el0, sp_el0);
    WRITE_SYSREG(s->sp_el1, sp_el1);
    WRITE_SYSREG(s->elr, elr_el1);
    WRITE_SYSREG(s->spsr, spsr_el1);
    WRITE_SYSREG(s->tpidr_el0, tpidr_el0);
    WRITE_SYSREG(s->tpidrro_el0, tpidrro_el0);
    WRITE_SYSREG(s->tpidr_el1, tpidr_el1);
    WRITE_SYSREG(s->cntkctl, cntkctl_el1);
    WRITE_SYSREG(s->csselr, csselr_el1);
    WRITE_SYSREG(s->vmpidr, vmpidr_el2);
    fp_load(&v->arch.fp);
    vgic_load(v);
    vtimer_load(v);
    if (v->arch.pmu != NULL) {
        vpmu_load(v->arch.pmu);
    }
    isb(); /* guest addresses can be translated from here on, by the gate's run state areas for
              instance */
}

/* A state that runs the guest's own EL1 or EL0 in AArch64, and nothing else. */
static bool vcpu_psr_allowed(uint64_t psr)
{
    uint64_t mode = psr & PSR_MODE_MASK;

    return (mode == PSR_MODE_EL0T || mode == PSR_MODE_EL1T || mode == PSR_MODE_EL1H) &&
           (psr & ~(0xf0000000ul | PSR_DAIF | PSR_MODE_MASK)) == 0;
}

int arch_vcpu_set_context(struct vcpu *v, const struct vcpu_guest_context *ctx)
{
    const struct vcpu_guest_core_regs *r = &ctx->user_regs;
    struct vcpu_sysregs *s = &v->arch.sys;

    if (!vcpu_psr_allowed(r->cpsr)) {
        return -EINVAL;
    }
    memcpy(v->arch.regs.x, &r->x0, sizeof(v->arch.regs.x));
    v->arch.regs.pc = r->pc64;
    v->arch.regs.spsr = r->cpsr;
    s->spsr = r->spsr_el1;
    s->sp_el0 = r->sp_el0;
    s->sp_el1 = r->sp_el1;
    s->elr = r->elr_el1;
    s->sctlr = ctx->sctlr;
    s->tcr = ctx->ttbcr;
    s->ttbr0 = ctx->ttbr0;
    s->ttbr1 = ctx->ttbr1;
    return 0;
}

void arch_vcpu_get_context(struct vcpu *v, struct vcpu_guest_context *ctx)
{
    struct vcpu_guest_core_regs *r = &ctx->user_regs;
    const struct vcpu_sysregs *s = &v->arch.sys;

    memset(ctx, 0, sizeof(*ctx));
    memcpy(&r->x0, v->arch.regs.x, sizeof(v->arch.regs.x));
    r->pc64 = v->arch.regs.pc;
    r->cpsr = v->arch.regs.spsr;
    r->spsr_el1 = s->spsr;
    r->sp_el0 = s->sp_el0;
    r->sp_el1 = s->sp_el1;
    r->elr_el1 = s->elr;
    ctx->sctlr = s->sctlr;
    ctx->ttbcr = s->tcr;
    ctx->ttbr0 = s->ttbr0;
    ctx->ttbr1 = s->ttbr1;
    ctx->flags = (atomic_load(&v->pause_flags) & VPF_DOWN) == 0 ? VGCF_online : 0;
}

/* Only a hypercall does this, and its ELR is in the register until the gate saves it. */
/* An HVC goes back by ELR_EL2, and regs.pc is stale; an SMC, a trapped instruction, by regs.pc. */
void arch_hypercall_repeat(struct vcpu *v)
{
    WRITE_SYSREG(READ_SYSREG(elr_el2) - 4u, elr_el2);
    v->arch.regs.pc -= 4u;
}
