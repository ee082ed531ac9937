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

static void null_remove(struct vcpu *v)
{
    for (unsigned int i = 0; i < MAX_CPUS; i++) {
        if (owner[i] == v) {
            owner[i] = NULL;
        }
    }
    v->sched.assigned = CPUMASK_ALL;
}

void null_release_all(void)
{
    for (unsigned int i = 0; i < MAX_CPUS; i++) {
        if (owner[i] != NULL) {
            null_remove(owner[i]);
        }
    }
}

static int null_admit(struct vcpu *v)
{
    cpumask_t wanted = v->sched.hard & v->d->pool->cpus;

    if (v->sched.assigned != CPUMASK_ALL && (wanted & v->sched.assigned) != 0) {
        return 0;
    }
    for (unsigned int i = 0; i < MAX_CPUS; i++) {
        if (owner[i] == NULL && (wanted >> i & 1u) != 0) {
            null_remove(v);
            owner[i] = v;
            v->sched.assigned = cpumask_of(&cpus[i]);
            return 0;
        }
    }
    return -ENOSPC;
}

static void null_enqueue(struct vcpu *v __unused, s_time_t now __unused, bool woken __unused)
{
}

static void null_dequeue(struct vcpu *v __unused)
{
}

static bool null_resume(struct vcpu *v __unused)
{
    return true;
}

static struct vcpu *null_pick(struct cpu *c, s_time_t now __unused, s_time_t *until __unused)
{
    struct vcpu *v = owner[c->id];

    return v != NULL && v->sched.state == SCHED_QUEUED && sched_eligible(v, c) ? v : NULL;
}

static struct vcpu *null_waiting(cpumask_t idle __unused)
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
    .enqueue = null_enqueue,
    .dequeue = null_dequeue,
    .resume = null_resume,
    .pick = null_pick,
    .waiting = null_waiting,
    .charge = null_charge,
    .contend = null_contend,
};
