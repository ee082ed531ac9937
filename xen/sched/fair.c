/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Class fair: one queue for all CPUs of a pool, ordered by weighted run time ("virtual time");
 * whoever has had least runs next. Domains may have a cap, a budget of run time for each period.
 * The tools know this class as credit2, whose parameters it has.
 *
 * Virtual times are only comparable among vCPUs that compete. Who comes from sleep or from other
 * CPUs is therefore moved to the virtual time of the CPUs that it comes to (fair_reference); so
 * neither a long sleep nor a hog elsewhere is a credit.
 */
#include <public/domctl.h>
#include <xen/bitops.h>
#include <xen/cpu.h>
#include <xen/cpupool.h>
#include <xen/domain.h>
#include <xen/lib.h>
#include <xen/opt.h>
#include <xen/sched.h>

#include "fair.h"

#define SLICE         MILLISECS(10)  /* longest run while others wait */
#define CAP_SLICE_MIN MICROSECS(200) /* shortest one that a cap makes */

/* Virtual times. */
#define SLEEPER_BONUS 3000000ull    /* head start of who wakes up: what waking often can gain */
#define NO_CHAIN      2000000ull    /* less than that, so that a chain of sleepers gains little */
#define LEAD_MAX      3000000000ull /* how far ahead one may be of those it comes to */
#define MARGIN        500000ull     /* less than that is not worth a switch */

static uint64_t fair_scale(const struct vcpu *v, s_time_t ran)
{
    return (uint64_t)ran * SCHED_WEIGHT_DEFAULT / v->d->sched.weight;
}

/* Does c run one of its pool's? It has come from another pool, perhaps, and not yet to its gate. */
static bool fair_runs_own(const struct cpu *c)
{
    return c->sched.curr != NULL && c->sched.curr->sched.pool == c->sched.pool;
}

/* Virtual time of what runs on c, up to now. */
static uint64_t fair_running_vtime(const struct cpu *c, s_time_t now)
{
    const struct vcpu *v = c->sched.curr;

    return v->sched.vtime + fair_scale(v, now - c->sched.since);
}

static __noinline uint64_t fair_busy_clock(const struct cpupool *pool, cpumask_t busy, s_time_t now)
{
    uint64_t clock = pool->clock;

    for_each_bit(i, busy) {
        const struct cpu *c = &cpus[i];

        if (fair_runs_own(c)) {
            clock = max_u64(clock, fair_running_vtime(c, now));
        }
    }
    return clock;
}

/* The highest virtual time in a pool, with what runs there and has not been charged for it. */
static uint64_t fair_pool_clock(const struct cpupool *pool, s_time_t now)
{
    cpumask_t busy = pool->cpus & ~sched_idle_cpus;

    return busy == 0 ? pool->clock : fair_busy_clock(pool, busy, now);
}

/*
 * Virtual time that the vCPUs competing for v's CPUs have reached. An idle CPU stands for the whole
 * pool. On a busy one it is that of the running vCPU, but where that one has a head start itself
 * it is not more than NO_CHAIN below those it overtook.
 */
uint64_t fair_reference(const struct vcpu *v, s_time_t now)
{
    cpumask_t allowed = sched_allowed(v);
    uint64_t mine = 0;

    for (unsigned int i = 0; i < nr_cpus; i++) {
        const struct cpu *c = &cpus[i];

        if ((allowed & cpumask_of(c)) == 0) {
            continue;
        }
        if (c->sched.curr == NULL) {
            return fair_pool_clock(v->sched.pool, now);
        }
        if (!fair_runs_own(c)) {
            continue;
        }
        uint64_t running = fair_running_vtime(c, now);

        mine = max_u64(mine, min_u64(max_u64(c->sched.clock, running), running + NO_CHAIN));
    }
    return mine;
}

/* Bring a vCPU that did not run just now to the virtual time of its competitors. */
static void fair_catch_up(struct vcpu *v, uint64_t there)
{
    v->sched.vtime = max_u64(v->sched.vtime, there - min_u64(there, SLEEPER_BONUS));
    v->sched.vtime = min_u64(v->sched.vtime, there + LEAD_MAX);
}

/*
 * c runs, or ran, a vCPU with this virtual time. The clock does not follow a head start back, or
 * many sleepers' bonuses would add up; it does follow competitors who are really elsewhere.
 */
static void fair_set_clock(struct cpu *c, uint64_t vtime)
{
    if (vtime > c->sched.clock || vtime + 2 * SLEEPER_BONUS < c->sched.clock) {
        c->sched.clock = vtime;
        c->sched.pool->clock = max_u64(c->sched.pool->clock, vtime);
    }
}

static int fair_admit(struct vcpu *v)
{
    v->sched.assigned = CPUMASK_ALL;
    v->sched.vtime = fair_reference(v, time_now());
    return 0;
}

static void fair_remove(struct vcpu *v __unused, cpumask_t from __unused)
{
}

static int fair_give_up(struct cpu *c __unused)
{
    return 0;
}

static void fair_insert(struct vcpu *v)
{
    struct cpupool *pool = v->sched.pool;
    struct vcpu *other;

    list_for_each(other, &pool->queue, sched.node) {
        if (other->sched.vtime > v->sched.vtime) {
            break;
        }
    }
    list_add_before(&other->sched.node, &v->sched.node);
    pool->nr_waiting++;
}

