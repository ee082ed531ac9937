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
#include <xen/hypercall.h>
#include <xen/nospec.h>
#include <xen/params.h>

#define BIT64(n) (1ull << (n))

/* Parameters that exist here; all are set by the tools only. */
#define PARAMS_READ \
    (BIT64(HVM_PARAM_CALLBACK_IRQ) | BIT64(HVM_PARAM_STORE_PFN) | BIT64(HVM_PARAM_STORE_EVTCHN) | \
     BIT64(HVM_PARAM_CONSOLE_PFN) | BIT64(HVM_PARAM_CONSOLE_EVTCHN))
#define PARAMS_HIDDEN BIT64(HVM_PARAM_MONITOR_RING_PFN) /* not even read by the domain itself */

uint64_t domain_param(const struct domain *d, unsigned int index)
{
    return index < ARRAY_SIZE(d->hvm_params) ? d->hvm_params[index] : 0;
}

void domain_param_set(struct domain *d, unsigned int index, uint64_t value)
{
    if (index < ARRAY_SIZE(d->hvm_params)) {
        atomic_store(&d->hvm_params[index], value);
    }
}

/* May the caller, whose own domain it is or who is privileged, use parameter `index` so? */
static int param_allowed(uint32_t index, bool own, bool set)
{
    uint64_t bit = index < HVM_NR_PARAMS ? BIT64(index) : 0;

    if ((bit & (PARAMS_READ | PARAMS_HIDDEN)) == 0) {
        return -EINVAL;
    }
    return own && (set || (bit & PARAMS_HIDDEN) != 0) ? -EPERM : 0;
}

static long param_op(struct vcpu *v, struct xen_hvm_param *param, bool set)
{
    struct domain *d = domain_by_id_or_self(param->domid);
    uint32_t index;
    long rc;

    if (d == NULL) {
        return -ESRCH;
    }
    rc = access_act_on(v->d, d) ? param_allowed(param->index, d == v->d, set) : -EPERM;
    if (rc == 0) {
        index = (uint32_t)index_nospec(param->index, HVM_NR_PARAMS);
        if (set) {
            domain_param_set(d, index, param->value);
        } else {
            param->value = domain_param(d, index);
        }
    }
    domain_put(d);
    return rc;
}

static long param_set(struct vcpu *v, void *arg)
{
    return param_op(v, arg, true);
}

static long param_get(struct vcpu *v, void *arg)
{
    return param_op(v, arg, false);
}

long do_hvm_op(struct vcpu *v, uint64_t *arg)
{
    static const struct hypercall_op ops[] = {
        [HVMOP_set_param] = {param_set, sizeof(struct xen_hvm_param), 0},
        [HVMOP_get_param] = {param_get, sizeof(struct xen_hvm_param), OP_OUT},
    };

    return hypercall_op(v, ops, ARRAY_SIZE(ops), arg[0], arg[1]);
}

long do_vm_assist(struct vcpu *v, uint64_t *arg)
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
