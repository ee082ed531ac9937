/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The grant table of a domain: its shared frames and, for each entry that somebody uses, who and
 * which page. Entries are changed by the guest at any time; a use is agreed on by one
 * compare-exchange of an entry's flags and domain, and from then on only the active entry is
 * believed.
 */
#include <arch/mm.h>
#include <public/domctl.h>
#include <xen/errno.h>
#include <xen/grant_table.h>
#include <xen/guest_atomic.h>
#include <xen/heap.h>
#include <xen/nospec.h>
#include <xen/opt.h>
#include <xen/p2m.h>
#include <xen/page.h>
#include <xen/page_alloc.h>

/* A guest may rightly change an entry under us a few times (GTF_readonly); one that goes on is
 * refused. */
#define CLAIM_TRIES 5u

#define GROW_SLICE 4u /* frames that a table grows by at once */

union grant_head {
    struct {
        uint16_t flags;
        domid_t domid;
    } part;
    uint32_t raw;
};

struct grant_active *grant_active(const struct grant_table *gt, grant_ref_t ref)
{
    uint32_t nr = grant_entries(gt);
    uint64_t i;

    if (ref >= nr) {
        return NULL;
    }
    i = index_nospec(ref, nr);
    return &gt->active[i / GRANT_ENTRIES_PER_FRAME][i % GRANT_ENTRIES_PER_FRAME];
}

struct grant_entry_v1 *grant_entry(const struct grant_table *gt, grant_ref_t ref)
{
    uint32_t nr = grant_entries(gt);
    uint64_t i;

    if (ref >= nr) {
        return NULL;
    }
    i = index_nospec(ref, nr);
    return &gt->frame[i / GRANT_ENTRIES_PER_FRAME][i % GRANT_ENTRIES_PER_FRAME];
}

/* Set the in-use bits of an entry. `pinned`: it was found to be for this domain before. */
static int16_t grant_claim(struct domain *d, struct grant_entry_v1 *entry, bool pinned, domid_t by,
                           bool write, bool map)
{
    uint32_t *word = (uint32_t *)(void *)entry;
    uint16_t mask = map ? GTF_type_mask | GTF_sub_page : GTF_type_mask;
    union grant_head old = {.raw = atomic_load(word)};

    for (unsigned int i = 0; i < CLAIM_TRIES; i++) {
        union grant_head new = old;
        uint32_t before;

        if (!pinned && ((old.part.flags & mask) != GTF_permit_access || old.part.domid != by)) {
            return GNTST_general_error;
        }
        if (write && (old.part.flags & GTF_readonly) != 0) {
            return GNTST_general_error;
        }
        new.part.flags = (uint16_t)(old.part.flags | GTF_reading | (write ? GTF_writing : 0));
        before = old.raw;
        if (guest_atomic_cas32(d, word, &old.raw, new.raw)) {
            return GNTST_okay;
        }
        if (old.raw == before) {
            break;
        }
    }
    return GNTST_general_error;
}

/* A pin of this kind is gone: clear the in-use bits that no pin needs any more. */
static void grant_release(struct domain *d, struct grant_entry_v1 *entry,
                          const struct grant_active *a, bool write)
{
    uint16_t done = write && a->writers == 0 ? GTF_writing : 0;

    if (a->writers == 0 && a->readers == 0) {
        done |= GTF_reading;
    }
    if (done != 0) {
        /* Release: what was written to the page is there when the granter sees it is free. */
        (void)guest_atomic_and32(d, (uint32_t *)(void *)entry, ~(uint32_t)done);
    }
}

static bool grant_pinned(const struct grant_active *a)
{
    return a->readers != 0 || a->writers != 0;
}

/*
 * The first use, or the first that writes: agree with the granter. Table lock held. *drop: a
 * reference that the caller must give back later.
 */
static int16_t grant_activate(struct domain *d, grant_ref_t ref, domid_t by, bool write, bool map,
                              struct page **drop)
{
    struct grant_active *a = grant_active(d->grants, ref);
    struct grant_entry_v1 *entry = grant_entry(d->grants, ref);
    int16_t rc = grant_claim(d, entry, grant_pinned(a), by, write, map);
    struct page *pg;

