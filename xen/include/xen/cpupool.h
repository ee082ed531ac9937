/* SPDX-License-Identifier: Apache-2.0 */
/* CPU pools: which CPUs a domain may use. Pool-0 has all of them. */
#pragma once

#include <xen/sched.h>
#include <xen/types.h>

struct xen_sysctl_cpupool_op;

struct cpupool {
    uint32_t id;
    cpumask_t cpus;      /* CPUs that scheduling uses; written while they come up */
    uint32_t nr_domains; /* atomic */
};

extern struct cpupool cpupool0;

long cpupool_sysctl(struct xen_sysctl_cpupool_op *op);
