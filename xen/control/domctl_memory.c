/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operations of the tools on a domain's memory: limits, what it may map, caches.
 */
#include <public/domctl.h>
#include <xen/control.h>
#include <xen/cpu.h>
#include <xen/domain.h>
#include <xen/errno.h>
#include <xen/hypercall.h>
#include <xen/lib.h>

#define MAPPING_MAX 64u          /* frames in one memory_mapping, as in Xen */
#define FLUSH_MAX   (1ull << 18) /* frames in one cacheflush, as in Xen */
#define FRAMES_MAX  (UINT64_MAX >> PAGE_SHIFT)

long domctl_max_mem(struct op_call *call)
{
    struct domain *d = call->d;
    struct xen_domctl *op = call->arg;
    /* It may be less than what the domain has: then it gets no more until it has given enough
     * back. */
    atomic_store(&d->max_pages, op->u.max_mem.max_memkb >> (PAGE_SHIFT - 10));
    return 0;
}

/* [first, first + nr) without wrapping; nr 0 means, as in Xen, an error. */
static bool domctl_frames_valid(uint64_t first, uint64_t nr)
{
    uint64_t end;

    return nr != 0 && !add_overflows(first, nr, &end) && end <= FRAMES_MAX;
}

long domctl_iomem_permission(struct op_call *call)
{
    struct domain *d = call->d;
    struct xen_domctl *op = call->arg;
    uint64_t first = op->u.iomem_permission.first_mfn;
    uint64_t nr = op->u.iomem_permission.nr_mfns;
    int rc;

    if (!domctl_frames_valid(first, nr)) {
        return -EINVAL;
    }
    if (!rangeset_contains(current_vcpu()->d->iomem, first, first + nr)) {
        return -EPERM;
    }
    spin_lock(&d->lock);
    rc = op->u.iomem_permission.allow_access != 0 ? rangeset_add(d->iomem, first, first + nr)
                                                  : rangeset_remove(d->iomem, first, first + nr);
    spin_unlock(&d->lock);
    return rc == -ENOSPC ? -ENOMEM : rc;
}

long domctl_memory_mapping(struct op_call *call)
{
    struct domain *d = call->d;
    struct xen_domctl *op = call->arg;
    const struct xen_domctl_memory_mapping *map = &op->u.memory_mapping;
    struct p2m_leaf leaf = {.mfn = mfn(map->first_mfn), .kind = P2M_MMIO, .flags = P2M_WRITE};
    uint64_t end = map->first_mfn + map->nr_mfns;

    if (!domctl_frames_valid(map->first_mfn, map->nr_mfns) ||
        !domctl_frames_valid(map->first_gfn, map->nr_mfns)) {
        return -EINVAL;
    }
    if (map->nr_mfns > MAPPING_MAX) {
        return -E2BIG;
    }
    if (!rangeset_contains(current_vcpu()->d->iomem, map->first_mfn, end) ||
        !rangeset_contains(d->iomem, map->first_mfn, end)) {
        return -EPERM;
    }
    return map->add_mapping == DPCI_ADD_MAPPING
               ? p2m_map(d, gfn(map->first_gfn), map->nr_mfns, leaf)
               : p2m_unmap(d, gfn(map->first_gfn), map->nr_mfns);
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
