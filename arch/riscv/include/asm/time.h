/* SPDX-License-Identifier: Apache-2.0 */
/* Port side of <arch/time.h>: the time CSR; the deadline by stimecmp [RVPRIV Sstc] or by SBI. */
#pragma once

#include <asm/csr.h>

extern bool timer_by_stimecmp; /* every hart has Sstc */
void timer_program_sbi(uint64_t ticks);

static inline uint64_t arch_counter(void)
{
    return csr_read(CSR_TIME);
}

/* A deadline that lies ahead also takes the pending bit away, in both ways. */
static inline void arch_timer_program(uint64_t ticks)
{
    if (likely(timer_by_stimecmp)) {
        csr_write(CSR_STIMECMP, ticks);
    } else {
        timer_program_sbi(ticks);
    }
}
