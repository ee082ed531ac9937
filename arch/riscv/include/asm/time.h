/* Port side of <arch/time.h>: the time CSR; the deadline by stimecmp [RVPRIV Sstc] or by SBI. */
#pragma once

#include <asm/csr.h>
#include <asm/isa.h>
#include <asm/sbi.h>

static inline uint64_t arch_counter(void)
{
    return csr_read(CSR_TIME);
}

/* A deadline that lies ahead also takes the pending bit away, in both ways. */
static inline void arch_timer_program(uint64_t ticks)
{
    if (likely(isa_has(ISA_SSTC))) {
        csr_write(CSR_STIMECMP, ticks);
    } else {
        (void)sbi_call(SBI_EXT_TIME, 0, ticks, 0, 0, 0, 0);
    }
}
