/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mapping pages that other domains grant. A mapping is a handle of the mapper, which pins the
 * granter's entry and keeps the granter alive, and a leaf of the mapper's p2m, which holds no
 * reference of its own. The mapper may replace that leaf by other means; the pin then stays until
 * the mapper's end, since the handle does not fit what is mapped any more.
 */
#include <xen/access.h>
#include <xen/errno.h>
#include <xen/grant_table.h>
#include <xen/hypercall.h>
#include <xen/nospec.h>
#include <xen/p2m.h>
#include <xen/page.h>
#include <xen/page_alloc.h>

/* NULL: no such handle. map_lock held. */
static struct grant_map *map_at(const struct grant_table *gt, grant_handle_t handle)
{
    uint64_t i;

    if (handle >= gt->nr_maps) {
        return NULL;
    }
    i = index_nospec(handle, gt->nr_maps);
    return &gt->map[i / GRANT_MAPS_PER_FRAME][i % GRANT_MAPS_PER_FRAME];
}

static void map_give_back(struct grant_table *gt, struct grant_map *m, grant_handle_t handle)
{
    *m = (struct grant_map){.ref = gt->free_map};
    gt->free_map = handle;
}

/* A page of handles, lowest first. -ENOSPC: limit or no memory. */
static int map_grow(struct grant_table *gt)
{
    struct grant_map *page;
    uint32_t i = (uint32_t)GRANT_MAPS_PER_FRAME;

    if (gt->nr_maps / GRANT_MAPS_PER_FRAME >= gt->max_map_frames ||
        (page = page_alloc(0)) == NULL) {
        return -ENOSPC;
    }
    gt->map[gt->nr_maps / GRANT_MAPS_PER_FRAME] = page;
    while (i-- != 0) {
        map_give_back(gt, &page[i], gt->nr_maps + i);
    }
    gt->nr_maps += (uint32_t)GRANT_MAPS_PER_FRAME;
    return 0;
}

/* Make the p2m entry; its handle is `m`. map_lock held. */
static int16_t map_create(struct domain *d, struct domain *rd, struct gnttab_map_grant_ref *op,
                          struct page **drop)
{
    bool write = (op->flags & GNTMAP_readonly) == 0;
    struct grant_table *gt = d->grants;
    grant_handle_t handle = gt->free_map;
    struct p2m_leaf leaf = {.kind = P2M_GRANT, .flags = write ? P2M_WRITE : 0};
    struct grant_map *m;
    struct page *pg;
    int16_t rc;

    if (handle == GRANT_NO_HANDLE) {
        if (map_grow(gt) != 0) {
            return GNTST_no_space;
        }
        handle = gt->free_map;
    }
    rc = grant_pin(rd, op->ref, d->id, write, true, &pg);
    if (rc != GNTST_okay) {
        return rc;
    }
    leaf.mfn = page_mfn(pg);
    if ((op->flags & ~(uint32_t)GNTMAP_readonly) != GNTMAP_host_map ||
        p2m_map(d, gfn(op->host_addr >> PAGE_SHIFT), 1, leaf) != 0) {
        *drop = grant_unpin(rd, op->ref, write);
        return GNTST_general_error;
    }
    m = map_at(gt, handle);
    gt->free_map = m->ref;
    *m = (struct grant_map){.d = rd, .ref = op->ref, .flags = (uint16_t)op->flags};
    op->handle = handle;
    op->dev_bus_addr = mfn_x(leaf.mfn) << PAGE_SHIFT;
    return GNTST_okay;
}

int16_t grant_op_map(struct domain *d, struct gnttab_map_grant_ref *op)
{
    struct page *drop = NULL;
    struct domain *rd;
    int16_t rc;

    if ((op->flags & (GNTMAP_device_map | GNTMAP_host_map)) == 0) {
        return GNTST_bad_gntref;
    }
    /* For domains with page tables of the hypervisor's own making: not here. */
    if ((op->flags & (GNTMAP_device_map | GNTMAP_application_map | GNTMAP_contains_pte)) != 0) {
        return GNTST_general_error;
    }
    rd = domain_get_by_id(op->dom);
    if (rd == NULL) {
        return GNTST_bad_domain;
    }
    if (!access_talk(d, d, rd)) {
        domain_put(rd);
        return GNTST_permission_denied;
    }
    spin_lock(&d->grants->map_lock);
    rc = map_create(d, rd, op, &drop);
    spin_unlock(&d->grants->map_lock);
    if (drop != NULL) {
        page_put(drop);
    }
    if (rc != GNTST_okay) {
        domain_put(rd); /* else the mapping keeps it */
    }
    return rc;
}

