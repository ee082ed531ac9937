/* SPDX-License-Identifier: Apache-2.0 */
/* Lock ranks, checked in debug builds: a CPU acquires locks in rising rank. docs/LOCKS.md explains
 * the order. */
#include <xen/cpu.h>
#include <xen/printk.h>
#include <xen/spinlock.h>

void spin_rank_acquire(const spinlock_t *lock)
{
    struct cpu *c = this_cpu();
    uint32_t held = c->locks_held;

    /* Two locks of one rank are allowed (spin_lock_pair); a lower one than any held is a deadlock
     * waiting to happen. */
    if (held >> lock->rank > 1u) {
        c->locks_held = 0;
        panic("Lock order: rank %u acquired while %#x are held\n", lock->rank, held);
    }
    c->locks_held = held | 1u << lock->rank;
}

void spin_rank_release(const spinlock_t *lock)
{
    this_cpu()->locks_held &= ~(1u << lock->rank);
}
