/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GNTTABOP_cache_flush: cache maintenance on behalf of a guest that does DMA with a device that
 * does not snoop, on RAM that is its own or that it has mapped by grant.
 */
#include <arch/mm.h>
#include <xen/errno.h>
#include <xen/grant_table.h>
#include <xen/hypercall.h>
#include <xen/lib.h>
#include <xen/memmap.h>
#include <xen/page.h>

/* Does `by` use pg by one of d's grants? 0, -EINVAL, or -ERESTART with *cursor where to look
 * next. */
static int flush_granted(struct domain *d, const struct page *pg, domid_t by, uint32_t *cursor)
{
    struct grant_table *gt = d->grants;
    grant_ref_t ref = *cursor, end;
    int rc = -EINVAL;

    spin_lock(&gt->lock);
    end = (grant_ref_t)min_u64((uint64_t)ref + GRANT_FLUSH_STEP, grant_entries(gt));
    for (; ref < end; ref++) {
        const struct grant_active *a = grant_active(gt, ref);

        if (a->pg == pg && a->by == by) {
            rc = 0;
            break;
        }
    }
    if (rc != 0 && ref < grant_entries(gt)) {
        *cursor = ref;
        rc = -ERESTART;
    }
    spin_unlock(&gt->lock);
    return rc;
}

int grant_op_cache_flush(struct domain *d, const struct gnttab_cache_flush *op, uint32_t *cursor)
{
    paddr_t pa = op->a.dev_bus_addr & PAGE_MASK;
    struct page *pg;
    uint8_t *va;
    int rc = 0;

    if (op->offset >= PAGE_SIZE || (uint32_t)op->offset + op->length > PAGE_SIZE ||
        (op->op & ~(GNTTAB_CACHE_CLEAN | GNTTAB_CACHE_INVAL)) != 0) {
        return -EINVAL;
    }
    if (op->length == 0 || op->op == 0) {
        return *cursor == 0 ? 0 : -EILSEQ;
    }
    pg = page_get_frame(mfn(pa >> PAGE_SHIFT), d);
    if (pg == NULL) {
        pg = page_get_single(mfn(pa >> PAGE_SHIFT)); /* what d has mapped is one already */
    }
    if (pg == NULL) {
        /* As Xen: -EPERM for memory that no domain has, -EINVAL for another's that is not
         * granted. */
        return pa < UINT64_MAX - PAGE_SIZE && memmap_is_ram(pa, pa + PAGE_SIZE) &&
                       !page_in_use(mfn(pa >> PAGE_SHIFT))
                   ? -EPERM
                   : -EINVAL;
    }
    if (pg->owner != d) {
        /* A page of its own keeps a domain alive, one of the hypervisor's that it shares does
         * not. */
        rc = (atomic_load(&pg->tag) & PAGE_XEN) != 0 ? -EPERM
                                                     : flush_granted(pg->owner, pg, d->id, cursor);
    }
    if (rc == 0) {
        va = (uint8_t *)page_va(pg) + op->offset;
        /* Lines may be shared with what the guest did not name, so nothing is dropped that was not
         * written back. */
        if ((op->op & GNTTAB_CACHE_INVAL) != 0) {
            arch_cache_clean_invalidate(va, op->length);
        } else {
            arch_cache_clean(va, op->length);
        }
    }
    page_put(pg);
    return rc;
}
