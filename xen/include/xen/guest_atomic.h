/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Atomic operations on words that a guest can write to. A guest on another CPU that stores into the
 * same cache line without end can keep a pair of exclusive load and store from succeeding; so the
 * attempts are counted. After GUEST_ATOMIC_TRIES the vCPUs of `d`, whose word it is, are stopped
 * until it is done. If that does not help, because d shares the page with somebody, nothing is
 * changed, and the answer is that the word was so already: the guest's event or grant is lost.
 *
 * Everything here is at least acquire and release, and returns the old value.
 */
#pragma once

#include <arch/guest_atomic.h>
#include <xen/compiler.h>
#include <xen/types.h>

struct domain;

#define GUEST_ATOMIC_TRIES 64u

uint64_t guest_atomic_or64_slow(struct domain *d, uint64_t *p, uint64_t bits);
uint64_t guest_atomic_and64_slow(struct domain *d, uint64_t *p, uint64_t mask);
uint32_t guest_atomic_or32_slow(struct domain *d, uint32_t *p, uint32_t bits);
uint32_t guest_atomic_and32_slow(struct domain *d, uint32_t *p, uint32_t mask);
bool guest_atomic_cas32_slow(struct domain *d, uint32_t *p, uint32_t *old, uint32_t new);

static inline uint64_t guest_atomic_or64(struct domain *d, uint64_t *p, uint64_t bits)
{
    uint64_t old;

    return likely(arch_try_or64(p, bits, &old)) ? old : guest_atomic_or64_slow(d, p, bits);
}

static inline uint64_t guest_atomic_and64(struct domain *d, uint64_t *p, uint64_t mask)
{
    uint64_t old;

    return likely(arch_try_and64(p, mask, &old)) ? old : guest_atomic_and64_slow(d, p, mask);
}

static inline uint32_t guest_atomic_or32(struct domain *d, uint32_t *p, uint32_t bits)
{
    uint32_t old;

    return likely(arch_try_or32(p, bits, &old)) ? old : guest_atomic_or32_slow(d, p, bits);
}

static inline uint32_t guest_atomic_and32(struct domain *d, uint32_t *p, uint32_t mask)
{
    uint32_t old;

    return likely(arch_try_and32(p, mask, &old)) ? old : guest_atomic_and32_slow(d, p, mask);
}

/* If *p is *old, make it `new`. false: it was another value, which is in *old now; or *old is as it
 * was, and it cannot be done: do not try again. */
static inline bool guest_atomic_cas32(struct domain *d, uint32_t *p, uint32_t *old, uint32_t new)
{
    uint32_t seen = *old;

    if (likely(arch_try_cas32(p, &seen, new))) {
        return true;
    }
    return guest_atomic_cas32_slow(d, p, old, new);
}

/* Bit `nr` of a bitmap of 64-bit words: the old bit. */
static inline bool guest_test_and_set_bit(struct domain *d, unsigned int nr, uint64_t *map)
{
    uint64_t bit = 1ull << (nr % 64u);

    return (guest_atomic_or64(d, &map[nr / 64u], bit) & bit) != 0;
}

static inline bool guest_test_and_clear_bit(struct domain *d, unsigned int nr, uint64_t *map)
{
    uint64_t bit = 1ull << (nr % 64u);

    return (guest_atomic_and64(d, &map[nr / 64u], ~bit) & bit) != 0;
}
