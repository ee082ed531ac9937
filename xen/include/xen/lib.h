/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arithmetic that is easy to get wrong: minimum, rounding, overflow, intervals. Ranges of addresses
 * are half open, [start, end).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KIB(n) ((uint64_t)(n) << 10)
#define MIB(n) ((uint64_t)(n) << 20)
#define GIB(n) ((uint64_t)(n) << 30)

static inline uint64_t min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static inline uint64_t max_u64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static inline uint32_t min_u32(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static inline uint32_t max_u32(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

static inline size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

static inline bool is_power_of_2(uint64_t x)
{
    return x != 0 && (x & (x - 1)) == 0;
}

/* `align` is a power of 2 in the next three. */
static inline bool is_aligned(uint64_t x, uint64_t align)
{
    return (x & (align - 1)) == 0;
}

static inline uint64_t round_down(uint64_t x, uint64_t align)
{
    return x & ~(align - 1);
}

/*
 * Wraps to 0 when x is above the last multiple of `align`: check hostile values with
 * round_up_overflows.
 */
static inline uint64_t round_up(uint64_t x, uint64_t align)
{
    return (x + (align - 1)) & ~(align - 1);
}

static inline bool round_up_overflows(uint64_t x, uint64_t align)
{
    return x > UINT64_MAX - (align - 1);
}

/* `by` is not 0. */
static inline uint64_t div_round_up(uint64_t x, uint64_t by)
{
    return x / by + (x % by != 0);
}

/* True when the true sum does not fit; *sum is then its low 64 bits. */
static inline bool add_overflows(uint64_t a, uint64_t b, uint64_t *sum)
{
    return __builtin_add_overflow(a, b, sum);
}

/* True when the true product does not fit; *product is then its low 64 bits. */
static inline bool mul_overflows(uint64_t a, uint64_t b, uint64_t *product)
{
    return __builtin_mul_overflow(a, b, product);
}

/* Do [a, a_end) and [b, b_end) share an address? Empty ranges share nothing. */
static inline bool ranges_overlap(uint64_t a, uint64_t a_end, uint64_t b, uint64_t b_end)
{
    return a < a_end && b < b_end && a < b_end && b < a_end;
}
