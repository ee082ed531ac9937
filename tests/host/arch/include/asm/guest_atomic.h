/* SPDX-License-Identifier: Apache-2.0 */
/* Third port's side of <arch/guest_atomic.h>: fails as often as a test wants. */
#pragma once

/* Must the next attempt fail? */
bool host_atomic_fails(void);

static inline bool arch_try_or64(uint64_t *p, uint64_t bits, uint64_t *old)
{
    if (host_atomic_fails()) {
        return false;
    }
    *old = __atomic_fetch_or(p, bits, __ATOMIC_ACQ_REL);
    return true;
}

static inline bool arch_try_and64(uint64_t *p, uint64_t mask, uint64_t *old)
{
    if (host_atomic_fails()) {
        return false;
    }
    *old = __atomic_fetch_and(p, mask, __ATOMIC_ACQ_REL);
    return true;
}

static inline bool arch_try_or32(uint32_t *p, uint32_t bits, uint32_t *old)
{
    if (host_atomic_fails()) {
        return false;
    }
    *old = __atomic_fetch_or(p, bits, __ATOMIC_ACQ_REL);
    return true;
}

static inline bool arch_try_and32(uint32_t *p, uint32_t mask, uint32_t *old)
{
    if (host_atomic_fails()) {
        return false;
    }
    *old = __atomic_fetch_and(p, mask, __ATOMIC_ACQ_REL);
    return true;
}

static inline bool arch_try_cas32(uint32_t *p, uint32_t *old, uint32_t new)
{
    return !host_atomic_fails() &&
           __atomic_compare_exchange_n(p, old, new, true, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

static inline bool arch_try_cas64(uint64_t *p, uint64_t *old, uint64_t new)
{
    return !host_atomic_fails() &&
           __atomic_compare_exchange_n(p, old, new, true, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}
