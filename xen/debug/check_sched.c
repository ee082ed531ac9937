/* SPDX-License-Identifier: Apache-2.0 */
/* Who may run is queued once, or runs on one CPU; who may not is in no queue. Timers are in order. */
#include <xen/cpu.h>
#include <xen/cpupool.h>
#include <xen/domain.h>
#include <xen/sched.h>
#include <xen/timer.h>

#include "check.h"

static void check_vcpu(const struct vcpu *v)
{
    bool runnable = vcpu_runnable(v);
    uint32_t state = v->sched.state;

    if (state == SCHED_RUNNING && (v->cpu->sched.curr != v || v->running == 0)) {
        check_wrong("d%uv%u runs on CPU %u, which does not run it", v->d->id, v->id, v->cpu->id);
    }
    if (runnable && state == SCHED_OFF) {
        check_wrong("d%uv%u may run, and nobody knows", v->d->id, v->id);
    }
    if (!runnable && (state == SCHED_QUEUED || state == SCHED_PARKED)) {
        check_wrong("d%uv%u must not run, and waits for a CPU", v->d->id, v->id);
    }
    if (state == SCHED_PARKED && (v->d->sched.cap == 0 || !timer_armed(&v->d->sched.refill))) {
        check_wrong("d%uv%u is parked, and nothing ends that", v->d->id, v->id);
    }
}

/* Those that wait, by the pool's queue. */
static uint32_t check_queue(const struct cpupool *pool)
{
    const struct vcpu *v;
    uint64_t before = 0;
    uint32_t nr = 0;

    list_for_each(v, &pool->queue, sched.node) {
        if (v->sched.state != SCHED_QUEUED || v->sched.pool != pool || v->sched.vtime < before ||
            v->sched.node.next->prev != &v->sched.node) {
            check_wrong("d%uv%u, in state %u, is wrong in the queue", v->d->id, v->id,
                        v->sched.state);
            break;
        }
        before = v->sched.vtime;
        nr++;
    }
    return nr;
}

static void check_pool(const struct cpupool *pool)
{
    uint32_t waiting = 0, members = 0, queued = check_queue(pool);
    const struct domain *d;
    const struct vcpu *v;

    list_for_each(d, &domain_list, all) {
        members += d->pool == pool;
        for_each_vcpu(d, v) {
            waiting += v->sched.pool == pool && v->sched.state == SCHED_QUEUED;
        }
    }
    if (pool->class == &sched_fair && (queued != waiting || queued != pool->nr_waiting)) {
        check_wrong("pool %u: %u vCPUs wait, %u are in the queue, %u are counted", pool->id,
                    waiting, queued, pool->nr_waiting);
    }
    /* A domain whose last reference is gone is in no list any more, and counts until it is freed. */
    if (members > pool->nr_domains || (members != 0 && pool->cpus == 0)) {
        check_wrong("pool %u: %u domains, %u are counted, CPUs %#x", pool->id, members,
                    pool->nr_domains, pool->cpus);
    }
}

static void check_cpu(const struct cpu *c)
{
    const struct vcpu *v = c->sched.curr;

    if ((c->sched.pool->cpus & cpumask_of(c)) == 0) {
        check_wrong("CPU %u is not in the pool that it knows", c->id);
    }
    if (v != NULL && (v->sched.state != SCHED_RUNNING || v->cpu != c)) {
        check_wrong("CPU %u runs d%uv%u, which does not run there", c->id, v->d->id, v->id);
    }
    v = c->current;
    if (v != NULL && (v->running == 0 || v->cpu != c)) {
        check_wrong("CPU %u has d%uv%u loaded, which does not know it", c->id, v->d->id, v->id);
    }
}

void check_sched(void)
{
    cpumask_t all = cpupool_free.cpus;
    const struct cpupool *pool;
    const struct domain *d;
    const struct vcpu *v;

    list_for_each(d, &domain_list, all) {
        for_each_vcpu(d, v) {
            check_vcpu(v);
        }
    }
    for (unsigned int i = 0; i < nr_cpus_online; i++) {
        check_cpu(&cpus[i]);
    }
    for (uint32_t id = 0; (pool = cpupool_at(id)) != NULL; id = pool->id + 1u) {
        if ((all & pool->cpus) != 0) {
            check_wrong("pool %u: CPUs %#x, some are in another one", pool->id, pool->cpus);
        }
        all |= pool->cpus;
        check_pool(pool);
    }
}

static void check_timer(const struct cpu *c, uint32_t i)
{
    const struct timer_queue *q = &c->timers;
    const struct timer *t = q->heap[i];

    if (t->slot != i + 1u || t->cpu != c ||
        (i != 0 && q->heap[(i - 1u) / 2u]->expires > t->expires)) {
        check_wrong("CPU %u: the timer at %u is not in its place", c->id, i);
    }
}

void check_timers(void)
{
    uint32_t armed = 0;

    for (unsigned int i = 0; i < nr_cpus; i++) {
        const struct timer_queue *q = &cpus[i].timers;

        if (q->capacity < timer_count() || q->count > q->capacity) {
            check_wrong("CPU %u: no room for each of %u timers", i, timer_count());
        }
        for (uint32_t n = 0; n < q->count; n++) {
            check_timer(&cpus[i], n);
        }
        armed += q->count;
    }
    if (armed > timer_count()) {
        check_wrong("%u timers are armed, %u are there", armed, timer_count());
    }
}
