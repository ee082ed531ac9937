/* SPDX-License-Identifier: Apache-2.0 */
/* Atomic access by the compiler's builtins; the names say the order. Plain words, no wrapper
 * types. */
#pragma once

#include <xen/types.h>

#define atomic_load(p)             __atomic_load_n((p), __ATOMIC_RELAXED)
#define atomic_load_acquire(p)     __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define atomic_store(p, v)         __atomic_store_n((p), (v), __ATOMIC_RELAXED)
#define atomic_store_release(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)
#define atomic_fetch_add(p, v)     __atomic_fetch_add((p), (v), __ATOMIC_ACQ_REL)
#define atomic_fetch_sub(p, v)     __atomic_fetch_sub((p), (v), __ATOMIC_ACQ_REL)
#define atomic_fetch_or(p, v)      __atomic_fetch_or((p), (v), __ATOMIC_ACQ_REL)
#define atomic_fetch_and(p, v)     __atomic_fetch_and((p), (v), __ATOMIC_ACQ_REL)
#define atomic_exchange(p, v)      __atomic_exchange_n((p), (v), __ATOMIC_ACQ_REL)
/* *expected is updated on failure. */
#define atomic_compare_exchange(p, expected, v) \
    __atomic_compare_exchange_n((p), (expected), (v), false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)
/* Order between this CPU's earlier and later accesses as seen by other CPUs and guests. */
#define smp_mb()  __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define smp_rmb() __atomic_thread_fence(__ATOMIC_ACQUIRE)
#define smp_wmb() __atomic_thread_fence(__ATOMIC_RELEASE)

/* Bit `nr` of a bitmap of 64-bit words in memory that guests or other CPUs change at the same time.
 * Return the old bit. */
static inline bool atomic_test_and_set_bit(unsigned int nr, uint64_t *map)
{
    uint64_t bit = 1ull << (nr % 64u);

    return (atomic_fetch_or(&map[nr / 64u], bit) & bit) != 0;
}

static inline bool atomic_test_and_clear_bit(unsigned int nr, uint64_t *map)
{
    uint64_t bit = 1ull << (nr % 64u);

    return (atomic_fetch_and(&map[nr / 64u], ~bit) & bit) != 0;
}

static inline bool atomic_test_bit(unsigned int nr, const uint64_t *map)
{
    return (atomic_load(&map[nr / 64u]) >> (nr % 64u) & 1u) != 0;
}
