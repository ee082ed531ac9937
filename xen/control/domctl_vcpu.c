/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operations of the tools on vCPUs: making them, registers, state, affinity.
 */
#include <arch/vcpu.h>
#include <public/arch.h>
#include <public/domctl.h>
#include <xen/control.h>
#include <xen/cpu.h>
#include <xen/cpupool.h>
#include <xen/domain.h>
#include <xen/errno.h>
#include <xen/guest_copy.h>
#include <xen/hypercall.h>
#include <xen/string.h>

long domctl_max_vcpus(struct op_call *call)
{
    struct domain *d = call->d;
    struct xen_domctl *op = call->arg;
    int rc = 0;

    if (d == current_vcpu()->d || op->u.max_vcpus.max != d->max_vcpus || d->is_dying) {
        return -EINVAL;
    }
    for (unsigned int i = 0; i < d->max_vcpus && rc == 0; i++) {
        if (d->vcpu[i] != NULL) {
            continue;
        }
        (void)vcpu_create(d, i, &rc);
        if (rc == 0 && hypercall_preempt()) {
            return -ERESTART; /* the others next time */
        }
    }
    return rc;
}

/* d is paused. NULL context: back to the state of a new vCPU. */
static int domctl_context_set(struct vcpu *v, const struct vcpu_guest_context *context)
{
    int rc = context != NULL ? arch_vcpu_set_context(v, context) : 0;

    if (rc != 0) {
        return rc;
    }
    v->initialised = context != NULL;
    if (context != NULL && (context->flags & VGCF_online) != 0) {
        atomic_fetch_and(&v->pause_flags, ~VPF_DOWN);
    } else {
        atomic_fetch_or(&v->pause_flags, VPF_DOWN);
    }
    return 0;
}

long domctl_setvcpucontext(struct op_call *call)
{
    struct domain *d = call->d;
    struct xen_domctl *op = call->arg;
    struct vcpu *v = domain_vcpu(d, op->u.vcpucontext.vcpu);
    uint64_t from = op->u.vcpucontext.ctxt;
    struct vcpu_guest_context context;
    int rc;

    if (d == current_vcpu()->d || v == NULL) {
        return -EINVAL;
    }
    if (from != 0 && guest_copy_from(&context, from, sizeof(context)) != 0) {
        return -EFAULT;
    }
    domain_pause(d);
    rc = domctl_context_set(v, from != 0 ? &context : NULL);
    domain_unpause(d);
    return rc;
}

long domctl_getvcpucontext(struct op_call *call)
{
    struct domain *d = call->d;
    struct xen_domctl *op = call->arg;
    struct vcpu *v = domain_vcpu(d, op->u.vcpucontext.vcpu);
    struct vcpu_guest_context context;
    int rc;

    if (v == NULL || v == current_vcpu()) {
        return -EINVAL;
    }
    memset(&context, 0, sizeof(context));
    vcpu_pause_wait(v);
    spin_lock(&d->lock); /* a sibling may be starting it: vcpu_start */
    rc = v->initialised ? 0 : -ENODATA;
    if (rc == 0) {
        arch_vcpu_get_context(v, &context);
        context.flags |= vcpu_is_up(v) ? VGCF_online : 0;
    }
    spin_unlock(&d->lock);
    vcpu_unpause(v);
    return rc == 0 ? guest_copy_to(op->u.vcpucontext.ctxt, &context, sizeof(context)) : rc;
}

/* The vCPU that an operation names: -EINVAL for a number out of range, -ESRCH for one that was not
 * made. */
static int domctl_vcpu_find(struct domain *d, uint32_t id, struct vcpu **v)
{
    *v = domain_vcpu(d, id);
    if (*v != NULL) {
        return 0;
    }
    return id < d->max_vcpus ? -ESRCH : -EINVAL;
}

