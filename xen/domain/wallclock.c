/* SPDX-License-Identifier: Apache-2.0 */
/* The wallclock that the control domain sets and all domains read in their shared_info. */
#include <public/xen.h>
#include <xen/atomic.h>
#include <xen/domain.h>
#include <xen/spinlock.h>
#include <xen/time.h>

static uint64_t wallclock_ns; /* at system time 0 */
static spinlock_t wallclock_lock = SPINLOCK_INIT(LOCK_WALLCLOCK);

void wallclock_set(uint64_t sec, uint32_t nsec, uint64_t system_time)
{
    struct domain *d;

    spin_lock(&wallclock_lock);
    /* Unsigned arithmetic: a value that makes no sense gives the guest a senseless clock, nothing
     * more. */
    wallclock_ns = sec * 1000000000u + nsec - system_time;
    spin_unlock(&wallclock_lock);
    spin_lock(&domain_list_lock);
    list_for_each(d, &domain_list, all) {
        wallclock_update(d);
    }
    spin_unlock(&domain_list_lock);
}

void wallclock_update(struct domain *d)
{
    struct shared_info *s = d->shared_info;
    uint64_t ns;

    spin_lock(&wallclock_lock);
    ns = wallclock_ns + (uint64_t)d->time_offset * 1000000000u;
    /* An odd version tells the guest that the values are being changed [public/xen.h]. */
    atomic_store(&s->wc_version, s->wc_version | 1u);
    smp_wmb(); /* odd version before the values */
    s->wc_sec = (uint32_t)(ns / 1000000000u);
    s->wc_sec_hi = (uint32_t)(ns / 1000000000u >> 32);
    s->wc_nsec = (uint32_t)(ns % 1000000000u);
    smp_wmb(); /* values before the even version */
    atomic_store(&s->wc_version, s->wc_version + 1u);
    spin_unlock(&wallclock_lock);
}
