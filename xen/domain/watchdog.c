/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Watchdogs of a domain (SCHEDOP_watchdog): when one is not set again in time the domain is shut
 * down.
 */
#include <public/sched.h>
#include <xen/cpu.h>
#include <xen/domain.h>
#include <xen/errno.h>
#include <xen/printk.h>

static void watchdog_expired(void *data)
{
    struct domain *d = data;

    if (!atomic_load(&d->is_shut_down) && !d->is_dying) {
        printk(XENLOG_WARNING "Watchdog timer fired for domain %u\n", d->id);
        domain_shutdown(d, SHUTDOWN_watchdog);
    }
}

int domain_watchdog_init(struct domain *d)
{
    for (unsigned int i = 0; i < DOMAIN_WATCHDOGS; i++) {
        int rc = timer_init(&d->watchdog[i], this_cpu(), watchdog_expired, d);

        if (rc != 0) {
            domain_watchdog_destroy(d);
            return rc;
        }
    }
    return 0;
}

void domain_watchdog_destroy(struct domain *d)
{
    for (unsigned int i = 0; i < DOMAIN_WATCHDOGS; i++) {
        timer_destroy(&d->watchdog[i]);
    }
}

static long watchdog_new(struct domain *d, uint32_t timeout)
{
    for (unsigned int i = 0; i < DOMAIN_WATCHDOGS; i++) {
        if ((d->watchdog_in_use >> i & 1u) == 0) {
            d->watchdog_in_use |= 1u << i;
            timer_set_here(&d->watchdog[i], time_now() + SECONDS(timeout));
            return (long)i + 1;
        }
    }
    return -ENOSPC;
}

static long watchdog_change(struct domain *d, uint32_t i, uint32_t timeout)
{
    if ((d->watchdog_in_use >> i & 1u) == 0) {
        return -EINVAL;
    }
    if (timeout != 0) {
        timer_set_here(&d->watchdog[i], time_now() + SECONDS(timeout));
    } else {
        timer_stop(&d->watchdog[i]);
        d->watchdog_in_use &= ~(1u << i);
    }
    return 0;
}

long domain_watchdog_set(struct domain *d, uint32_t id, uint32_t timeout)
{
    long rc;

    if (id > DOMAIN_WATCHDOGS) {
        return -EINVAL;
    }
    spin_lock(&d->lock);
    rc = id == 0 ? watchdog_new(d, timeout) : watchdog_change(d, id - 1, timeout);
    spin_unlock(&d->lock);
    return rc;
}
