/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CPU pools for the tools: `xl cpupool-*`. What is asked for is found here; how it is done stands in
 * sched/pool.c.
 */
#include <public/sysctl.h>
#include <xen/control.h>
#include <xen/cpu.h>
#include <xen/cpupool.h>
#include <xen/domain.h>
#include <xen/errno.h>

/* The pool asked for, or the next one: so tools find all of them. */
static long cpupool_op_info(struct xen_sysctl_cpupool_op *op, struct cpupool *pool __unused)
{
    const struct cpupool *found = cpupool_at(op->cpupool_id);

    if (found == NULL) {
        return -ENOENT;
    }
    op->cpupool_id = found->id;
    op->sched_id = found->class->id;
    op->n_dom = found->nr_domains;
    return control_mask_out(&op->cpumap, found->cpus, nr_cpus_online);
}

static long cpupool_op_create(struct xen_sysctl_cpupool_op *op, struct cpupool *pool __unused)
{
    return cpupool_create(&op->cpupool_id, op->sched_id);
}

static long cpupool_op_destroy(struct xen_sysctl_cpupool_op *op __unused, struct cpupool *pool)
{
    return cpupool_destroy(pool);
}

static long cpupool_op_add_cpu(struct xen_sysctl_cpupool_op *op, struct cpupool *pool)
{
    return cpupool_add_cpu(pool, op->cpu);
}

static long cpupool_op_remove_cpu(struct xen_sysctl_cpupool_op *op, struct cpupool *pool)
{
    return cpupool_remove_cpu(pool, op->cpu);
}

static long cpupool_op_move_domain(struct xen_sysctl_cpupool_op *op, struct cpupool *pool)
{
    struct domain *d =
        op->domid < DOMID_FIRST_RESERVED ? domain_get_by_id((domid_t)op->domid) : NULL;
    long rc;

    if (d == NULL) {
        return -ESRCH;
    }
    if (d == current_vcpu()->d) {
        rc = -EPERM; /* nobody could pause it */
    } else if (d->is_dying) {
        rc = -ESRCH; /* what it had of its pool is given back, or soon will be */
    } else {
        domain_pause(d);
        rc = pool != NULL ? cpupool_move(d, pool) : -ENOENT;
        domain_unpause(d);
    }
    domain_put(d);
    return rc;
}

static long cpupool_op_free_cpus(struct xen_sysctl_cpupool_op *op, struct cpupool *pool __unused)
{
    return control_mask_out(&op->cpumap, cpupool_free.cpus, nr_cpus_online);
}

long cpupool_sysctl(struct xen_sysctl_cpupool_op *op)
{
    static const struct {
        long (*act)(struct xen_sysctl_cpupool_op *op, struct cpupool *pool);
        bool finds; /* another pool, if any, or says itself that there is none */
    } ops[] = {
        [XEN_SYSCTL_CPUPOOL_OP_CREATE] = {cpupool_op_create, true},
        [XEN_SYSCTL_CPUPOOL_OP_DESTROY] = {cpupool_op_destroy, false},
        [XEN_SYSCTL_CPUPOOL_OP_INFO] = {cpupool_op_info, true},
        [XEN_SYSCTL_CPUPOOL_OP_ADDCPU] = {cpupool_op_add_cpu, false},
        [XEN_SYSCTL_CPUPOOL_OP_RMCPU] = {cpupool_op_remove_cpu, false},
        [XEN_SYSCTL_CPUPOOL_OP_MOVEDOMAIN] = {cpupool_op_move_domain, true},
        [XEN_SYSCTL_CPUPOOL_OP_FREEINFO] = {cpupool_op_free_cpus, true},
    };
    struct cpupool *pool = cpupool_at(op->cpupool_id);

    if (op->op >= ARRAY_SIZE(ops) || ops[op->op].act == NULL) {
        return -ENOSYS;
    }
    if (pool != NULL && pool->id != op->cpupool_id) {
        pool = NULL;
    }
    if (pool == NULL && !ops[op->op].finds) {
        return -ENOENT;
    }
    return ops[op->op].act(op, pool);
}
