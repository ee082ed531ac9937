/*
 * Exceptions from guests, by class. Each handler either completes the guest's instruction, lets it
 * be executed again, or gives the guest an exception of its own: nothing that a guest does ends
 * here.
 */
#include <arch/vcpu.h>
#include <asm/inject.h>
#include <asm/sysregs.h>
#include <asm/traps.h>
#include <public/arch.h>
#include <xen/domain.h>
#include <xen/printk.h>
#include <xen/sched.h>
#include <xen/trap.h>

#define PSR_FLAG(psr, n) (((psr) >> (n) & 1u) != 0)

/* IT[7:2] and IT[1:0] of an AArch32 state stand in two places [Arm ARM G1.9]. */
static unsigned int it_state(uint64_t psr)
{
    return (unsigned int)((psr >> 10 & 0x3fu) << 2 | (psr >> 25 & 3u));
}

static bool condition_holds(uint64_t psr, unsigned int condition)
{
    bool n = PSR_FLAG(psr, 31), z = PSR_FLAG(psr, 30), c = PSR_FLAG(psr, 29), o = PSR_FLAG(psr, 28),
         result;

    switch (condition >> 1) {
    case 0: result = z; break;
    case 1: result = c; break;
    case 2: result = n; break;
    case 3: result = o; break;
    case 4: result = c && !z; break;
    case 5: result = n == o; break;
    case 6: result = n == o && !z; break;
    default: return true;
    }
    return (condition & 1u) != 0 ? !result : result;
}

/* Would the trapped instruction have been executed? */
static bool trap_condition(const struct vcpu *v, uint64_t esr)
{
    uint64_t psr = v->arch.regs.spsr;

    if ((psr & PSR_MODE_AARCH32) == 0) {
        return true;
    }
    if ((esr & ESR_CV) != 0) {
        return condition_holds(psr, ESR_COND(esr));
    }
    return (psr & PSR_THUMB) == 0 || it_state(psr) == 0 || condition_holds(psr, it_state(psr) >> 4);
}

void trap_skip(struct vcpu *v, uint64_t esr)
{
    struct cpu_regs *regs = &v->arch.regs;

    if ((regs->spsr & PSR_MODE_AARCH32) != 0 && (regs->spsr & PSR_THUMB) != 0 &&
        it_state(regs->spsr) != 0) {
        unsigned int it = it_state(regs->spsr);

        it = (it & 7u) == 0 ? 0 : (it & 0xe0u) | (it << 1 & 0x1fu);
        regs->spsr &= ~(uint64_t)PSR_IT_MASK;
        regs->spsr |= (uint64_t)(it >> 2) << 10 | (uint64_t)(it & 3u) << 25;
    }
    regs->pc += (esr & ESR_IL) != 0 ? 4u : 2u;
}

static void trap_wfx(struct vcpu *v, uint64_t esr)
{
    bool executed = trap_condition(v, esr);

    trap_skip(v, esr);
    if (!executed) {
        return;
    }
    if ((esr & WFX_WFE) != 0) {
        sched_yield(v);
    } else {
        vcpu_block(v);
    }
}

/* Trapped before it was executed, so the return address is the instruction itself. */
static void trap_smc(struct vcpu *v, uint64_t esr)
{
    if ((esr & 0xffffu) != 0) {
        inject_undefined(v);
        return;
    }
    trap_skip(v, esr);
    smccc_call(v);
}

static void trap_undefined(struct vcpu *v, uint64_t esr)
{
    (void)esr;
    inject_undefined(v);
}

/* Coprocessor accesses of AArch32 code at EL0: what traps to here is nothing that it may have. */
static void trap_coprocessor(struct vcpu *v, uint64_t esr)
{
    if (trap_condition(v, esr)) {
        inject_undefined(v);
    } else {
        trap_skip(v, esr);
    }
}

static void trap_unexpected(struct vcpu *v, uint64_t esr)
{
    guest_printk(v, "exception that was not expected: ESR %#lx at %#lx\n", esr, v->arch.regs.pc);
    inject_undefined(v);
}

typedef void trap_fn(struct vcpu *v, uint64_t esr);

static trap_fn *const traps[64] = {
    [EC_UNKNOWN] = trap_undefined,   [EC_WFX] = trap_wfx,
    [EC_CP15_32] = trap_coprocessor, [EC_CP15_64] = trap_coprocessor,
    [EC_CP14_32] = trap_coprocessor, [EC_CP14_LS] = trap_coprocessor,
    [EC_FP] = trap_coprocessor,      [EC_CP10_ID] = trap_coprocessor,
    [EC_PAUTH] = trap_undefined,     [EC_CP14_64] = trap_coprocessor,
    [EC_HVC32] = trap_undefined,     [EC_SMC32] = trap_coprocessor,
    [EC_SMC64] = trap_smc,           [EC_SYSREG] = trap_sysreg,
    [EC_SVE] = trap_undefined,       [EC_IABT_LOW] = trap_instruction_abort,
};

void trap_sync(struct vcpu *v, uint64_t esr)
{
    trap_fn *fn;

    if (likely(ESR_EC(esr) == EC_DABT_LOW)) {
        trap_data_abort(v, esr); /* emulated devices: the most frequent by far */
        return;
    }
    fn = traps[ESR_EC(esr)];
    if (fn == NULL) {
        fn = trap_unexpected;
    }
    fn(v, esr);
}

/*
 * An access of this guest failed after it was made: tell it by a virtual SError. vcpu.c reads
 * HCR_EL2 back, so that a vCPU switch neither loses nor repeats it.
 */
void trap_serror(struct vcpu *v, uint64_t esr)
{
    guest_printk(v, "SError: ESR %#lx, at or before %#lx\n", esr, v->arch.regs.pc);
    WRITE_SYSREG(READ_SYSREG(hcr_el2) | HCR_VSE, hcr_el2);
}
