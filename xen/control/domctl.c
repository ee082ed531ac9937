/* SPDX-License-Identifier: Apache-2.0 */
/*
 * domctl: what the tools do to a domain. From the number of an operation to its function; the
 * functions are in domctl_*.c. An operation that is not in the table answers -ENOSYS, as Xen does
 * for those it was built without.
 */
#include <public/domctl.h>
#include <xen/control.h>
#include <xen/errno.h>
#include <xen/hypercall.h>

/* Nothing to assign devices with: there is no IOMMU support. */
static long domctl_no_iommu(struct op_call *call __unused)
{
    return -EOPNOTSUPP;
}

#define DOMCTL(function, more) \
    OP_ON(function, xen_domctl, domain, (more) | OP_ID | OP_ALONE | OP_KEEPS, ACCESS_CONTROL)

static const struct op domctl_rows[] = {
    [XEN_DOMCTL_createdomain] =
        OP_WITH(domctl_createdomain, xen_domctl, OP_OUT | OP_ALONE, ACCESS_CONTROL),
    [XEN_DOMCTL_destroydomain] = DOMCTL(domctl_destroydomain, 0),
    [XEN_DOMCTL_pausedomain] = DOMCTL(domctl_pausedomain, 0),
    [XEN_DOMCTL_unpausedomain] = DOMCTL(domctl_unpausedomain, 0),
    [XEN_DOMCTL_getdomaininfo] = DOMCTL(domctl_getdomaininfo, OP_OUT),
    [XEN_DOMCTL_setvcpuaffinity] = DOMCTL(domctl_setvcpuaffinity, 0),
    [XEN_DOMCTL_max_mem] = DOMCTL(domctl_max_mem, 0),
    [XEN_DOMCTL_setvcpucontext] = DOMCTL(domctl_setvcpucontext, 0),
    [XEN_DOMCTL_getvcpucontext] = DOMCTL(domctl_getvcpucontext, 0),
    [XEN_DOMCTL_getvcpuinfo] = DOMCTL(domctl_getvcpuinfo, OP_OUT),
    [XEN_DOMCTL_max_vcpus] = DOMCTL(domctl_max_vcpus, 0),
    [XEN_DOMCTL_scheduler_op] = DOMCTL(domctl_scheduler_op, OP_OUT),
    [XEN_DOMCTL_setdomainhandle] = DOMCTL(domctl_setdomainhandle, 0),
    [XEN_DOMCTL_setdebugging] = DOMCTL(domctl_setdebugging, 0),
    [XEN_DOMCTL_iomem_permission] = DOMCTL(domctl_iomem_permission, 0),
    [XEN_DOMCTL_settimeoffset] = DOMCTL(domctl_settimeoffset, 0),
    [XEN_DOMCTL_getvcpuaffinity] = DOMCTL(domctl_getvcpuaffinity, 0),
    [XEN_DOMCTL_resumedomain] = DOMCTL(domctl_resumedomain, 0),
    [XEN_DOMCTL_subscribe] = DOMCTL(domctl_subscribe, 0),
    [XEN_DOMCTL_set_address_size] = DOMCTL(domctl_set_address_size, 0),
    [XEN_DOMCTL_assign_device] = DOMCTL(domctl_no_iommu, 0),
    [XEN_DOMCTL_bind_pt_irq] = DOMCTL(domctl_bind_irq, 0),
    [XEN_DOMCTL_memory_mapping] = DOMCTL(domctl_memory_mapping, 0),
    [XEN_DOMCTL_test_assign_device] = DOMCTL(domctl_no_iommu, 0),
    [XEN_DOMCTL_deassign_device] = DOMCTL(domctl_no_iommu, 0),
    [XEN_DOMCTL_unbind_pt_irq] = DOMCTL(domctl_unbind_irq, 0),
    [XEN_DOMCTL_set_virq_handler] = DOMCTL(domctl_set_virq_handler, 0),
    [XEN_DOMCTL_setnodeaffinity] = DOMCTL(domctl_setnodeaffinity, 0),
    [XEN_DOMCTL_getnodeaffinity] = DOMCTL(domctl_getnodeaffinity, 0),
    [XEN_DOMCTL_cacheflush] = DOMCTL(domctl_cacheflush, 0),
    [XEN_DOMCTL_vuart_op] = DOMCTL(domctl_vuart_op, OP_OUT),
    [XEN_DOMCTL_get_paging_mempool_size] = DOMCTL(domctl_get_mempool, OP_OUT),
    [XEN_DOMCTL_set_paging_mempool_size] = DOMCTL(domctl_set_mempool, 0),
    [XEN_DOMCTL_set_llc_colors] = DOMCTL(domctl_set_llc_colors, 0),
};

static const struct op domctl_others = DOMCTL(op_unknown, 0);

const struct op_table domctl_ops = {OP_TABLE(op_run_versioned, domctl_rows),
                                    .version = XEN_DOMCTL_INTERFACE_VERSION,
                                    .others = &domctl_others};
