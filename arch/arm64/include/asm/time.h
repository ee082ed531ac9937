/* SPDX-License-Identifier: Apache-2.0 */
/* Port side of <arch/time.h>: the generic timer [Arm ARM D11]. CNTHP is the hypervisor's, CNTV the
 * loaded vCPU's. */
#pragma once

#include <asm/sysregs.h>

#define CNT_CTL_ENABLE  1ul
#define CNT_CTL_IMASK   2ul
#define CNT_CTL_ISTATUS 4ul

static inline uint64_t arch_counter(void)
{
    /* Reads of the counter may be speculated ahead of earlier instructions [Arm ARM D11.2.1]: not
     * before what we measure. */
    isb();
    return READ_SYSREG(cntpct_el0);
}

/* The write takes effect by the eret to the guest or the barrier before wfi; nobody waits for it
 * earlier. */
static inline void arch_timer_program(uint64_t ticks)
{
    if (ticks == UINT64_MAX) {
        WRITE_SYSREG(0, cnthp_ctl_el2);
    } else {
        WRITE_SYSREG(ticks, cnthp_cval_el2);
        WRITE_SYSREG(CNT_CTL_ENABLE, cnthp_ctl_el2);
    }
}
