/*
 * platform_op: the machine as a whole, for a privileged domain. It tells us what time it is.
 */
#include <public/platform.h>
#include <xen/access.h>
#include <xen/control.h>
#include <xen/domain.h>
#include <xen/errno.h>
#include <xen/guest_copy.h>
#include <xen/hypercall.h>
#include <xen/time.h>

static long platform_settime(const struct xenpf_settime64 *set)
{
    if (set->mbz != 0) {
        return -EINVAL;
    }
    time_set_wallclock(set->secs, set->nsecs, set->system_time);
    return 0;
}

long do_platform_op(struct vcpu *v, uint64_t *arg)
{
    struct xen_platform_op op;
    long rc;

    if (guest_copy_from(&op, arg[0], sizeof(op)) != 0) {
        return -EFAULT;
    }
    if (op.interface_version != XENPF_INTERFACE_VERSION) {
        return -EACCES;
    }
    if (!access_control(v->d)) {
        return -EPERM;
    }
    if (op.cmd != XENPF_settime64) {
        return -ENOSYS;
    }
    if (!control_begin(v)) {
        return -ERESTART;
    }
    rc = platform_settime(&op.u.settime64);
    control_end(v);
    return rc;
}
