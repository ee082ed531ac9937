/* SPDX-License-Identifier: Apache-2.0 */
/*
 * void serror_take(void): take the SError that is pending. A guest's TPIDR_EL0 and TPIDRRO_EL0,
 * ELR_EL2, SPSR_EL2 and ESR_EL2 are lost. hyp_serror comes back to serror_window, or to what is
 * before it.
 */
.global serror_take, serror_window
serror_take:
    msr daifclr, #4
    isb /* it is taken here, at the latest */
serror_window:
    msr daifset, #4
    ret
