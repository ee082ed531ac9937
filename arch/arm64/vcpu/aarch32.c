/* SPDX-License-Identifier: Apache-2.0 */
/* Trapped instructions of programs in AArch32: conditional ones may not have been executed, and an
 * IT block goes on behind them. */
#include <asm/skip.h>
#include <public/arch.h>

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

bool skip_executed32(const struct vcpu *v, uint64_t esr)
{
    uint64_t psr = v->arch.regs.spsr;

    if ((esr & ESR_CV) != 0) {
        return condition_holds(psr, ESR_COND(esr));
    }
    return (psr & PSR_THUMB) == 0 || it_state(psr) == 0 || condition_holds(psr, it_state(psr) >> 4);
}

void skip_insn32(struct vcpu *v, uint64_t esr)
{
    struct cpu_regs *regs = &v->arch.regs;

    if ((regs->spsr & PSR_THUMB) != 0 && it_state(regs->spsr) != 0) {
        unsigned int it = it_state(regs->spsr);

        it = (it & 7u) == 0 ? 0 : (it & 0xe0u) | (it << 1 & 0x1fu);
        regs->spsr &= ~(uint64_t)PSR_IT_MASK;
        regs->spsr |= (uint64_t)(it >> 2) << 10 | (uint64_t)(it & 3u) << 25;
    }
    regs->pc += (esr & ESR_IL) != 0 ? 4u : 2u;
}
