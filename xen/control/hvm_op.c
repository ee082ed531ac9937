/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settings of a domain that the tools and the guest share: hvm_op parameters, and vm_assist.
 */
#include <public/arch.h>
#include <public/hvm/hvm_op.h>
#include <public/hvm/params.h>
#include <public/xen.h>
#include <xen/access.h>
#include <xen/domain.h>
#include <xen/errno.h>
#include <xen/nospec.h>
#include <xen/op.h>

#define BIT64(n) (1ull << (n))

/* Parameters that exist here; all are set by the tools only. */
#define PARAMS_READ \
    (BIT64(HVM_PARAM_CALLBACK_IRQ) | BIT64(HVM_PARAM_STORE_PFN) | BIT64(HVM_PARAM_STORE_EVTCHN) | \
     BIT64(HVM_PARAM_CONSOLE_PFN) | BIT64(HVM_PARAM_CONSOLE_EVTCHN))
#define PARAMS_HIDDEN BIT64(HVM_PARAM_MONITOR_RING_PFN) /* not even read by the domain itself */

/* Does the parameter exist for this caller? 0, -EINVAL, -EPERM. */
static int hvm_param_check(uint32_t index, bool own)
{
    uint64_t bit = index < HVM_NR_PARAMS ? BIT64(index) : 0;

    if ((bit & (PARAMS_READ | PARAMS_HIDDEN)) == 0) {
        return -EINVAL;
    }
    return own && (bit & PARAMS_HIDDEN) != 0 ? -EPERM : 0;
}

/* A domain is told first, as by Xen, that a parameter does not exist, then that it may not. */
static long hvm_param_set(struct op_call *call)
{
    const struct xen_hvm_param *param = call->arg;
    int rc = access_act_on(call->v->d, call->d) ? hvm_param_check(param->index, false) : -EPERM;

    if (rc == 0 && call->d == call->v->d) {
        rc = -EPERM;
    }
    if (rc == 0) {
        atomic_store(&call->d->hvm_params[index_nospec(param->index, HVM_NR_PARAMS)], param->value);
    }
    return rc;
}

static long hvm_param_get(struct op_call *call)
{
    struct xen_hvm_param *param = call->arg;
    int rc = hvm_param_check(param->index, call->d == call->v->d);

    if (rc == 0) {
        param->value = call->d->hvm_params[index_nospec(param->index, HVM_NR_PARAMS)];
    }
    return rc;
}

static const struct op hvm_rows[] = {
    [HVMOP_set_param] = OP_ON(hvm_param_set, xen_hvm_param, domid, OP_ASKS, ACCESS_OTHER),
    [HVMOP_get_param] = OP_ON(hvm_param_get, xen_hvm_param, domid, OP_OUT, ACCESS_SELF),
};

static long vm_assist(struct vcpu *v, uint64_t *arg, const struct op_table *table __unused)
{
    uint32_t bit = 1u << VMASST_TYPE_runstate_update_flag;

    if ((uint32_t)arg[1] != VMASST_TYPE_runstate_update_flag) {
        return -EINVAL;
    }
    switch ((uint32_t)arg[0]) {
    case VMASST_CMD_enable: atomic_fetch_or(&v->d->vm_assist, bit); return 0;
    case VMASST_CMD_disable: atomic_fetch_and(&v->d->vm_assist, ~bit); return 0;
    default: return -ENOSYS;
    }
}

const struct op_table hvm_ops = {OP_TABLE(op_run, hvm_rows)};

const struct op_table vm_assist_ops = {.run = vm_assist};
