/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Class fair, caps: a domain with a cap has a budget of run time for each period, which its vCPUs
 * share. When it is spent they are parked until the next one.
 */
#include <xen/cpu.h>
#include <xen/cpupool.h>
#include <xen/domain.h>

#include "fair.h"

#define CAP_PERIOD MILLISECS(10)

/* Let the parked vCPUs of d run again. */
static void fair_unpark(struct domain *d, s_time_t now)
{
    struct vcpu *v;

    for_each_vcpu(d, v) {
        if (v->sched.state == SCHED_PARKED) {
            v->sched.state = SCHED_QUEUED;
            fair_enqueue(v, now, true);
            sched_place(v, now);
        }
    }
}

static s_time_t fair_quota(const struct domain *d)
{
    return CAP_PERIOD / 100 * d->sched.cap;
}

/* Charge d's vCPUs for what they have run so far, as if they had been chosen again just now. */
static void fair_charge_running(struct domain *d, s_time_t now)
{
    struct vcpu *v;

    for_each_vcpu(d, v) {
        if (v->sched.state == SCHED_RUNNING) {
            fair_charge(v->cpu, v, now - v->cpu->sched.since);
            v->cpu->sched.since = now;
        }
    }
}

/* A new period. What was overdrawn in the last one is paid back; what was left is lost. */
static void fair_refill(struct domain *d, s_time_t now)
{
    s_time_t quota = fair_quota(d);

    fair_charge_running(d, now);
    d->sched.budget = quota + time_min(d->sched.budget, 0);
    d->sched.next_refill = time_max(d->sched.next_refill + CAP_PERIOD, now);
    timer_set(&d->sched.refill, d->sched.next_refill);
    if (!fair_spent(d)) {
        fair_unpark(d, now);
    }
}

static void fair_refill_timer(void *data)
{
    struct domain *d = data;

    spin_lock(&sched_lock);
    if (d->sched.cap != 0 && d->pool->class == &sched_fair) {
        fair_refill(d, time_now());
    }
    sched_unlock();
}

void fair_domain_changed(struct domain *d, uint16_t weight, uint16_t cap)
{
    s_time_t now = time_now();
    struct vcpu *v;

    d->sched.weight = weight;
    d->sched.cap = cap;
    d->sched.budget = 0;
    if (cap != 0) {
        d->sched.next_refill = now;
        fair_refill(d, now);
    } else {
        timer_stop(&d->sched.refill);
        fair_unpark(d, now);
    }
    for_each_vcpu(d, v) {
        /* Its old virtual time was weighted otherwise. Who runs gets its new limits when it is
         * chosen again. */
        if (v->sched.state == SCHED_RUNNING) {
            v->sched.vtime = fair_reference(v, time_now());
            sched_request(v->cpu, CPU_PENDING_RESCHED);
        }
    }
}

int sched_domain_init(struct domain *d)
{
    d->sched.weight = SCHED_WEIGHT_DEFAULT;
    return timer_init(&d->sched.refill, this_cpu(), fair_refill_timer, d);
}

void sched_domain_destroy(struct domain *d)
{
    timer_destroy(&d->sched.refill);
}
