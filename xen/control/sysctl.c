/*
 * sysctl: what the tools ask of the host. The table, and the operations on console, domains and
 * scheduling; facts about the machine are in sysctl_host.c.
 */
#include <public/domctl.h>
#include <public/sysctl.h>
#include <xen/access.h>
#include <xen/console.h>
#include <xen/control.h>
#include <xen/cpupool.h>
#include <xen/domain.h>
#include <xen/errno.h>
#include <xen/guest_copy.h>
#include <xen/hypercall.h>
#include <xen/keys.h>
#include <xen/lib.h>
#include <xen/nospec.h>

static long sysctl_readconsole(struct xen_sysctl *op)
{
    struct xen_sysctl_readconsole *read = &op->u.readconsole;
    uint32_t index = read->index, done = 0;
    bool incremental = read->incremental != 0;
    char text[512];

    while (done < read->count) {
        size_t n = console_ring_read(text, min_size(sizeof(text), read->count - done), &index,
                                     incremental, false);

        if (n == 0) {
            break;
        }
        if (guest_copy_to(read->buffer + done, text, n) != 0) {
            return -EFAULT;
        }
        done += (uint32_t)n;
        incremental = true; /* go on where this piece ended */
    }
    if (read->clear != 0) {
        uint32_t end = index;

        (void)console_ring_read(text, 0, &end, true, true);
    }
    read->count = done;
    read->index = index;
    return 0;
}

static long sysctl_sched_id(struct xen_sysctl *op)
{
    op->u.sched_id.sched_id = sched_class()->id;
    return 0;
}

static long sysctl_getdomaininfolist(struct xen_sysctl *op)
{
    struct xen_sysctl_getdomaininfolist *list = &op->u.getdomaininfolist;
    struct domain *d = domain_get_next(list->first_domain);
    uint32_t n = 0;

    while (d != NULL && n < list->max_domains) {
        struct xen_domctl_getdomaininfo info;
        domid_t next = (domid_t)(d->id + 1);

        control_domain_info(d, &info);
        domain_put(d);
        if (guest_copy_to(list->buffer + n * sizeof(info), &info, sizeof(info)) != 0) {
            return -EFAULT;
        }
        n++;
        d = domain_get_next(next);
    }
    if (d != NULL) {
        domain_put(d);
    }
    list->num_domains = n;
    return 0;
}

static long sysctl_debug_keys(struct xen_sysctl *op)
{
    struct xen_sysctl_debug_keys *keys = &op->u.debug_keys;

    while (keys->nr_keys != 0) {
        char key;

        if (guest_copy_from(&key, keys->keys, 1) != 0) {
            return -EFAULT;
        }
        keys->keys++;
        keys->nr_keys--;
        keys_handle(key);
        if (keys->nr_keys != 0 && hypercall_preempt()) {
            return -ERESTART;
        }
    }
    return 0;
}

static long sysctl_cpupool(struct xen_sysctl *op)
{
    return cpupool_sysctl(&op->u.cpupool_op);
}

static long sysctl_scheduler(struct xen_sysctl *op)
{
    return sched_sysctl(&op->u.scheduler_op);
}

/* Things that a build of Xen may have and this one has not. */
static long sysctl_not_built(struct xen_sysctl *op __unused)
{
    return -EOPNOTSUPP;
}

static const struct sysctl_row {
    sysctl_fn *fn;
    bool out; /* copy the structure back after success */
} rows[] = {
    [XEN_SYSCTL_readconsole] = {sysctl_readconsole, true},
    [XEN_SYSCTL_physinfo] = {sysctl_physinfo, true},
    [XEN_SYSCTL_sched_id] = {sysctl_sched_id, true},
    [XEN_SYSCTL_getdomaininfolist] = {sysctl_getdomaininfolist, true},
    [XEN_SYSCTL_debug_keys] = {sysctl_debug_keys, false},
    [XEN_SYSCTL_getcpuinfo] = {sysctl_getcpuinfo, true},
    [XEN_SYSCTL_availheap] = {sysctl_availheap, true},
    [XEN_SYSCTL_cputopoinfo] = {sysctl_cputopoinfo, true},
    [XEN_SYSCTL_numainfo] = {sysctl_numainfo, true},
    [XEN_SYSCTL_cpupool_op] = {sysctl_cpupool, true},
    [XEN_SYSCTL_scheduler_op] = {sysctl_scheduler, true},
    [XEN_SYSCTL_coverage_op] = {sysctl_not_built, false},
    [XEN_SYSCTL_livepatch_op] = {sysctl_not_built, false},
    [XEN_SYSCTL_dt_overlay] = {sysctl_not_built, false},
};

static const struct sysctl_row *sysctl_find(uint32_t cmd)
{
    const struct sysctl_row *row =
        cmd < ARRAY_SIZE(rows) ? &rows[index_nospec(cmd, ARRAY_SIZE(rows))] : NULL;

    return row != NULL && row->fn != NULL ? row : NULL;
}

long do_sysctl(struct vcpu *v, uint64_t *arg)
{
    const struct sysctl_row *row;
    struct xen_sysctl op;
    long rc;

    if (guest_copy_from(&op, arg[0], sizeof(op)) != 0) {
        return -EFAULT;
    }
    if (op.interface_version != XEN_SYSCTL_INTERFACE_VERSION) {
        return -EACCES;
    }
    if (!access_control(v->d)) {
        return -EPERM;
    }
    row = sysctl_find(op.cmd);
    if (row == NULL) {
        return -ENOSYS;
    }
    if (!control_begin(v)) {
        return -ERESTART;
    }
    rc = row->fn(&op);
    control_end(v);
    /* An interrupted operation keeps its progress in the structure. */
    if (((rc == 0 && row->out) || rc == -ERESTART) && guest_copy_to(arg[0], &op, sizeof(op)) != 0) {
        return -EFAULT;
    }
    return rc;
}
