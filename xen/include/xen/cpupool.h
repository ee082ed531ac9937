/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CPU pools: sets of CPUs, each with a scheduler of its own, and the domains that run there. A CPU
 * is in one pool or free; a domain is always in one. All under the scheduler's lock.
 */
#pragma once

#include <xen/list.h>
#include <xen/sched.h>
#include <xen/types.h>

struct xen_sysctl_cpupool_op;

#define CPUPOOL_ANY UINT32_MAX /* for an id: the lowest free one; for a CPU: any that will do */

struct cpupool {
    struct list node; /* of all pools, by rising id */
    uint32_t id;
    uint32_t nr_domains;
    uint32_t nr_waiting; /* vCPUs that somebody could give way to; kept by the class */
    cpumask_t cpus;
    const struct sched_class *class;
    struct list queue; /* fair: vCPUs in SCHED_QUEUED, by rising virtual time */
    uint64_t clock;    /* fair: highest virtual time that a CPU has reached */
};

extern struct cpupool cpupool0;     /* "Pool-0": dom0's, and all CPUs' at boot */
extern struct cpupool cpupool_free; /* CPUs that are in none: nobody waits there */

/*
 * What follows takes the lock. The callers are tools, of which one is served at a time, or the life
 * of a domain; so a pool that was found stays until the tool's next call.
 */

/* The first pool with this id or a higher one; NULL: none. Takes no lock: others than tools hold it. */
struct cpupool *cpupool_at(uint32_t id);
/* A pool without CPUs; *id is its number. -ENOENT: no scheduler has this XEN_SCHEDULER_* id;
 * -ENOSPC: it is in use; -ENOMEM. */
int __must_check cpupool_create(uint32_t *id, uint32_t sched_id);
/* Its CPUs become free. -EBUSY: domains are in it, or it is Pool-0. */
int __must_check cpupool_destroy(struct cpupool *pool);
/* -EINVAL: there is no such CPU; -ENODEV: it is not free, or (CPUPOOL_ANY) none is. */
int __must_check cpupool_add_cpu(struct cpupool *pool, uint32_t cpu);
/* The CPU, CPUPOOL_ANY: the last one, becomes free. -EINVAL: there is no such CPU; -EADDRNOTAVAIL: it
 * is not in this pool; -EBUSY: the pool's domains need it. */
int __must_check cpupool_remove_cpu(struct cpupool *pool, uint32_t cpu);
/* A new domain; CPUPOOL_ANY is Pool-0. -EINVAL: there is no such pool, or no CPU is in it. */
int __must_check cpupool_join(struct domain *d, uint32_t id);
void cpupool_leave(struct domain *d); /* a domain that has no vCPU any more */
/* d, which is paused, to another pool; its vCPUs may run on all CPUs there, whatever they were bound to. -ENOENT: no CPU is
 * there; -ENOSPC: too few (null). */
int __must_check cpupool_move(struct domain *d, struct cpupool *to);
/* d will never run again: what it had is free for others. It counts as one of Pool-0's. */
void cpupool_retire(struct domain *d);

long cpupool_sysctl(struct xen_sysctl_cpupool_op *op);
