/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operations of the tools on a domain's memory: limits, page tables, caches.
 */
#include <public/domctl.h>
#include <xen/control.h>
#include <xen/cpu.h>
#include <xen/domain.h>
#include <xen/errno.h>
#include <xen/hypercall.h>
#include <xen/lib.h>

#define FLUSH_MAX (1ull << 18) /* frames in one cacheflush, as in Xen */

long domctl_max_mem(struct op_call *call)
{
    struct domain *d = call->d;
    struct xen_domctl *op = call->arg;
    /* It may be less than what the domain has: then it gets no more until it has given enough
     * back. */
    atomic_store(&d->max_pages, op->u.max_mem.max_memkb >> (PAGE_SHIFT - 10));
    return 0;
}

long domctl_cacheflush(struct op_call *call)
{
    struct domain *d = call->d;
    struct xen_domctl *op = call->arg;
    struct xen_domctl_cacheflush *flush = &op->u.cacheflush;
    gfn_t at = gfn(flush->start_pfn);
    uint64_t end;
    int rc;

    if (flush->nr_pfns > FLUSH_MAX || add_overflows(flush->start_pfn, flush->nr_pfns, &end)) {
        return -EINVAL;
    }
    do {
        rc = p2m_cache_flush(d, &at, end - gfn_x(at));
    } while (rc == -ERESTART && !hypercall_preempt());
    flush->start_pfn = gfn_x(at);
    flush->nr_pfns = end - gfn_x(at);
    return rc;
}

long domctl_get_mempool(struct op_call *call)
{
    struct domain *d = call->d;
    struct xen_domctl *op = call->arg;
    uint32_t pages = d->p2m.pool_pages != UINT32_MAX ? d->p2m.pool_pages : d->p2m.table_pages;

    op->u.paging_mempool.size = (uint64_t)pages << PAGE_SHIFT;
    return 0;
}

long domctl_set_mempool(struct op_call *call)
{
    struct domain *d = call->d;
    struct xen_domctl *op = call->arg;
    uint64_t size = op->u.paging_mempool.size;
    long rc = 0;

    if (size % PAGE_SIZE != 0 || size >> PAGE_SHIFT >= UINT32_MAX) {
        return -EINVAL;
    }
    spin_lock(&d->p2m.lock);
    if (size >> PAGE_SHIFT >= d->p2m.table_pages) {
        d->p2m.pool_pages = (uint32_t)(size >> PAGE_SHIFT);
    } else {
        rc = -ENOMEM; /* in use */
    }
    spin_unlock(&d->p2m.lock);
    return rc;
}

long domctl_set_address_size(struct op_call *call)
{
    struct domain *d = call->d;
    struct xen_domctl *op = call->arg;
    if (op->u.address_size.size != 64) {
        return -EINVAL;
    }
    return d->tot_pages != 0 ? -EBUSY : 0;
}

long domctl_setnodeaffinity(struct op_call *call)
{
    struct xen_domctl *op = call->arg;
    uint32_t nodes;
    int rc = control_mask_in(&nodes, &op->u.nodeaffinity.nodemap, 1);

    return rc == 0 && nodes == 0 ? -EINVAL : rc;
}

long domctl_getnodeaffinity(struct op_call *call)
{
    struct xen_domctl *op = call->arg;
    return control_mask_out(&op->u.nodeaffinity.nodemap, 1, 1);
}

long domctl_set_llc_colors(struct op_call *call)
{
    struct xen_domctl *op = call->arg;
    return op->u.set_llc_colors.pad != 0 ? -EINVAL : -EOPNOTSUPP;
}
