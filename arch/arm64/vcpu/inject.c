/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exceptions that the hypervisor gives to a guest: synchronous ones to its EL1, as the CPU would
 * enter them [Arm ARM D1.3.1, J1.2.3: AArch64.TakeException]. The vCPU is the one that is loaded
 * here.
 */
#include <arch/vcpu.h>
#include <asm/inject.h>
#include <asm/sysregs.h>
#include <asm/traps.h>
#include <xen/domain.h>

#define PSR_NZCV        0xf0000000ul
#define PSR_DIT         (1ul << 24)
#define PSR_PAN         (1ul << 22)
#define PSR_SSBS        (1ul << 12)
#define SCTLR_EL1_SPAN  (1ul << 23)
#define SCTLR_EL1_DSSBS (1ul << 44)

static uint64_t inject_vector(uint64_t psr)
{
    uint64_t vbar = READ_SYSREG(vbar_el1);

    if ((psr & PSR_MODE_AARCH32) != 0) {
        return vbar + 0x600;
    }
    switch (psr & PSR_MODE_MASK) {
    case PSR_MODE_EL1T: return vbar;
    case PSR_MODE_EL1H: return vbar + 0x200;
    default: return vbar + 0x400;
    }
}

static uint64_t inject_psr(uint64_t psr)
{
    uint64_t sctlr = READ_SYSREG(sctlr_el1), entered = PSR_MODE_EL1H | PSR_DAIF;

    entered |= psr & (PSR_NZCV | PSR_DIT);
    /* An AArch32 state has PAN at the same place. */
    entered |= (sctlr & SCTLR_EL1_SPAN) == 0 ? PSR_PAN : psr & PSR_PAN;
    entered |= (sctlr & SCTLR_EL1_DSSBS) != 0 ? PSR_SSBS : 0;
    return entered;
}

/* *pc, *psr: where the guest is; out: where it goes on. */
static void inject(uint64_t *pc, uint64_t *psr, uint64_t esr)
{
    WRITE_SYSREG(*pc, elr_el1);
    WRITE_SYSREG(*psr, spsr_el1);
    WRITE_SYSREG(esr, esr_el1);
    *pc = inject_vector(*psr);
    *psr = inject_psr(*psr);
}

static uint64_t inject_syndrome(unsigned int class, uint64_t iss)
{
    return (uint64_t)class << 26 | ESR_IL | iss;
}

void inject_undefined(struct vcpu *v)
{
    inject(&v->arch.regs.pc, &v->arch.regs.spsr, inject_syndrome(EC_UNKNOWN, 0));
}

void inject_undefined_hvc(void)
{
    uint64_t pc = READ_SYSREG(elr_el2) - 4u, psr = READ_SYSREG(spsr_el2);

    inject(&pc, &psr, inject_syndrome(EC_UNKNOWN, 0));
    WRITE_SYSREG(pc, elr_el2);
    WRITE_SYSREG(psr, spsr_el2);
}

void inject_abort(struct vcpu *v, uint64_t gva, bool instruction)
{
    uint64_t mode = v->arch.regs.spsr & PSR_MODE_MASK;
    bool same = mode == PSR_MODE_EL1T || mode == PSR_MODE_EL1H;
    unsigned int class = instruction ? EC_IABT_LOW : EC_DABT_LOW;

    WRITE_SYSREG(gva, far_el1);
    inject(&v->arch.regs.pc, &v->arch.regs.spsr,
           inject_syndrome(same ? class + 1u : class, FSC_EXTERNAL));
}
