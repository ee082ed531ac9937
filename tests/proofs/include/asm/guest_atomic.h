/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proofs' side of <arch/guest_atomic.h>: the guest may write at any moment, and any attempt may
 * fail. Each harness that uses it says what its guests write, which attempts fail, and what it notes
 * of those that succeed.
 */
#pragma once

bool proof_attempt_fails(void);
void proof_guest_runs(void);
void proof_claimed(const uint32_t *word, uint32_t old, uint32_t now);

static inline bool arch_try_or64(uint64_t *p, uint64_t bits, uint64_t *old)
{
    proof_guest_runs();
    *old = *p;
    if (proof_attempt_fails()) {
        return false;
    }
    *p |= bits;
    return true;
}

static inline bool arch_try_and64(uint64_t *p, uint64_t mask, uint64_t *old)
{
    proof_guest_runs();
    *old = *p;
    if (proof_attempt_fails()) {
        return false;
    }
    *p &= mask;
    return true;
}

static inline bool arch_try_or32(uint32_t *p, uint32_t bits, uint32_t *old)
{
    proof_guest_runs();
    *old = *p;
    if (proof_attempt_fails()) {
        return false;
    }
    *p |= bits;
    return true;
}

static inline bool arch_try_and32(uint32_t *p, uint32_t mask, uint32_t *old)
{
    proof_guest_runs();
    *old = *p;
    if (proof_attempt_fails()) {
        return false;
    }
    *p &= mask;
    return true;
}

static inline bool arch_try_cas32(uint32_t *p, uint32_t *old, uint32_t new)
{
    uint32_t found;

    proof_guest_runs();
    found = *p;
    if (found != *old || proof_attempt_fails()) {
        *old = found;
        return false;
    }
    *p = new;
    proof_claimed(p, found, new);
    return true;
}