static bool map_writes(const struct grant_map *m)
{
    return (m->flags & GNTMAP_readonly) == 0;
}

/* A mapping that was, gone from the p2m (or never used again) and from the table. */
static void map_drop(const struct grant_map *was)
{
    struct page *pg = grant_unpin(was->d, was->ref, map_writes(was));

    if (pg != NULL) {
        page_put(pg);
    }
    domain_put(was->d);
}

/* The mapping that an element wants to end; NULL: its status says why none. map_lock held. */
static struct grant_map *map_wanted(const struct grant_table *gt, struct gnttab_unmap_grant_ref *op,
                                    bool replace)
{
    struct grant_map *m = map_at(gt, op->handle);

    if (m == NULL || m->flags == 0) {
        op->status = GNTST_bad_handle;
        return NULL;
    }
    op->status = op->host_addr == 0 ? GNTST_okay /* asks for nothing */ : GNTST_general_error;
    return op->host_addr == 0 || (replace && op->dev_bus_addr != 0) ? NULL : m;
}

unsigned int grant_op_unmap(struct domain *d, struct gnttab_unmap_grant_ref *op, unsigned int nr,
                            bool replace)
{
    struct grant_map was[GRANT_UNMAP_MAX], *m;
    gfn_t gfn[GRANT_UNMAP_MAX];
    struct p2m_leaf leaf[GRANT_UNMAP_MAX];
    struct grant_table *gt = d->grants;
    int n, done = 0;

    spin_lock(&gt->map_lock);
    for (n = 0; n < (int)nr; n++) {
        m = map_wanted(gt, &op[n], replace);
        if (m == NULL || (m->flags & GRANT_MAP_ENDS) != 0) {
            break; /* nothing to unmap, or known when this batch has ended */
        }
        m->flags |= GRANT_MAP_ENDS;
        was[n] = *m;
        gfn[n].n = op[n].host_addr >> PAGE_SHIFT;
        /*
         * Its page is pinned, so it does not change. A leaf that may be written stays until a pin
         * goes that allows it: else a page of two mappings stayed writable with the other.
         */
        leaf[n] = (struct p2m_leaf){.mfn = page_mfn(grant_active(m->d->grants, m->ref)->pg),
                                    .kind = P2M_GRANT,
                                    .flags = map_writes(m) ? P2M_WRITE : 0};
    }
    if (n != 0) {
        done = p2m_take_pages(d, gfn, (unsigned int)n, leaf);
    }
    for (int i = 0; i < n; i++) {
        m = map_at(gt, op[i].handle);
        m->flags &= (uint16_t)~GRANT_MAP_ENDS;
        if (i < done) {
            map_give_back(gt, m, op[i].handle);
        }
    }
    spin_unlock(&gt->map_lock);
    for (int i = 0; i < done; i++) {
        op[i].status = GNTST_okay;
        map_drop(&was[i]);
    }
    return done > 0 ? (unsigned int)done : 1;
}

static int grant_domain_relinquish(struct domain *d)
{
    struct grant_table *gt = d->grants;

    while (gt->relinquish_next < gt->nr_maps) {
        grant_handle_t handle = gt->relinquish_next++;
        struct grant_map *m = map_at(gt, handle);

        if (m->flags != 0) {
            struct grant_map was = *m;

            spin_lock(&gt->map_lock);
            map_give_back(gt, m, handle);
            spin_unlock(&gt->map_lock);
            map_drop(&was);
        }
        if (handle % 64 == 0 && hypercall_preempt()) {
            return -ERESTART;
        }
    }
    return 0;
}

void grant_init(void)
{
    static const struct domain_part part = {grant_domain_init, grant_domain_relinquish,
                                            grant_domain_destroy};

    domain_add_part(&part);
}
