/*
 * vcpu_op(cmd, vcpu, arg): where a domain wants to read of its own vCPUs. Handlers get the vCPU
 * named by the call, not the calling one. As in Xen on Arm there is nothing more: firmware calls
 * turn vCPUs on, and the architecture has timers.
 */
#include <public/vcpu.h>
#include <xen/domain.h>
#include <xen/errno.h>
#include <xen/guest_copy.h>
#include <xen/hypercall.h>
#include <xen/lib.h>

static long vcpu_op_register_runstate(struct vcpu *v, void *arg)
{
    const struct vcpu_register_runstate_memory_area *area = arg;

    if (area->addr.h == 0) {
        vcpu_runstate_unregister(v);
        return 0;
    }
    return vcpu_runstate_register(v, area->addr.h);
}

static long vcpu_op_register_info(struct vcpu *v, void *arg)
{
    const struct vcpu_register_vcpu_info *info = arg;

    return vcpu_info_register(v, gfn(info->mfn), info->offset);
}

long do_vcpu_op(struct vcpu *caller, uint64_t *arg)
{
    static const struct hypercall_op ops[] = {
        [VCPUOP_register_runstate_memory_area] = {vcpu_op_register_runstate,
                                                  sizeof(struct vcpu_register_runstate_memory_area),
                                                  0},
        [VCPUOP_register_vcpu_info] = {vcpu_op_register_info,
                                       sizeof(struct vcpu_register_vcpu_info), 0},
    };
    struct vcpu *v = domain_vcpu(caller->d, (uint32_t)arg[1]);
    long rc;

    if (v == NULL) {
        return -ENOENT;
    }
    rc = hypercall_op(v, ops, ARRAY_SIZE(ops), arg[0], arg[2]);
    return rc == -ENOSYS ? -EINVAL : rc; /* Xen on Arm says so for what it does not have */
}
