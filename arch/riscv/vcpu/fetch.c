/* SPDX-License-Identifier: Apache-2.0 */
/* The instruction that a guest was about to execute, where a trap does not tell it. */
#include <asm/guest_insn.h>
#include <asm/traps.h>
#include <xen/domain.h>

bool guest_fetch(const struct vcpu *v, uint32_t *insn)
{
    uint64_t gva = v->arch.regs.pc, low, high = 0;

    GUEST_FETCH_HALF(low, gva, failed);
    if ((low & 3u) == 3u) {
        GUEST_FETCH_HALF(high, gva + 2u, failed);
    }
    *insn = (uint32_t)(high << 16 | low);
    return true;
failed:
    guest_access_failed(gva);
    return false;
}
