/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exceptions from guests, by class. Each handler either completes the guest's instruction, lets it
 * be executed again, or gives the guest an exception of its own: nothing that a guest does ends
 * here.
 */
#include <arch/vcpu.h>
#include <asm/inject.h>
#include <asm/skip.h>
#include <asm/sysregs.h>
#include <asm/traps.h>
#include <xen/domain.h>
#include <xen/printk.h>
#include <xen/sched.h>
#include <xen/trap.h>

static void trap_wfx(struct vcpu *v, uint64_t esr)
{
    bool executed = skip_executed(v, esr);

    skip_insn(v, esr);
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
    skip_insn(v, esr);
    smccc_call(v);
}

static void trap_undefined(struct vcpu *v, uint64_t esr __unused)
{
    inject_undefined(v);
}

/* Coprocessor accesses of AArch32 code at EL0: what traps to here is nothing that it may have. */
static void trap_coprocessor(struct vcpu *v, uint64_t esr)
{
    if (skip_executed(v, esr)) {
        inject_undefined(v);
    } else {
        skip_insn(v, esr);
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
