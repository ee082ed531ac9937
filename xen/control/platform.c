/* SPDX-License-Identifier: Apache-2.0 */
/*
 * platform_op: the machine as a whole, for a privileged domain. It tells us what time it is.
 */
#include <public/platform.h>
#include <xen/domain.h>
#include <xen/errno.h>
#include <xen/hypercall.h>
#include <xen/op.h>

static long platform_settime(struct op_call *call)
{
    const struct xen_platform_op *op = call->arg;
    const struct xenpf_settime64 *set = &op->u.settime64;

    if (set->mbz != 0) {
        return -EINVAL;
    }
    wallclock_set(set->secs, set->nsecs, set->system_time);
    return 0;
}

#define PLATFORM(function) OP_WITH(function, xen_platform_op, OP_ALONE, ACCESS_CONTROL)

static const struct op platform_rows[] = {
    [XENPF_settime64] = PLATFORM(platform_settime),
};

static const struct op platform_others = PLATFORM(op_unknown);

const struct op_table platform_ops = {OP_TABLE(op_run_versioned, platform_rows),
                                      .version = XENPF_INTERFACE_VERSION,
                                      .others = &platform_others};
