/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CPU pools for the tools: there is Pool-0, it has all CPUs and all domains, and stays so.
 */
#include <public/sysctl.h>
#include <xen/control.h>
#include <xen/cpu.h>
#include <xen/cpupool.h>
#include <xen/domain.h>
#include <xen/errno.h>

static long cpupool_info(struct xen_sysctl_cpupool_op *op)
{
    if (op->cpupool_id != cpupool0.id) {
        return -ENOENT; /* the one asked for or the next one: there is none above 0 */
    }
    op->sched_id = sched_class()->id;
    op->n_dom = atomic_load(&cpupool0.nr_domains);
    return control_mask_out(&op->cpumap, cpupool0.cpus, nr_cpus_online);
}

static long cpupool_create(struct xen_sysctl_cpupool_op *op __unused)
{
    return -EOPNOTSUPP;
}

/* Also taking CPUs away: Pool-0 is in use for ever. */
static long cpupool_destroy(struct xen_sysctl_cpupool_op *op)
{
    return op->cpupool_id == cpupool0.id ? -EBUSY : -ENOENT;
}

static long cpupool_add_cpu(struct xen_sysctl_cpupool_op *op)
{
    if (op->cpupool_id != cpupool0.id) {
        return -ENOENT;
    }
    /* Every CPU is in the pool already, so none is free. */
    return op->cpu < nr_cpus_online || op->cpu == XEN_SYSCTL_CPUPOOL_PAR_ANY ? -ENODEV : -EINVAL;
}

static long cpupool_move_domain(struct xen_sysctl_cpupool_op *op)
{
    struct domain *d =
        op->domid < DOMID_FIRST_RESERVED ? domain_get_by_id((domid_t)op->domid) : NULL;

    if (d == NULL) {
        return -ESRCH;
    }
    domain_put(d);
    return op->cpupool_id == cpupool0.id ? 0 : -ENOENT;
}

static long cpupool_free_info(struct xen_sysctl_cpupool_op *op)
{
    return control_mask_out(&op->cpumap, 0, nr_cpus_online);
}

long cpupool_sysctl(struct xen_sysctl_cpupool_op *op)
{
    static long (*const ops[])(struct xen_sysctl_cpupool_op *op) = {
        [XEN_SYSCTL_CPUPOOL_OP_CREATE] = cpupool_create,
        [XEN_SYSCTL_CPUPOOL_OP_DESTROY] = cpupool_destroy,
        [XEN_SYSCTL_CPUPOOL_OP_INFO] = cpupool_info,
        [XEN_SYSCTL_CPUPOOL_OP_ADDCPU] = cpupool_add_cpu,
        [XEN_SYSCTL_CPUPOOL_OP_RMCPU] = cpupool_destroy,
        [XEN_SYSCTL_CPUPOOL_OP_MOVEDOMAIN] = cpupool_move_domain,
        [XEN_SYSCTL_CPUPOOL_OP_FREEINFO] = cpupool_free_info,
    };

    return op->op < ARRAY_SIZE(ops) && ops[op->op] != NULL ? ops[op->op](op) : -ENOSYS;
}
