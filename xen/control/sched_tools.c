/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scheduler as the tools see it: `xl sched-credit2` and its system calls. The interface is that
 * of Xen's credit2.
 */
#include <public/domctl.h>
#include <public/sysctl.h>
#include <xen/cpupool.h>
#include <xen/domain.h>
#include <xen/errno.h>
#include <xen/opt.h>
#include <xen/sched.h>

static unsigned int sched_tools_vcpus(const struct domain *d)
{
    const struct vcpu *v;
    unsigned int n = 0;

    for_each_vcpu(d, v) {
        n++;
    }
    return n;
}

static long sched_tools_put(struct domain *d, const struct xen_domctl_sched_credit2 *param)
{
    uint16_t weight = param->weight != 0 ? param->weight : d->sched.weight;

    if (param->cap > 100u * sched_tools_vcpus(d)) {
        return -EINVAL;
    }
    spin_lock(&sched_lock);
    fair_domain_changed(d, weight, param->cap);
    sched_unlock();
    return 0;
}

long sched_domctl(struct domain *d, struct xen_domctl_scheduler_op *op)
{
    const struct sched_class *class = d->pool->class;

    if (op->sched_id != class->id || op->cmd > XEN_DOMCTL_SCHEDOP_getvcpuinfo) {
        return -EINVAL;
    }
    if (class != &sched_fair) {
        return 0; /* as Xen's null: nothing to set */
    }
    switch (op->cmd) {
    case XEN_DOMCTL_SCHEDOP_putinfo: return sched_tools_put(d, &op->u.credit2);
    case XEN_DOMCTL_SCHEDOP_getinfo:
        op->u.credit2.weight = d->sched.weight;
        op->u.credit2.cap = d->sched.cap;
        return 0;
    default: return -EINVAL;
    }
}

long sched_sysctl(struct xen_sysctl_scheduler_op *op)
{
    struct xen_sysctl_credit2_schedule *param = &op->u.sched_credit2;
    const struct cpupool *pool = cpupool_at(op->cpupool_id);

    if (op->cmd != XEN_SYSCTL_SCHEDOP_putinfo && op->cmd != XEN_SYSCTL_SCHEDOP_getinfo) {
        return -EINVAL;
    }
    if (pool == NULL || pool->id != op->cpupool_id) {
        return -ESRCH;
    }
    if (op->sched_id != pool->class->id) {
        return -EINVAL;
    }
    if (pool->class != &sched_fair) {
        return 0;
    }
    if (op->cmd == XEN_SYSCTL_SCHEDOP_putinfo) {
        if (param->ratelimit_us != 0 && (param->ratelimit_us > XEN_SYSCTL_SCHED_RATELIMIT_MAX ||
                                         param->ratelimit_us < XEN_SYSCTL_SCHED_RATELIMIT_MIN)) {
            return -EINVAL;
        }
        opt.sched_ratelimit_us = param->ratelimit_us; /* one for all pools */
    }
    param->ratelimit_us = opt.sched_ratelimit_us;
    return 0;
}
