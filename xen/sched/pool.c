/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CPU pools: what is in them, and how CPUs and domains get in and out. Nothing waits for a CPU that
 * leaves: it stops what it runs at its next gate, where the scheduler of that vCPU's pool is asked,
 * and then chooses by its own new pool. What only waits for an event stays loaded until it is woken.
 */
#include <public/domctl.h>
#include <xen/bitops.h>
#include <xen/cpu.h>
#include <xen/cpupool.h>
#include <xen/domain.h>
#include <xen/errno.h>
#include <xen/heap.h>

static struct list pools = {&cpupool0.node, &cpupool0.node};

struct cpupool cpupool0 = {
    .node = {&pools, &pools},
    .class = &sched_fair,
    .queue = LIST_INIT(cpupool0.queue),
};

struct cpupool cpupool_free = {
    .id = CPUPOOL_ANY,
    .class = &sched_fair,
    .queue = LIST_INIT(cpupool_free.queue),
};

struct cpupool *cpupool_at(uint32_t id)
{
    struct cpupool *pool;

    list_for_each(pool, &pools, node) {
        if (pool->id >= id) {
            return pool;
        }
    }
    return NULL;
}

static const struct sched_class *cpupool_class(uint32_t sched_id)
{
    return sched_id == sched_fair.id ? &sched_fair : sched_id == sched_null.id ? &sched_null : NULL;
}

/* The lowest number that is not in use. */
static uint32_t cpupool_unused_id(void)
{
    const struct cpupool *pool;
    uint32_t id = 0;

    list_for_each(pool, &pools, node) {
        if (pool->id != id) {
            break;
        }
        id++;
    }
    return id;
}

int cpupool_create(uint32_t *id, uint32_t sched_id)
{
    const struct sched_class *class = cpupool_class(sched_id);
    uint32_t wanted = *id == CPUPOOL_ANY ? cpupool_unused_id() : *id;
    struct cpupool *next = cpupool_at(wanted), *pool;

    if (class == NULL) {
        return -ENOENT;
    }
    if (next != NULL && next->id == wanted) {
        return -ENOSPC;
    }
    pool = heap_new(struct cpupool);
    if (pool == NULL) {
        return -ENOMEM;
    }
    pool->id = wanted;
    pool->class = class;
    list_init(&pool->queue);
    spin_lock(&sched_lock);
    list_add_before(next != NULL ? &next->node : &pools, &pool->node);
    sched_unlock();
    *id = wanted;
    return 0;
}

/* All CPUs of both pools choose again: who may run on them, and who waits, has changed. */
static void cpupool_take_cpu(struct cpupool *from, struct cpupool *to, struct cpu *c)
{
    from->cpus &= ~cpumask_of(c);
    to->cpus |= cpumask_of(c);
    c->sched.pool = to;
    c->sched.clock = to->clock;
    for_each_bit(i, from->cpus | to->cpus) {
        sched_request(&cpus[i], CPU_PENDING_RESCHED);
    }
}

int cpupool_destroy(struct cpupool *pool)
{
    int rc = 0;

    spin_lock(&sched_lock);
    if (pool->nr_domains != 0 || pool == &cpupool0) {
        rc = -EBUSY;
    } else {
        for_each_bit(i, pool->cpus) {
            cpupool_take_cpu(pool, &cpupool_free, &cpus[i]);
        }
        list_del(&pool->node);
    }
    sched_unlock();
    if (rc == 0) {
        heap_delete(pool);
    }
    return rc;
}

int cpupool_add_cpu(struct cpupool *pool, uint32_t cpu)
{
    int rc = 0;

    spin_lock(&sched_lock);
    if (cpu == CPUPOOL_ANY && cpupool_free.cpus != 0) {
        cpu = ctz64(cpupool_free.cpus);
    }
    if (cpu >= nr_cpus_online && cpu != CPUPOOL_ANY) {
        rc = -EINVAL;
    } else if (cpu == CPUPOOL_ANY || (cpupool_free.cpus >> cpu & 1u) == 0) {
        rc = -ENODEV;
    } else {
        cpupool_take_cpu(&cpupool_free, pool, &cpus[cpu]);
    }
    sched_unlock();
    return rc;
}

