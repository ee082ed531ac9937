/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Port side of <arch/guest_atomic.h>: one exclusive load and store, without a loop [Arm ARM
 * B2.9.5]. The CPUs of this port's boards have no atomic instructions (LSE).
 */
#pragma once

/* r: "x" or "w", the size of the word. Returns from the function that uses it. */
#define TRY_RMW(r, insn, p, value, old) \
    do { \
        __typeof__(value) new_; \
        uint32_t failed_; \
\
        __asm__ volatile("ldaxr %" r "0, %3\n\t" insn " %" r "1, %" r "0, %" r "4\n\t" \
                         "stlxr %w2, %" r "1, %3" \
                         : "=&r"(*(old)), "=&r"(new_), "=&r"(failed_), "+Q"(*(p)) \
                         : "r"(value) \
                         : "memory"); \
        return failed_ == 0; \
    } while (0)

static __always_inline bool arch_try_or64(uint64_t *p, uint64_t bits, uint64_t *old)
{
    TRY_RMW("x", "orr", p, bits, old);
}

static __always_inline bool arch_try_and64(uint64_t *p, uint64_t mask, uint64_t *old)
{
    TRY_RMW("x", "and", p, mask, old);
}

static __always_inline bool arch_try_or32(uint32_t *p, uint32_t bits, uint32_t *old)
{
    TRY_RMW("w", "orr", p, bits, old);
}

static __always_inline bool arch_try_and32(uint32_t *p, uint32_t mask, uint32_t *old)
{
    TRY_RMW("w", "and", p, mask, old);
}

static __always_inline bool arch_try_cas32(uint32_t *p, uint32_t *old, uint32_t new)
{
    return __atomic_compare_exchange_n(p, old, new, true, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

static __always_inline bool arch_try_cas64(uint64_t *p, uint64_t *old, uint64_t new)
{
    return __atomic_compare_exchange_n(p, old, new, true, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}
