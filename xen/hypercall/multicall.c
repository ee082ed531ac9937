/*
 * multicall: a list of hypercalls in one. Entries are copied in and out several at a time, since
 * following the guest's pointer costs more than most calls. A call that must be made again stops
 * the list; the whole multicall is then made again from there.
 */
#include <public/xen.h>
#include <xen/compiler.h>
#include <xen/errno.h>
#include <xen/guest_copy.h>
#include <xen/hypercall.h>
#include <xen/lib.h>

#define BATCH 8u

/*
 * Run entries [0, n) and leave results in them. *done counts entries that are complete. -ERESTART:
 * stop, entry *done has the arguments to go on with. `first`: nothing of the list was done before,
 * so at least one call must be.
 */
static long multicall_batch(struct vcpu *v, struct multicall_entry *e, unsigned int n, bool first,
                            unsigned int *done)
{
    unsigned int i;

    for (i = 0; i < n; i++, e++) {
        long rc;

        *done = i;
        if (hypercall_preempt() && !(first && i == 0)) {
            return -ERESTART;
        }
        /* Xen does not nest them either: the depth of the stack must not depend on the guest. */
        rc = e->op == __HYPERVISOR_multicall ? -EINVAL : hypercall_run(v, e->op, e->args);
        if (unlikely(rc == -ERESTART)) {
            return rc;
        }
        e->result = (xen_ulong_t)rc;
    }
    *done = n;
    return 0;
}

long do_multicall(struct vcpu *v, uint64_t *arg)
{
    struct multicall_entry entry[BATCH];
    bool first = true;

    while (arg[1] != 0) {
        unsigned int n = (unsigned int)min_u64(arg[1], BATCH);
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