static int cpupool_give_up(struct cpupool *pool, struct cpu *c)
{
    int rc = 0;

    if ((pool->cpus & cpumask_of(c)) == 0) {
        return -EADDRNOTAVAIL;
    }
    if (pool->cpus == cpumask_of(c) && pool->nr_domains != 0) {
        return -EBUSY;
    }
    cpupool_take_cpu(pool, &cpupool_free, c);
    rc = pool->class->give_up(c);
    if (rc != 0) {
        cpupool_take_cpu(&cpupool_free, pool, c);
    }
    return rc;
}

int cpupool_remove_cpu(struct cpupool *pool, uint32_t cpu)
{
    int rc;

    spin_lock(&sched_lock);
    if (cpu == CPUPOOL_ANY && pool->cpus != 0) {
        cpu = fls64(pool->cpus) - 1u;
    }
    rc = cpu < nr_cpus_online ? cpupool_give_up(pool, &cpus[cpu]) : -EINVAL;
    sched_unlock();
    return rc;
}

int cpupool_join(struct domain *d, uint32_t id)
{
    uint32_t wanted = id == CPUPOOL_ANY ? 0 : id;
    struct cpupool *pool = cpupool_at(wanted);

    if (pool == NULL || pool->id != wanted || pool->cpus == 0) {
        return -EINVAL;
    }
    spin_lock(&sched_lock);
    d->pool = pool;
    pool->nr_domains++;
    sched_unlock();
    return 0;
}

void cpupool_leave(struct domain *d)
{
    spin_lock(&sched_lock);
    d->pool->nr_domains--;
    sched_unlock();
}

static void cpupool_count(struct domain *d, struct cpupool *to)
{
    d->pool->nr_domains--;
    to->nr_domains++;
    d->pool = to;
}

/* All vCPUs of d into `to`, or none. The old pool keeps their places until it is sure. */
static int cpupool_admit(struct domain *d, struct cpupool *to)
{
    struct cpupool *from = d->pool;
    struct vcpu *v;
    int rc = 0;

    for_each_vcpu(d, v) {
        cpumask_t hard = v->sched.hard;

        v->sched.pool = to;
        v->sched.hard = CPUMASK_ALL; /* there it may run anywhere */
        rc = to->class->admit(v);
        v->sched.hard = hard;
        if (rc != 0) {
            break;
        }
    }
    for_each_vcpu(d, v) {
        if (rc == 0) {
            from->class->remove(v, from->cpus);
        } else {
            to->class->remove(v, to->cpus);
            v->sched.pool = from;
        }
    }
    return rc;
}

int cpupool_move(struct domain *d, struct cpupool *to)
{
    struct vcpu *v;
    int rc = 0;

    spin_lock(&sched_lock);
    if (to->cpus == 0) {
        rc = -ENOENT;
    } else if (d->pool != to) {
        rc = cpupool_admit(d, to);
        if (rc == 0) {
            cpupool_count(d, to);
            for_each_vcpu(d, v) {
                v->sched.hard = CPUMASK_ALL;
                v->sched.saved_hard = 0;
            }
            if (to->class == &sched_fair) {
                /* A cap has no debts from elsewhere. */
                fair_domain_changed(d, d->sched.weight, d->sched.cap);
            }
        }
    }
    sched_unlock();
    return rc;
}

void cpupool_retire(struct domain *d)
{
    struct vcpu *v;

    spin_lock(&sched_lock);
    for_each_vcpu(d, v) {
        v->sched.pool->class->remove(v, v->sched.pool->cpus);
        v->sched.pool = &cpupool0;
        v->sched.assigned = CPUMASK_ALL;
    }
    cpupool_count(d, &cpupool0);
    sched_unlock();
}
