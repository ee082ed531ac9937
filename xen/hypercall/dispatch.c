/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the guest's call to the function that does it: the table of hypercalls, one call or a list
 * of them (multicall). Those with sub-operations go on to op.c.
 */
#include <arch/vcpu.h>
#include <public/debug.h>
#include <xen/errno.h>
#include <xen/guest_copy.h>
#include <xen/hypercall.h>
#include <xen/lib.h>
#include <xen/nospec.h>
#include <xen/op.h>
#include <xen/trap.h>

/* A power of two: the cheapest bound that holds under speculation. */
#define HYPERCALLS 64u

/* Entries copied at a time: following the guest's pointer costs more than most calls. */
#define MULTICALL_BATCH 8u

static hypercall_fn multicall;
static const struct op_table multicall_ops = {.run = multicall};

static const struct op_table *const hypercalls[HYPERCALLS] = {
    [__HYPERVISOR_platform_op] = &platform_ops, [__HYPERVISOR_memory_op] = &memory_ops,
    [__HYPERVISOR_multicall] = &multicall_ops,  [__HYPERVISOR_xen_version] = &version_ops,
    [__HYPERVISOR_console_io] = &console_ops,   [__HYPERVISOR_grant_table_op] = &grant_ops,
    [__HYPERVISOR_vm_assist] = &vm_assist_ops,  [__HYPERVISOR_vcpu_op] = &vcpu_ops,
    [__HYPERVISOR_sched_op] = &sched_ops,       [__HYPERVISOR_event_channel_op] = &evtchn_ops,
    [__HYPERVISOR_hvm_op] = &hvm_ops,           [__HYPERVISOR_sysctl] = &sysctl_ops,
    [__HYPERVISOR_domctl] = &domctl_ops,        [__HYPERVISOR_hypfs_op] = &hypfs_ops,
};

const struct op_table *dispatch_debug;

static __always_inline long dispatch_run(struct vcpu *v, uint64_t nr, uint64_t *arg)
{
    const struct op_table *call;

    if (unlikely(nr > __HYPERVISOR_hypfs_op)) { /* the last one */
        if (XEN_DEBUG && nr == __HYPERVISOR_debug_op && dispatch_debug != NULL) {
            return dispatch_debug->run(v, arg, dispatch_debug);
        }
        return -ENOSYS;
    }
    call = hypercalls[index_nospec(nr, HYPERCALLS)];
    return likely(call != NULL) ? call->run(v, arg, call) : -ENOSYS;
}

/*
 * Run entries [0, n) and leave results in them. *done counts entries that are complete. -ERESTART:
 * stop, entry *done has the arguments to go on with. `first`: nothing of the list was done before,
 * so at least one call must be.
 */
static long multicall_batch(struct vcpu *v, struct multicall_entry *e, unsigned int n, bool first,
                            unsigned int *done)
{
    for (unsigned int i = 0; i < n; i++, e++) {
        long rc;

        *done = i;
        if (hypercall_preempt() && !(first && i == 0)) {
            return -ERESTART;
        }
        /* Xen does not nest them either: the depth of the stack must not depend on the guest. */
        rc = e->op == __HYPERVISOR_multicall ? -EINVAL : dispatch_run(v, e->op, e->args);
        if (unlikely(rc == -ERESTART)) {
            return rc;
        }
        e->result = (xen_ulong_t)rc;
    }
    *done = n;
    return 0;
}

static long multicall(struct vcpu *v, uint64_t *arg, const struct op_table *table __unused)
{
    struct multicall_entry entry[MULTICALL_BATCH];
    bool first = true;

    while (arg[1] != 0) {
        unsigned int n = (unsigned int)min_u64(arg[1], MULTICALL_BATCH);
        unsigned int done;
        long rc;

        if (unlikely(guest_copy_from(entry, arg[0], n * sizeof(*entry)) != 0)) {
            /* Those before the bad one are still to be done. */
            n = 1;
            if (guest_copy_from(entry, arg[0], sizeof(*entry)) != 0) {
                return -EFAULT;
            }
        }
        rc = multicall_batch(v, entry, n, first, &done);
        /* With -ERESTART the entry after the last complete one may have changed arguments. */
        if (guest_copy_to(arg[0], entry, (rc == 0 ? n : done + 1) * sizeof(*entry)) != 0) {
            return -EFAULT;
        }
        arg[0] += done * sizeof(*entry);
        arg[1] -= done;
        if (rc != 0) {
            return rc;
        }
        first = false;
    }
    return 0;
}

void hypercall_enter(struct vcpu *v)
{
    long rc = dispatch_run(v, arch_hypercall_nr(v), arch_hypercall_args(v));

    if (unlikely(rc == -ERESTART)) {
        arch_hypercall_repeat(v);
        return;
    }
    arch_hypercall_set_result(v, rc);
}