void fair_enqueue(struct vcpu *v, s_time_t now, bool woken)
{
    if (woken) {
        fair_catch_up(v, fair_reference(v, now));
    }
    if (fair_spent(v->d)) {
        v->sched.state = SCHED_PARKED;
    } else {
        fair_insert(v);
    }
}

static bool fair_resume(struct vcpu *v, s_time_t now)
{
    if (v->d->sched.cap != 0) {
        return false; /* needs a slice, and perhaps may not run */
    }
    fair_catch_up(v, fair_pool_clock(v->sched.pool, now));
    fair_set_clock(v->cpu, v->sched.vtime);
    return true;
}

static void fair_dequeue(struct vcpu *v)
{
    list_del(&v->sched.node);
    v->sched.pool->nr_waiting--;
}

/* First in the queue that c may run. One that yields comes only when there is no other. Parks who
 * has spent its budget. */
static struct vcpu *fair_first(struct cpu *c)
{
    struct vcpu *v, *after, *yielding = NULL;

    list_for_each_safe(v, after, &c->sched.pool->queue, sched.node) {
        if (fair_spent(v->d)) {
            fair_dequeue(v);
            v->sched.state = SCHED_PARKED;
        } else if (sched_eligible(v, c)) {
            if (!v->sched.yielding) {
                return v;
            }
            yielding = v;
        }
    }
    return yielding;
}

/* Does anybody wait who may run on c by affinity? */
static bool fair_wanted(const struct cpu *c)
{
    struct vcpu *v;

    list_for_each(v, &c->sched.pool->queue, sched.node) {
        if ((sched_allowed(v) & cpumask_of(c)) != 0) {
            return true;
        }
    }
    return false;
}

static struct vcpu *fair_waiting(struct cpupool *pool, cpumask_t idle)
{
    struct vcpu *v;

    list_for_each(v, &pool->queue, sched.node) {
        if ((sched_allowed(v) & idle) != 0 && v->running == 0 && !fair_spent(v->d)) {
            return v;
        }
    }
    return NULL;
}

static struct vcpu *fair_pick(struct cpu *c, s_time_t now, s_time_t *until)
{
    struct vcpu *v = fair_first(c);

    if (v == NULL) {
        return NULL;
    }
    fair_dequeue(v);
    fair_set_clock(c, v->sched.vtime);
    if (fair_wanted(c)) {
        *until = now + SLICE;
    }
    if (v->d->sched.cap != 0) {
        *until = time_min(*until, now + time_max(v->d->sched.budget, CAP_SLICE_MIN));
    }
    return v;
}

void fair_charge(struct cpu *c, struct vcpu *v, s_time_t ran)
{
    v->sched.vtime += fair_scale(v, ran);
    if (c->sched.pool == v->sched.pool) {
        fair_set_clock(c, v->sched.vtime);
    }
    if (v->d->sched.cap != 0) {
        v->d->sched.budget -= ran;
    }
}

/* When c could be taken from its vCPU: that one keeps it for the rate limit. */
static s_time_t fair_free_at(const struct cpu *c, s_time_t now)
{
    return time_max(c->sched.started + MICROSECS(opt.sched_ratelimit_us), now);
}

/* The busy CPU that v should take: free soonest, and then the one whose vCPU is furthest ahead.
 * NULL: v is not behind enough. */
static struct cpu *fair_victim(const struct vcpu *v, s_time_t now)
{
    cpumask_t allowed = sched_allowed(v);
    struct cpu *victim = NULL;
    uint64_t most = 0;

    for (unsigned int i = 0; i < nr_cpus; i++) {
        struct cpu *c = &cpus[i];
        uint64_t ahead;

        if ((allowed & cpumask_of(c)) == 0 || c->sched.curr == NULL) {
            continue;
        }
        ahead = fair_running_vtime(c, now);
        if (ahead <= v->sched.vtime + MARGIN) {
            continue;
        }
        if (victim == NULL || fair_free_at(c, now) < fair_free_at(victim, now) ||
            (fair_free_at(c, now) == fair_free_at(victim, now) && ahead > most)) {
            victim = c;
            most = ahead;
        }
    }
    return victim;
}

/* All CPUs that v may use are busy. Take one; in any case none of them goes on for longer than a
 * slice. */
static void fair_contend(struct vcpu *v, s_time_t now)
{
    cpumask_t allowed = sched_allowed(v);
    struct cpu *victim = fair_victim(v, now);

    for (unsigned int i = 0; i < nr_cpus; i++) {
        if ((allowed & cpumask_of(&cpus[i])) != 0 && cpus[i].sched.curr != NULL) {
            sched_retry_at(&cpus[i], now + SLICE);
        }
    }
    if (victim != NULL && fair_free_at(victim, now) == now) {
        sched_request(victim, CPU_PENDING_RESCHED);
    } else if (victim != NULL) {
        sched_retry_at(victim, fair_free_at(victim, now));
    }
}

const struct sched_class sched_fair = {
    .name = "fair",
    .id = XEN_SCHEDULER_CREDIT2,
    .admit = fair_admit,
    .remove = fair_remove,
    .give_up = fair_give_up,
    .enqueue = fair_enqueue,
    .dequeue = fair_dequeue,
    .resume = fair_resume,
    .pick = fair_pick,
    .waiting = fair_waiting,
    .charge = fair_charge,
    .contend = fair_contend,
};
