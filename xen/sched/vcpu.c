/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a vCPU brings to the scheduler: its entry and exit, and its affinity to CPUs.
 */
#include <xen/bitops.h>
#include <xen/cpu.h>
#include <xen/cpupool.h>
#include <xen/domain.h>
#include <xen/errno.h>
#include <xen/opt.h>
#include <xen/printk.h>
#include <xen/sched.h>

int sched_vcpu_init(struct vcpu *v)
{
    struct cpupool *pool = v->d->pool;
    cpumask_t cpus_left = pool->cpus;
    unsigned int skip = v->id % popcount64(cpus_left);
    int rc;

    v->sched.hard = CPUMASK_ALL;
    v->sched.soft = CPUMASK_ALL;
    v->sched.assigned = CPUMASK_ALL;
    v->sched.state = SCHED_OFF;
    list_init(&v->sched.node);
    v->runstate.state = RUNSTATE_offline;
    v->runstate.state_entry_time = (uint64_t)time_now();
    v->sched.pool = pool;
    while (skip-- != 0) {
        cpus_left &= cpus_left - 1;
    }
    v->cpu = &cpus[ctz64(cpus_left)];
    if (v->d->is_hardware && opt.dom0_vcpus_pin) {
        v->sched.hard = cpumask_of(v->cpu);
    }
    spin_lock(&sched_lock);
    rc = pool->class->admit(v);
    if (rc != 0 && sched_fall_back(pool)) {
        printk(XENLOG_WARNING "sched=null: more vCPUs (d%uv%u) than CPUs: using %s. "
                              "dom0_max_vcpus= limits those of dom0.\n",
               v->d->id, v->id, pool->class->name);
        rc = pool->class->admit(v);
    }
    if (v->sched.assigned != CPUMASK_ALL) {
        v->cpu = &cpus[ctz64(v->sched.assigned)]; /* ports make what is near to it */
    }
    sched_unlock();
    if (rc != 0) {
        printk(XENLOG_WARNING "sched=null: no free CPU for d%uv%u in pool %u. Give dom0 fewer "
                              "(dom0_max_vcpus=) or use sched=fair.\n",
               v->d->id, v->id, pool->id);
    }
    return rc;
}

void sched_vcpu_destroy(struct vcpu *v)
{
    spin_lock(&sched_lock);
    v->sched.pool->class->remove(v, v->sched.pool->cpus);
    sched_unlock();
}

/* v's affinity has changed: is it where it may be? */
static void sched_affinity_changed(struct vcpu *v)
{
    if (v->sched.state == SCHED_QUEUED) {
        sched_place(v, time_now());
    } else if (v->sched.state == SCHED_RUNNING && (sched_allowed(v) & cpumask_of(v->cpu)) == 0) {
        sched_request(v->cpu, CPU_PENDING_RESCHED);
    }
}

/* With the lock held. */
static int sched_change_hard(struct vcpu *v, cpumask_t hard)
{
    bool queued = v->sched.state == SCHED_QUEUED;
    cpumask_t old = v->sched.hard;
    int rc;

    if (queued) {
        v->sched.pool->class->dequeue(v);
    }
    v->sched.hard = hard;
    rc = v->sched.pool->class->admit(v);
    if (rc != 0) {
        v->sched.hard = old;
    }
    if (queued) {
        v->sched.pool->class->enqueue(v, time_now(), true);
    }
    return rc;
}

int sched_set_affinity(struct vcpu *v, const cpumask_t *hard, const cpumask_t *soft)
{
    int rc = 0;

    spin_lock(&sched_lock);
    if (hard != NULL && (*hard & v->sched.pool->cpus) == 0) {
        rc = -EINVAL;
    } else if (hard != NULL && v->sched.saved_hard != 0) {
        rc = -EBUSY;
    } else {
        if (hard != NULL) {
            rc = sched_change_hard(v, *hard);
        }
        if (rc == 0 && soft != NULL) {
            v->sched.soft = *soft;
        }
        sched_affinity_changed(v);
    }
    sched_unlock();
    return rc;
}

/* With the lock held. */
static int sched_override(struct vcpu *v, int32_t cpu)
{
    cpumask_t saved = v->sched.saved_hard;
    int rc;

    if (cpu < 0) {
        if (saved == 0) {
            return -EINVAL;
        }
        rc = sched_change_hard(v, saved);
        v->sched.saved_hard = rc == 0 ? 0 : saved;
        return rc;
    }
    if (saved != 0) {
        return -EBUSY;
    }
    if ((uint32_t)cpu >= MAX_CPUS || (v->sched.pool->cpus >> cpu & 1u) == 0) {
        return -EINVAL;
    }
    saved = v->sched.hard;
    rc = sched_change_hard(v, (cpumask_t)1 << cpu);
    if (rc == 0) {
        v->sched.saved_hard = saved;
    }
    return rc;
}

int sched_pin_override(struct vcpu *v, int32_t cpu)
{
    int rc;

    spin_lock(&sched_lock);
    rc = sched_override(v, cpu);
    sched_affinity_changed(v);
    sched_unlock();
    return rc;
}
