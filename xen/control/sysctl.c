/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sysctl: what the tools ask of the host. The table, and the operations on console, domains and
 * scheduling; facts about the machine are in sysctl_host.c.
 */
#include <public/domctl.h>
#include <public/sysctl.h>
#include <xen/console.h>
#include <xen/control.h>
#include <xen/cpupool.h>
#include <xen/domain.h>
#include <xen/errno.h>
#include <xen/guest_copy.h>
#include <xen/hypercall.h>
#include <xen/lib.h>
#include <xen/ring.h>

#define READ_SLICE   512u
#define READ_MOST    (128u * READ_SLICE) /* of one call: its reader comes again */
#define READ_GOES_ON 0xc0u /* in `incremental` of a call that goes on: pad1 slices are read */

/* In the upper half of max_domains of a list that goes on: num_domains are in it already. */
#define LIST_GOES_ON 0x80010000u
#define LIST_MASK    0xffff0000u

static long sysctl_readconsole(struct op_call *call)
{
    struct xen_sysctl *op = call->arg;
    struct xen_sysctl_readconsole *read = &op->u.readconsole;
    bool goes_on = (read->incremental & READ_GOES_ON) == READ_GOES_ON;
    uint32_t index = read->index, done = goes_on ? read->pad1 * READ_SLICE : 0;
    uint32_t count = min_u32(read->count, READ_MOST);
    bool incremental = read->incremental != 0;
    char text[READ_SLICE];
    size_t n = READ_SLICE;

    while (done < count && n == READ_SLICE) {
        n = ring_read(text, min_size(READ_SLICE, count - done), &index, incremental, false);
        if (n != 0 && guest_copy_to(read->buffer + done, text, n) != 0) {
            return -EFAULT;
        }
        done += (uint32_t)n;
        incremental = true; /* go on where this piece ended */
        if (done < count && n == READ_SLICE && hypercall_preempt()) {
            read->incremental |= READ_GOES_ON;
            read->pad1 = (uint8_t)(done / READ_SLICE);
            read->index = index;
            return -ERESTART;
        }
    }
    read->incremental &= (uint8_t)~READ_GOES_ON;
    read->pad1 = 0;
    if (read->clear != 0) {
        uint32_t end = index;

        (void)ring_read(text, 0, &end, true, true);
    }
    read->count = done;
    read->index = index;
    return 0;
}

static long sysctl_sched_id(struct op_call *call)
{
    struct xen_sysctl *op = call->arg;
    op->u.sched_id.sched_id = cpupool0.class->id;
    return 0;
}

static long sysctl_getdomaininfolist(struct op_call *call)
{
    struct xen_sysctl *op = call->arg;
    struct xen_sysctl_getdomaininfolist *list = &op->u.getdomaininfolist;
    bool goes_on = (list->max_domains & LIST_MASK) == LIST_GOES_ON;
    uint32_t n = goes_on ? list->num_domains : 0;
    uint32_t most =
        goes_on ? list->max_domains & ~LIST_MASK : min_u32(list->max_domains, DOMID_FIRST_RESERVED);
    struct domain *d = domain_get_next(list->first_domain);
    long rc = 0;

    while (d != NULL && n < most && rc == 0) {
        struct xen_domctl_getdomaininfo info;

        control_domain_info(d, &info);
        rc = guest_copy_to(list->buffer + n++ * sizeof(info), &info, sizeof(info));
        d = domain_get_behind(d);
        if (rc == 0 && d != NULL && n < most && hypercall_preempt()) {
            list->first_domain = d->id;
            rc = -ERESTART;
        }
    }
    if (d != NULL) {
        domain_put(d);
    }
    list->num_domains = n;
    list->max_domains = rc == -ERESTART ? LIST_GOES_ON | most : most;
    return rc;
}

static long sysctl_debug_keys(struct op_call *call)
{
    struct xen_sysctl *op = call->arg;
    struct xen_sysctl_debug_keys *keys = &op->u.debug_keys;

    while (keys->nr_keys != 0) {
        char key;

        if (guest_copy_from(&key, keys->keys, 1) != 0) {
            return -EFAULT;
        }
        keys->keys++;
        keys->nr_keys--;
        console_key(key);
        if (keys->nr_keys != 0 && hypercall_preempt()) {
            return -ERESTART;
        }
    }
    return 0;
}

static long sysctl_cpupool(struct op_call *call)
{
    struct xen_sysctl *op = call->arg;
    return cpupool_sysctl(&op->u.cpupool_op);
}

static long sysctl_scheduler(struct op_call *call)
{
    struct xen_sysctl *op = call->arg;
    return sched_sysctl(&op->u.scheduler_op);
}

/* Things that a build of Xen may have and this one has not. */
static long sysctl_not_built(struct op_call *call __unused)
{
    return -EOPNOTSUPP;
}

#define SYSCTL(function, more) \
    OP_WITH(function, xen_sysctl, (more) | OP_ALONE | OP_KEEPS, ACCESS_CONTROL)

static const struct op sysctl_rows[] = {
    [XEN_SYSCTL_readconsole] = SYSCTL(sysctl_readconsole, OP_OUT),
    [XEN_SYSCTL_physinfo] = SYSCTL(sysctl_physinfo, OP_OUT),
    [XEN_SYSCTL_sched_id] = SYSCTL(sysctl_sched_id, OP_OUT),
    [XEN_SYSCTL_getdomaininfolist] = SYSCTL(sysctl_getdomaininfolist, OP_OUT),
    [XEN_SYSCTL_debug_keys] = SYSCTL(sysctl_debug_keys, 0),
    [XEN_SYSCTL_getcpuinfo] = SYSCTL(sysctl_getcpuinfo, OP_OUT),
    [XEN_SYSCTL_availheap] = SYSCTL(sysctl_availheap, OP_OUT),
    [XEN_SYSCTL_cputopoinfo] = SYSCTL(sysctl_cputopoinfo, OP_OUT),
    [XEN_SYSCTL_numainfo] = SYSCTL(sysctl_numainfo, OP_OUT),
    [XEN_SYSCTL_cpupool_op] = SYSCTL(sysctl_cpupool, OP_OUT),
    [XEN_SYSCTL_scheduler_op] = SYSCTL(sysctl_scheduler, OP_OUT),
    [XEN_SYSCTL_coverage_op] = SYSCTL(sysctl_not_built, 0),
    [XEN_SYSCTL_dt_overlay] = SYSCTL(sysctl_not_built, 0),
};

static const struct op sysctl_others = SYSCTL(op_unknown, 0);

const struct op_table sysctl_ops = {OP_TABLE(op_run_versioned, sysctl_rows),
                                    .version = XEN_SYSCTL_INTERFACE_VERSION,
                                    .others = &sysctl_others};
