/* SPDX-License-Identifier: Apache-2.0 */
/* Full path of a trap: stepping over the instruction that trapped. */
#pragma once

#include <asm/esr.h>
#include <asm/sysregs.h>
#include <xen/domain.h>

/* aarch32.c: the same for a guest's program in AArch32. */
bool skip_executed32(const struct vcpu *v, uint64_t esr);
void skip_insn32(struct vcpu *v, uint64_t esr);

/* Would the trapped instruction have been executed? */
static inline bool skip_executed(const struct vcpu *v, uint64_t esr)
{
    return likely((v->arch.regs.spsr & PSR_MODE_AARCH32) == 0) || skip_executed32(v, esr);
}

static inline void skip_insn(struct vcpu *v, uint64_t esr)
{
    if (likely((v->arch.regs.spsr & PSR_MODE_AARCH32) == 0)) {
        v->arch.regs.pc += 4;
    } else {
        skip_insn32(v, esr);
    }
}
