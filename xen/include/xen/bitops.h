/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Single words of bits. Everything here compiles to a few instructions without help from libgcc.
 * Atomic operations are elsewhere.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define BIT(n) (UINT64_C(1) << (n))

/* Bits low..high inclusive, 0 <= low <= high <= 63. */
#define GENMASK(high, low) ((~UINT64_C(0) >> (63 - (high))) & (~UINT64_C(0) << (low)))

/* Index of the lowest set bit; x is not 0. */
static inline unsigned int ctz64(uint64_t x)
{
    return (unsigned int)__builtin_ctzll(x);
}

/* Number of zero bits above the highest set one; x is not 0. */
static inline unsigned int clz64(uint64_t x)
{
    return (unsigned int)__builtin_clzll(x);
}

/* 1 + index of the lowest set bit, 0 when there is none. */
static inline unsigned int ffs64(uint64_t x)
{
    return x == 0 ? 0 : ctz64(x) + 1;
}

/* 1 + index of the highest set bit, 0 when there is none. */
static inline unsigned int fls64(uint64_t x)
{
    return x == 0 ? 0 : 64 - clz64(x);
}

/* Largest n with 2^n <= x; x is not 0. */
static inline unsigned int log2_u64(uint64_t x)
{
    return 63 - clz64(x);
}

/* Smallest n with 2^n >= x; 0 for x of 0 or 1. */
static inline unsigned int log2_up_u64(uint64_t x)
{
    return x <= 1 ? 0 : 64 - clz64(x - 1);
}

/* Runs its body with n, a new variable, as each set bit of `bits` (as it is at first), from the
 * lowest. */
#define for_each_bit(n, bits) \
    for (uint64_t n##_left = (bits), n = 0; n##_left != 0 && (n = ctz64(n##_left), true); \
         n##_left &= n##_left - 1u)

/* Number of set bits. Not the builtin, which without vector registers is a call into libgcc. */
static inline unsigned int popcount64(uint64_t x)
{
    x -= (x >> 1) & UINT64_C(0x5555555555555555);
    x = (x & UINT64_C(0x3333333333333333)) + ((x >> 2) & UINT64_C(0x3333333333333333));
    x = (x + (x >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    return (unsigned int)((x * UINT64_C(0x0101010101010101)) >> 56);
}
