/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Class null: every vCPU has a CPU of its own, and there is nothing to choose. A vCPU without a
 * free CPU is refused.
 */
#include <public/domctl.h>
#include <xen/bitops.h>
#include <xen/cpu.h>
#include <xen/cpupool.h>
#include <xen/domain.h>
#include <xen/errno.h>
#include <xen/sched.h>

static struct vcpu *owner[MAX_CPUS]; /* by CPU id */

/* One of these CPUs whose owner is v, NULL: nobody. MAX_CPUS: there is none. */
static unsigned int null_find(const struct vcpu *v, cpumask_t wanted)
{
    for_each_bit(i, wanted) {
        if (owner[i] == v) {
            return (unsigned int)i;
        }
    }
    return MAX_CPUS;
}

/* It may have a place in another pool, which it is on its way to or from. */
static void null_remove(struct vcpu *v, cpumask_t from)
{
    unsigned int i;

    while ((i = null_find(v, from)) != MAX_CPUS) {
        owner[i] = NULL;
    }
    i = null_find(v, (1u << MAX_CPUS) - 1u);
    v->sched.assigned = i != MAX_CPUS ? cpumask_of(&cpus[i]) : CPUMASK_ALL;
}

void null_release_all(void)
{
    for (unsigned int i = 0; i < MAX_CPUS; i++) {
        if (owner[i] != NULL) {
            owner[i]->sched.assigned = CPUMASK_ALL;
            owner[i] = NULL;
        }
    }
}

static int null_admit(struct vcpu *v)
{
    cpumask_t pool = v->sched.pool->cpus;
    cpumask_t wanted = (v->sched.hard & pool) != 0 ? v->sched.hard & pool : pool;
    unsigned int i = null_find(v, wanted);

    if (i == MAX_CPUS) {
        i = null_find(NULL, wanted);
        if (i == MAX_CPUS) {
            return -ENOSPC;
        }
        null_remove(v, pool);
        owner[i] = v;
    }
    v->sched.assigned = cpumask_of(&cpus[i]);
    return 0;
}

static int null_give_up(struct cpu *c)
{
    struct vcpu *v = owner[c->id];

    if (v == NULL) {
        return 0;
    }
    if (null_admit(v) != 0) {
        return -EBUSY;
    }
    owner[c->id] = NULL;
    if (v->sched.state == SCHED_QUEUED) {
        sched_place(v, time_now());
    }
    return 0;
}

static void null_enqueue(struct vcpu *v __unused, s_time_t now __unused, bool woken __unused)
{
}

static void null_dequeue(struct vcpu *v __unused)
{
}

static bool null_resume(struct vcpu *v __unused, s_time_t now __unused)
{
    return true;
}

static struct vcpu *null_pick(struct cpu *c, s_time_t now __unused, s_time_t *until __unused)
{
    struct vcpu *v = owner[c->id];

    return v != NULL && v->sched.state == SCHED_QUEUED && sched_eligible(v, c) ? v : NULL;
}

static struct vcpu *null_waiting(struct cpupool *pool __unused, cpumask_t idle __unused)
{
    return NULL;
}

static void null_charge(struct cpu *c __unused, struct vcpu *v __unused, s_time_t ran __unused)
{
}

/* Its CPU is busy: with a vCPU that was just pinned away from it. */
static void null_contend(struct vcpu *v, s_time_t now __unused)
{
    sched_request(&cpus[ctz64(v->sched.assigned)], CPU_PENDING_RESCHED);
}

const struct sched_class sched_null = {
    .name = "null",
    .id = XEN_SCHEDULER_NULL,
    .admit = null_admit,
    .remove = null_remove,
    .give_up = null_give_up,
    .enqueue = null_enqueue,
    .dequeue = null_dequeue,
    .resume = null_resume,
    .pick = null_pick,
    .waiting = null_waiting,
    .charge = null_charge,
    .contend = null_contend,
};