long domctl_getvcpuinfo(struct op_call *call)
{
    struct domain *d = call->d;
    struct xen_domctl *op = call->arg;
    struct xen_domctl_getvcpuinfo *info = &op->u.getvcpuinfo;
    struct vcpu_runstate_info runstate;
    struct vcpu *v;
    int rc = domctl_vcpu_find(d, info->vcpu, &v);

    if (rc != 0) {
        return rc;
    }
    vcpu_runstate_get(v, &runstate);
    info->online = vcpu_is_up(v);
    info->running = sched_is_running(v);
    info->blocked = info->running == 0 && (atomic_load(&v->pause_flags) & VPF_BLOCKED) != 0;
    info->cpu_time = runstate.time[RUNSTATE_running];
    info->cpu = v->cpu->id;
    return 0;
}

/* Read the maps that the flags name, set them, and say what is in effect. */
static int domctl_affinity_set(struct vcpu *v, const struct xen_domctl_vcpuaffinity *op)
{
    bool has_hard = (op->flags & XEN_VCPUAFFINITY_HARD) != 0,
         has_soft = (op->flags & XEN_VCPUAFFINITY_SOFT) != 0;
    cpumask_t hard = 0, soft = 0, possible = v->sched.pool->cpus;
    int rc = 0;

    if ((op->flags & XEN_VCPUAFFINITY_FORCE) != 0) {
        rc = sched_pin_override(v, -1);
        rc = rc == -EINVAL ? 0 : rc; /* there is none */
    }
    if (rc == 0 && has_hard) {
        rc = control_mask_in(&hard, &op->cpumap_hard, nr_cpus_online);
    }
    if (rc == 0 && has_soft) {
        rc = control_mask_in(&soft, &op->cpumap_soft, nr_cpus_online);
    }
    if (rc == 0) {
        rc = sched_set_affinity(v, has_hard ? &hard : NULL, has_soft ? &soft : NULL);
    }
    if (rc == 0 && has_hard) {
        rc = control_mask_out(&op->cpumap_hard, possible & v->sched.hard, nr_cpus_online);
    }
    if (rc == 0 && has_soft) {
        rc = control_mask_out(&op->cpumap_soft, possible & v->sched.hard & soft, nr_cpus_online);
    }
    return rc;
}

static int domctl_affinity_get(const struct vcpu *v, const struct xen_domctl_vcpuaffinity *op)
{
    int rc = 0;

    if ((op->flags & XEN_VCPUAFFINITY_HARD) != 0) {
        rc = control_mask_out(&op->cpumap_hard, v->sched.hard, nr_cpus_online);
    }
    if (rc == 0 && (op->flags & XEN_VCPUAFFINITY_SOFT) != 0) {
        rc = control_mask_out(&op->cpumap_soft, v->sched.soft, nr_cpus_online);
    }
    return rc;
}

static int domctl_affinity_check(struct domain *d, const struct xen_domctl_vcpuaffinity *op,
                                 struct vcpu **v)
{
    int rc = domctl_vcpu_find(d, op->vcpu, v);

    if (rc != 0) {
        return rc;
    }
    if (op->flags == 0 ||
        ((op->flags & XEN_VCPUAFFINITY_HARD) != 0 && op->cpumap_hard.bitmap == 0) ||
        ((op->flags & XEN_VCPUAFFINITY_SOFT) != 0 && op->cpumap_soft.bitmap == 0)) {
        return -EINVAL;
    }
    return 0;
}

long domctl_setvcpuaffinity(struct op_call *call)
{
    struct domain *d = call->d;
    struct xen_domctl *op = call->arg;
    struct vcpu *v;
    int rc = domctl_affinity_check(d, &op->u.vcpuaffinity, &v);

    if (d->is_dying) {
        return -ESRCH; /* what it had of its pool is given back */
    }
    return rc == 0 ? domctl_affinity_set(v, &op->u.vcpuaffinity) : rc;
}

long domctl_getvcpuaffinity(struct op_call *call)
{
    struct domain *d = call->d;
    struct xen_domctl *op = call->arg;
    struct vcpu *v;
    int rc = domctl_affinity_check(d, &op->u.vcpuaffinity, &v);

    return rc == 0 ? domctl_affinity_get(v, &op->u.vcpuaffinity) : rc;
}
