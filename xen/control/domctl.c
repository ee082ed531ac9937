/*
 * domctl: what the tools do to a domain. From the number of an operation to its function; the
 * functions are in domctl_*.c. An operation that is not in the table answers -ENOSYS, as Xen does
 * for those it was built without.
 */
#include <public/domctl.h>
#include <xen/access.h>
#include <xen/control.h>
#include <xen/domain.h>
#include <xen/errno.h>
#include <xen/guest_copy.h>
#include <xen/hypercall.h>
#include <xen/nospec.h>

#define OUT       (1u << 0) /* copy the structure back after success */
#define NO_DOMAIN (1u << 1) /* not about an existing domain */

struct domctl_row {
    domctl_fn *fn;
    uint32_t flags;
};

/* Nothing to assign devices with: there is no IOMMU support. */
static long domctl_no_iommu(struct domain *d __unused, struct xen_domctl *op __unused)
{
    return -EOPNOTSUPP;
}

static const struct domctl_row rows[] = {
    [XEN_DOMCTL_createdomain] = {domctl_createdomain, OUT | NO_DOMAIN},
    [XEN_DOMCTL_destroydomain] = {domctl_destroydomain, 0},
    [XEN_DOMCTL_pausedomain] = {domctl_pausedomain, 0},
    [XEN_DOMCTL_unpausedomain] = {domctl_unpausedomain, 0},
    [XEN_DOMCTL_getdomaininfo] = {domctl_getdomaininfo, OUT},
    [XEN_DOMCTL_setvcpuaffinity] = {domctl_setvcpuaffinity, 0},
    [XEN_DOMCTL_max_mem] = {domctl_max_mem, 0},
    [XEN_DOMCTL_setvcpucontext] = {domctl_setvcpucontext, 0},
    [XEN_DOMCTL_getvcpucontext] = {domctl_getvcpucontext, 0},
    [XEN_DOMCTL_getvcpuinfo] = {domctl_getvcpuinfo, OUT},
    [XEN_DOMCTL_max_vcpus] = {domctl_max_vcpus, 0},
    [XEN_DOMCTL_scheduler_op] = {domctl_scheduler_op, OUT},
    [XEN_DOMCTL_setdomainhandle] = {domctl_setdomainhandle, 0},
    [XEN_DOMCTL_setdebugging] = {domctl_setdebugging, 0},
    [XEN_DOMCTL_iomem_permission] = {domctl_iomem_permission, 0},
    [XEN_DOMCTL_settimeoffset] = {domctl_settimeoffset, 0},
    [XEN_DOMCTL_getvcpuaffinity] = {domctl_getvcpuaffinity, 0},
    [XEN_DOMCTL_resumedomain] = {domctl_resumedomain, 0},
    [XEN_DOMCTL_subscribe] = {domctl_subscribe, 0},
    [XEN_DOMCTL_set_address_size] = {domctl_set_address_size, 0},
    [XEN_DOMCTL_assign_device] = {domctl_no_iommu, 0},
    [XEN_DOMCTL_memory_mapping] = {domctl_memory_mapping, 0},
    [XEN_DOMCTL_test_assign_device] = {domctl_no_iommu, 0},
    [XEN_DOMCTL_deassign_device] = {domctl_no_iommu, 0},
    [XEN_DOMCTL_set_virq_handler] = {domctl_set_virq_handler, 0},
    [XEN_DOMCTL_setnodeaffinity] = {domctl_setnodeaffinity, 0},
    [XEN_DOMCTL_getnodeaffinity] = {domctl_getnodeaffinity, 0},
    [XEN_DOMCTL_cacheflush] = {domctl_cacheflush, 0},
    [XEN_DOMCTL_get_paging_mempool_size] = {domctl_get_mempool, OUT},
    [XEN_DOMCTL_set_paging_mempool_size] = {domctl_set_mempool, 0},
    [XEN_DOMCTL_set_llc_colors] = {domctl_set_llc_colors, 0},
};

static const struct domctl_row *domctl_find(uint32_t cmd)
{
    const struct domctl_row *row =
        cmd < ARRAY_SIZE(rows) ? &rows[index_nospec(cmd, ARRAY_SIZE(rows))] : NULL;

    return row != NULL && row->fn != NULL ? row : NULL;
}

static long domctl_run(struct vcpu *v, const struct domctl_row *row, struct domain *d,
                       struct xen_domctl *op)
{
    long rc;

    if (!access_control(v->d)) {
        return -EPERM;
    }
    if (row == NULL) {
        return -ENOSYS;
    }
    if (!control_begin(v)) {
        return -ERESTART;
    }
    rc = row->fn(d, op);
    control_end(v);
    return rc;
}

long do_domctl(struct vcpu *v, uint64_t *arg)
{
    const struct domctl_row *row;
    struct domain *d = NULL;
    struct xen_domctl op;
    long rc;

    if (guest_copy_from(&op, arg[0], sizeof(op)) != 0) {
        return -EFAULT;
    }
    if (op.interface_version != XEN_DOMCTL_INTERFACE_VERSION) {
        return -EACCES;
    }
    row = domctl_find(op.cmd);
    if (row == NULL || (row->flags & NO_DOMAIN) == 0) {
        d = domain_get_by_id(op.domain);
        if (d == NULL) {
            return -ESRCH;
        }
    }
    rc = domctl_run(v, row, d, &op);
    if (d != NULL) {
        domain_put(d);
    }
    /* An interrupted operation keeps its progress in the structure. */
    if (row != NULL && ((rc == 0 && (row->flags & OUT) != 0) || rc == -ERESTART) &&
        guest_copy_to(arg[0], &op, sizeof(op)) != 0) {
        return -EFAULT;
    }
    return rc;
}
