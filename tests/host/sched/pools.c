/* SPDX-License-Identifier: Apache-2.0 */
/* CPU pools of the simulation: CPUs come and go. */
#include <xen/cpupool.h>
#include <xen/errno.h>
#include <xen/lib.h>

#include "sim.h"

struct cpupool *random_pool(void)
{
    return cpupool_at((uint32_t)rnd(3));
}

void change_pools(void)
{
    uint32_t cpu = rnd(8) == 0 ? CPUPOOL_ANY : (uint32_t)rnd(nr_cpus);
    int rc =
        rnd(2) == 0 ? cpupool_remove_cpu(random_pool(), cpu) : cpupool_add_cpu(random_pool(), cpu);

    if (rc != 0 && rc != -EBUSY && rc != -ENODEV && rc != -EINVAL && rc != -EADDRNOTAVAIL) {
        fail("a CPU that changes pools");
    }
}

void check_pools(unsigned int nr_domains)
{
    cpumask_t all = cpupool_free.cpus;
    unsigned int i, members = 0;
    struct cpupool *pool;
    uint32_t id;

    for (id = 0; (pool = cpupool_at(id)) != NULL; id = pool->id + 1) {
        if ((all & pool->cpus) != 0 || (pool->nr_domains != 0 && pool->cpus == 0)) {
            fail("a CPU in two pools, or domains without a CPU");
        }
        all |= pool->cpus;
        members += pool->nr_domains;
    }
    for (i = 0; i < nr_cpus; i++) {
        if ((cpus[i].sched.pool->cpus & cpumask_of(&cpus[i])) == 0) {
            fail("a CPU does not know its pool");
        }
    }
    if (all != (cpumask_t)((1ull << nr_cpus) - 1) || members != nr_domains) {
        fail("a CPU in no pool, or a domain");
    }
}

void make_pools(void)
{
    uint32_t fair = CPUPOOL_ANY, null = CPUPOOL_ANY;

    if (cpupool_create(&fair, sched_fair.id) != 0 || cpupool_create(&null, sched_null.id) != 0) {
        fail("pools");
    }
}
