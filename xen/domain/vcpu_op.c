/*
 * vcpu_op(cmd, vcpu, arg): a domain acts on its own vCPUs. Handlers get the vCPU named by the call,
 * not the calling one. As in Xen on Arm, nothing here turns a vCPU on or off: firmware calls do,
 * and a vCPU turns off nobody but itself.
 */
#include <public/vcpu.h>
#include <xen/cpu.h>
#include <xen/domain.h>
#include <xen/errno.h>
#include <xen/guest_copy.h>
#include <xen/hypercall.h>
#include <xen/lib.h>
#include <xen/string.h>

static long vcpu_op_is_up(struct vcpu *v, void *arg __unused)
{
    return vcpu_is_up(v);
}

static long vcpu_op_get_runstate(struct vcpu *v, void *arg)
{
    vcpu_runstate_get(v, arg);
    return 0;
}

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

/* A guest may make this call for every tick of its clock: it does not go through the table. */
static long vcpu_op_set_singleshot(struct vcpu *v, uint64_t gva)
{
    struct vcpu_set_singleshot_timer set;

    if (unlikely(guest_copy_from(&set, gva, sizeof(set)) != 0)) {
        return -EFAULT;
    }
    /* A time that has passed makes the event come at once. */
    timer_set_here(&v->singleshot, (s_time_t)min_u64(set.timeout_abs_ns, INT64_MAX));
    return 0;
}

static long vcpu_op_stop_singleshot(struct vcpu *v, void *arg __unused)
{
    if (v != current_vcpu()) {
        return -EINVAL;
    }
    timer_stop(&v->singleshot);
    return 0;
}

static __noinline long vcpu_op_by_table(struct vcpu *caller, const uint64_t *arg)
{
    static const struct hypercall_op ops[] = {
        [VCPUOP_is_up] = {vcpu_op_is_up, 0, 0},
        [VCPUOP_get_runstate_info] = {vcpu_op_get_runstate, sizeof(struct vcpu_runstate_info),
                                      OP_OUT},
        [VCPUOP_register_runstate_memory_area] = {vcpu_op_register_runstate,
                                                  sizeof(struct vcpu_register_runstate_memory_area),
                                                  0},
        [VCPUOP_stop_singleshot_timer] = {vcpu_op_stop_singleshot, 0, 0},
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

long do_vcpu_op(struct vcpu *caller, uint64_t *arg)
{
    if ((uint32_t)arg[0] == VCPUOP_set_singleshot_timer && (uint32_t)arg[1] == caller->id) {
        return vcpu_op_set_singleshot(caller, arg[2]);
    }
    return vcpu_op_by_table(caller, arg);
}
