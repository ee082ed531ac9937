/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Port side of <arch/guest_atomic.h>: AMO instructions, which always succeed; for the rest one pair
 * of LR and SC without a loop [RVUNPRIV 13].
 */
#pragma once

static __always_inline bool arch_try_or64(uint64_t *p, uint64_t bits, uint64_t *old)
{
    *old = __atomic_fetch_or(p, bits, __ATOMIC_ACQ_REL);
    return true;
}

static __always_inline bool arch_try_and64(uint64_t *p, uint64_t mask, uint64_t *old)
{
    *old = __atomic_fetch_and(p, mask, __ATOMIC_ACQ_REL);
    return true;
}

static __always_inline bool arch_try_or32(uint32_t *p, uint32_t bits, uint32_t *old)
{
    *old = __atomic_fetch_or(p, bits, __ATOMIC_ACQ_REL);
    return true;
}

static __always_inline bool arch_try_and32(uint32_t *p, uint32_t mask, uint32_t *old)
{
    *old = __atomic_fetch_and(p, mask, __ATOMIC_ACQ_REL);
    return true;
}

/*
 * The compilers make a loop of a weak compare and exchange, so it is written out. lr.w extends the
 * sign, as `wanted` must have it. Returns from the function that uses it.
 */
#define TRY_CAS(width, p, wanted, old, new) \
    do { \
        long found_; \
        uint64_t failed_ = 1; \
\
        __asm__ volatile("lr." width ".aq %0, %2\n\t" \
                         "bne %0, %3, 1f\n\t" \
                         "sc." width ".rl %1, %4, %2\n" \
                         "1:" \
                         : "=&r"(found_), "+&r"(failed_), "+A"(*(p)) \
                         : "r"(wanted), "r"(new) \
                         : "memory"); \
        *(old) = (__typeof__(*(old)))found_; \
        return failed_ == 0; \
    } while (0)

static __always_inline bool arch_try_cas32(uint32_t *p, uint32_t *old, uint32_t new)
{
    TRY_CAS("w", p, (long)(int32_t)*old, old, new);
}

static __always_inline bool arch_try_cas64(uint64_t *p, uint64_t *old, uint64_t new)
{
    TRY_CAS("d", p, (long)*old, old, new);
}