    if (rc != GNTST_okay) {
        return rc;
    }
    pg = p2m_get_page(d, gfn(atomic_load(&entry->frame)), write);
    if (pg == NULL) {
        rc = GNTST_bad_page;
    } else if (!grant_pinned(a)) {
        a->pg = pg;
        a->by = by;
        return GNTST_okay;
    } else if (pg != a->pg) {
        rc = GNTST_general_error; /* the granter has put another frame there since */
    }
    *drop = pg;
    if (rc != GNTST_okay) {
        grant_release(d, entry, a, write);
    }
    return rc;
}

int16_t grant_pin(struct domain *d, grant_ref_t ref, domid_t by, bool write, bool map,
                  struct page **pg)
{
    struct grant_table *gt = d->grants;
    struct page *drop = NULL;
    struct grant_active *a;
    int16_t rc = GNTST_okay;

    spin_lock(&gt->lock);
    a = grant_active(gt, ref);
    if (a == NULL) {
        rc = GNTST_bad_gntref;
    } else if (d->is_dying ||
               (grant_pinned(a) &&
                (a->by != by || (write ? a->writers : a->readers) >= GRANT_MAX_PINS))) {
        rc = GNTST_general_error;
    } else if (a->writers == 0 && (write || a->readers == 0)) {
        rc = grant_activate(d, ref, by, write, map, &drop);
    }
    if (rc == GNTST_okay) {
        if (write) {
            a->writers++;
        } else {
            a->readers++;
        }
        *pg = a->pg;
    }
    spin_unlock(&gt->lock);
    if (drop != NULL) {
        page_put(drop);
    }
    return rc;
}

struct page *grant_unpin(struct domain *d, grant_ref_t ref, bool write)
{
    struct grant_table *gt = d->grants;
    struct page *pg = NULL;
    struct grant_active *a;

    spin_lock(&gt->lock);
    a = grant_active(gt, ref);
    if (write) {
        a->writers--;
    } else {
        a->readers--;
    }
    grant_release(d, grant_entry(gt, ref), a, write);
    if (!grant_pinned(a)) {
        pg = a->pg;
        a->pg = NULL;
    }
    spin_unlock(&gt->lock);
    return pg;
}

/* Add one frame. Table lock held. */
static int grant_add_frame(struct domain *d)
{
    struct grant_table *gt = d->grants;
    void *frame = page_alloc(0);
    void *active = page_alloc(GRANT_ACTIVE_ORDER);

    if (frame == NULL || active == NULL || page_share(frame, d) != 0) {
        if (frame != NULL) {
            page_free(frame, 0);
        }
        if (active != NULL) {
            page_free(active, GRANT_ACTIVE_ORDER);
        }
        return -ENOMEM;
    }
    gt->frame[gt->nr_frames] = frame;
    gt->active[gt->nr_frames] = active;
    atomic_store_release(&gt->nr_frames, gt->nr_frames + 1);
    return 0;
}

int grant_grow(struct domain *d, uint32_t nr)
{
    struct grant_table *gt = d->grants;
    int rc = 0;

    if (nr > gt->max_frames) {
        return -EINVAL;
    }
    spin_lock(&gt->lock);
    for (unsigned int i = 0; rc == 0 && gt->nr_frames < nr; i++) {
        rc = i < GROW_SLICE ? grant_add_frame(d) : -ERESTART;
    }
    spin_unlock(&gt->lock);
    return rc;
}

int grant_table_frame(struct domain *d, uint64_t index, mfn_t *mfn)
{
    struct grant_table *gt = d->grants;
    int rc = 0;

    if (index >= gt->max_frames) {
        return -EINVAL;
    }
    if (index >= grant_table_frames(d)) {
        rc = grant_grow(d, (uint32_t)index + 1);
    }
    if (rc != 0) {
        return rc == -ERESTART ? rc : -EINVAL; /* so Xen answers for lack of memory, too */
    }
    *mfn = (mfn_t){arch_va_to_pa(gt->frame[index_nospec(index, gt->max_frames)]) >> PAGE_SHIFT};
    return 0;
}

