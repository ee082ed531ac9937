/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vcpu_op(cmd, vcpu, arg): where a domain wants to read of its own vCPUs. Handlers get the vCPU
 * named by the call, not the calling one. As in Xen on Arm there is nothing more: firmware calls
 * turn vCPUs on, and the architecture has timers.
 */
#include <public/vcpu.h>
#include <xen/domain.h>
#include <xen/errno.h>
#include <xen/op.h>

/* The vCPU that the call names; it exists. */
static struct vcpu *vcpu_op_of(const struct op_call *call)
{
    return domain_vcpu(call->d, (uint32_t)call->reg[1]);
}

static long vcpu_op_register_runstate(struct op_call *call)
{
    const struct vcpu_register_runstate_memory_area *area = call->arg;

    if (area->addr.h == 0) {
        vcpu_runstate_unregister(vcpu_op_of(call));
        return 0;
    }
    return vcpu_runstate_register(vcpu_op_of(call), area->addr.h);
}

static long vcpu_op_register_info(struct op_call *call)
{
    const struct vcpu_register_vcpu_info *info = call->arg;

    return vcpu_info_register(vcpu_op_of(call), gfn(info->mfn), info->offset);
}

/* What Xen on Arm says to what it does not have. */
static long vcpu_op_unknown(struct op_call *call __unused)
{
    return -EINVAL;
}

static const struct op vcpu_rows[] = {
    [VCPUOP_register_runstate_memory_area] =
        OP_WITH(vcpu_op_register_runstate, vcpu_register_runstate_memory_area, 0, ACCESS_ANY),
    [VCPUOP_register_vcpu_info] =
        OP_WITH(vcpu_op_register_info, vcpu_register_vcpu_info, 0, ACCESS_ANY),
};

static const struct op vcpu_others = OP_BARE(vcpu_op_unknown, ACCESS_ANY);

static long vcpu_op(struct vcpu *caller, uint64_t *arg, const struct op_table *table)
{
    return domain_vcpu(caller->d, (uint32_t)arg[1]) != NULL
               ? op_run_at(caller, arg[0], arg[2], arg, table)
               : -ENOENT;
}

const struct op_table vcpu_ops = {OP_TABLE(vcpu_op, vcpu_rows), .others = &vcpu_others};
