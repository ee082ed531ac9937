/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Atomic operations on a guest's words that did not succeed at once: a few more tries, then some
 * with the guest's vCPUs off their CPUs. What a guest does costs its sender a bounded time.
 */
#include <xen/domain.h>
#include <xen/guest_atomic.h>

/* A vCPU that is stopped leaves its CPU within microseconds, and then the next try succeeds. */
#define STOPPED_TRIES 2000u

typedef bool try_fn(void *p, uint64_t value, uint64_t *old);

static bool guest_atomic_try_or64(void *p, uint64_t bits, uint64_t *old)
{
    return arch_try_or64(p, bits, old);
}

static bool guest_atomic_try_and64(void *p, uint64_t mask, uint64_t *old)
{
    return arch_try_and64(p, mask, old);
}

static bool guest_atomic_try_or32(void *p, uint64_t bits, uint64_t *old)
{
    uint32_t old32;
    bool done = arch_try_or32(p, (uint32_t)bits, &old32);

    *old = old32;
    return done;
}

static bool guest_atomic_try_and32(void *p, uint64_t mask, uint64_t *old)
{
    uint32_t old32;
    bool done = arch_try_and32(p, (uint32_t)mask, &old32);

    *old = old32;
    return done;
}

/* `both` has the value wanted in its high half, that to be replaced in its low half. Done, too, if
 * another one was found. */
static bool guest_atomic_try_cas32(void *p, uint64_t both, uint64_t *old)
{
    uint32_t found = (uint32_t)both;
    bool done = arch_try_cas32(p, &found, (uint32_t)(both >> 32));

    *old = found;
    return done || found != (uint32_t)both;
}

static bool guest_atomic_try_often(try_fn *attempt, unsigned int tries, void *p, uint64_t value,
                                   uint64_t *old)
{
    for (unsigned int i = 0; i < tries; i++) {
        if (attempt(p, value, old)) {
            return true;
        }
    }
    return false;
}

/* false: nothing was done, and *old is worth nothing. */
static bool guest_atomic_slow(struct domain *d, try_fn *attempt, void *p, uint64_t value,
                              uint64_t *old)
{
    bool done = guest_atomic_try_often(attempt, GUEST_ATOMIC_TRIES, p, value, old);

    if (!done) {
        domain_pause_nowait(d);
        done = guest_atomic_try_often(attempt, STOPPED_TRIES, p, value, old);
        domain_unpause(d);
    }
    return done;
}

uint64_t guest_atomic_or64_slow(struct domain *d, uint64_t *p, uint64_t bits)
{
    uint64_t old;

    return guest_atomic_slow(d, guest_atomic_try_or64, p, bits, &old) ? old : UINT64_MAX;
}

uint64_t guest_atomic_and64_slow(struct domain *d, uint64_t *p, uint64_t mask)
{
    uint64_t old;

    return guest_atomic_slow(d, guest_atomic_try_and64, p, mask, &old) ? old : 0;
}

uint32_t guest_atomic_or32_slow(struct domain *d, uint32_t *p, uint32_t bits)
{
    uint64_t old;

    return guest_atomic_slow(d, guest_atomic_try_or32, p, bits, &old) ? (uint32_t)old : UINT32_MAX;
}

uint32_t guest_atomic_and32_slow(struct domain *d, uint32_t *p, uint32_t mask)
{
    uint64_t old;

    return guest_atomic_slow(d, guest_atomic_try_and32, p, mask, &old) ? (uint32_t)old : 0;
}

bool guest_atomic_cas32_slow(struct domain *d, uint32_t *p, uint32_t *old, uint32_t new)
{
    uint32_t wanted = *old;
    uint64_t found;

    if (!guest_atomic_slow(d, guest_atomic_try_cas32, p, (uint64_t)new << 32 | wanted, &found)) {
        return false;
    }
    *old = (uint32_t)found;
    return *old == wanted;
}