uint32_t grant_table_frames(const struct domain *d)
{
    return atomic_load_acquire(&d->grants->nr_frames);
}

uint32_t grant_table_max_frames(const struct domain *d)
{
    return d->grants->max_frames;
}

int16_t grant_op_swap(struct domain *d, const struct gnttab_swap_grant_ref *op)
{
    struct grant_table *gt = d->grants;
    struct grant_active *a, *b;
    int16_t rc = GNTST_okay;

    spin_lock(&gt->lock);
    a = grant_active(gt, op->ref_a);
    b = grant_active(gt, op->ref_b);
    if (a == NULL || b == NULL) {
        rc = GNTST_bad_gntref;
    } else if (a != b && (grant_pinned(a) || grant_pinned(b))) {
        rc = GNTST_eagain;
    } else if (a != b) {
        struct grant_entry_v1 *ea = grant_entry(gt, op->ref_a), *eb = grant_entry(gt, op->ref_b);
        struct grant_entry_v1 first = *ea;

        *ea = *eb;
        *eb = first;
    }
    spin_unlock(&gt->lock);
    return rc;
}

static void grant_free_table(struct grant_table *gt)
{
    heap_free(gt->frame, gt->max_frames * sizeof(*gt->frame));
    heap_free(gt->active, gt->max_frames * sizeof(*gt->active));
    heap_free(gt->map, gt->max_map_frames * sizeof(*gt->map));
    heap_delete(gt);
}

/* What the tools leave to us they give as a negative number. */
static uint32_t grant_or_default(int32_t wanted, uint32_t standard)
{
    return wanted < 0 ? standard : (uint32_t)wanted;
}

int grant_domain_init(struct domain *d, const struct xen_domctl_createdomain *config)
{
    uint32_t max_frames = grant_or_default(config->max_grant_frames, opt.gnttab_max_frames);
    uint32_t max_maptrack_frames =
        grant_or_default(config->max_maptrack_frames, opt.gnttab_max_maptrack_frames);
    struct grant_table *gt;

    if (max_frames == 0 || max_frames > UINT32_MAX / GRANT_ENTRIES_PER_FRAME ||
        max_maptrack_frames > UINT32_MAX / GRANT_MAPS_PER_FRAME) {
        return -EINVAL;
    }
    gt = heap_new(struct grant_table);
    if (gt == NULL) {
        return -ENOMEM;
    }
    spin_init(&gt->lock, LOCK_GRANT);
    spin_init(&gt->map_lock, LOCK_GRANT_MAP);
    gt->max_frames = max_frames;
    gt->max_map_frames = max_maptrack_frames;
    gt->free_map = GRANT_NO_HANDLE;
    gt->frame = heap_alloc(max_frames * sizeof(*gt->frame));
    gt->active = heap_alloc(max_frames * sizeof(*gt->active));
    gt->map = heap_alloc(max_maptrack_frames * sizeof(*gt->map));
    if (gt->frame == NULL || gt->active == NULL || (gt->map == NULL && max_maptrack_frames != 0)) {
        grant_free_table(gt);
        return -ENOMEM;
    }
    d->grants = gt;
    if (grant_grow(d, 1) != 0) {
        d->grants = NULL;
        grant_free_table(gt);
        return -ENOMEM;
    }
    return 0;
}

void grant_domain_destroy(struct domain *d)
{
    struct grant_table *gt = d->grants;

    for (uint32_t i = 0; i < gt->nr_frames; i++) {
        page_unshare(gt->frame[i]);
        page_free(gt->frame[i], 0);
        page_free(gt->active[i], GRANT_ACTIVE_ORDER);
    }
    for (uint32_t i = 0; i < gt->nr_maps / GRANT_MAPS_PER_FRAME; i++) {
        page_free(gt->map[i], 0);
    }
    grant_free_table(gt);
    d->grants = NULL;
}
