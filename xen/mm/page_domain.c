/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory of domains: charged, given, claimed in advance, taken back. Memory is scrubbed before it
 * gets an owner, so that a domain that dies meanwhile never frees what is still being written.
 *
 * The rule for all who free memory, or use what others may free. A frame or a page that somebody
 * found with a lock held says nothing once that lock is free. It may be another page by then, even
 * one of the same domain. He acts on it only if he has a reference (page_get_frame, p2m_get_page, a
 * grant's pin), if he himself took it out of the second stage (p2m_take), or if it never was there.
 * What a domain maps is freed in this order: its entries are cleared and flushed with the p2m's
 * lock; copies through an old translation end (p2m_quiesce); then the reference goes.
 */
#include <xen/alloc_fault.h>
#include <xen/domain.h>
#include <xen/errno.h>
#include <xen/hypercall.h>
#include <xen/lib.h>
#include <xen/page.h>
#include <xen/page_domain.h>

#define SCRUB_ORDER      3u  /* of the most pages that are scrubbed at once: 6,000 instructions */
#define RELINQUISH_SLICE 16u /* chunks or pages between looks at pending work */

static uint64_t claimed; /* sum of all d->claim_pages */

static int domain_may_have(const struct domain *d, uint64_t nr)
{
    if (d->is_dying) {
        return -EINVAL;
    }
    if (d->tot_pages + nr > atomic_load(&d->max_pages)) {
        return -E2BIG;
    }
    if (claimed != 0 && d->claim_pages < nr && claimed + nr > buddy_free_pages(0)) {
        return -ENOMEM;
    }
    return 0;
}

/*
 * Take free memory for d. A large block that is dirty is scrubbed in slices, out of the free
 * memory, and stays d's until it is finished: what other domains ask for does not set it back.
 */
static int domain_take(struct domain *d, unsigned int order, paddr_t limit, uint64_t *frame,
                       bool *clean)
{
    if (order > SCRUB_ORDER) {
        *clean = true;
        return buddy_alloc_clean(&d->scrub, order, limit, frame);
    }
    *frame = buddy_alloc(order, limit, BUDDY_ANY_CLEAN_FIRST, clean);
    return *frame != BUDDY_NO_FRAME ? 0 : -ENOMEM;
}

static int domain_own(struct domain *d, uint64_t frame, uint64_t nr)
{
    uint64_t from_claim = min_u64(d->claim_pages, nr);
    int rc = page_own(d, frame, nr);

    if (rc == 0) {
        d->claim_pages -= from_claim;
        claimed -= from_claim;
    }
    return rc;
}

int domain_page_alloc(struct domain *d, unsigned int order, paddr_t limit, mfn_t *mfn)
{
    uint64_t nr = 1ull << order, frame;
    bool clean;
    int rc;

    if (order > BUDDY_MAX_ORDER || alloc_fault()) {
        return -ENOMEM;
    }
    spin_lock(&heap_lock);
    rc = domain_may_have(d, nr);
    if (rc == 0) {
        rc = domain_take(d, order, limit, &frame, &clean);
    }
    if (rc == 0 && !clean) {
        spin_unlock(&heap_lock);
        buddy_scrub_pages(frame, nr);
        spin_lock(&heap_lock);
        rc = domain_may_have(d, nr);
        if (rc != 0) {
            buddy_give(frame, order, true);
        }
    }
    if (rc == 0) {
        rc = domain_own(d, frame, nr);
        *mfn = (mfn_t){frame};
    }
    spin_unlock(&heap_lock);
    return rc;
}

int domain_page_adopt(struct domain *d, mfn_t mfn, uint64_t nr)
{
    int rc;

    spin_lock(&heap_lock);
    rc = domain_may_have(d, nr);
    if (rc == 0) {
        rc = domain_own(d, mfn.n, nr);
        page_let_go(rc == 0 ? nr : 0);
    }
    spin_unlock(&heap_lock);
    return rc;
}

/* One chunk's worth of pages or less, in one chunk. */
static void domain_free_part(struct domain *d, uint64_t frame, uint64_t nr)
{
    const struct chunk *c = chunk_of_pa(frame << PAGE_SHIFT);

    if (c != NULL && c->state == CHUNK_WHOLE && c->owner == d && nr == MEM_PAGES_PER_CHUNK) {
        chunk_free(frame >> CHUNK_ORDER);
        return;
    }
    for (uint64_t i = 0; i < nr; i++) {
        struct page *pg = page_find((mfn_t){frame + i}, d);

        if (pg != NULL && pg->owner == d && (pg->tag & PAGE_OWNED) != 0) {
            page_disown(pg);
        }
    }
}

void domain_page_free(struct domain *d, mfn_t mfn, uint64_t nr)
{
    spin_lock(&heap_lock);
    for (uint64_t frame = mfn.n, end = mfn.n + nr; frame < end;) {
        uint64_t next = min_u64(end, round_down(frame, MEM_PAGES_PER_CHUNK) + MEM_PAGES_PER_CHUNK);

        domain_free_part(d, frame, next - frame);
        frame = next;
    }
    spin_unlock(&heap_lock);
}

static bool domain_owns_part(const struct domain *d, uint64_t frame, uint64_t nr)
{
    const struct chunk *c = chunk_of_pa(frame << PAGE_SHIFT);

    if (c == NULL || c->state == CHUNK_NONE) {
        return false;
    }
    if (c->state == CHUNK_WHOLE) {
        return c->owner == d;
    }
    for (uint64_t i = 0; i < nr; i++) {
        const struct page *pg = page_at(frame + i);

        if (pg->owner != d || (pg->tag & PAGE_OWNED) == 0) {
            return false;
        }
    }
    return true;
}

bool domain_page_owned(const struct domain *d, mfn_t mfn, unsigned int order)
{
    uint64_t end = mfn.n + (1ull << order), step = min_u64(1ull << order, MEM_PAGES_PER_CHUNK);
    bool owned = true;

    spin_lock(&heap_lock);
    for (uint64_t frame = mfn.n; frame < end && owned; frame += step) {
        owned = domain_owns_part(d, frame, step);
    }
    spin_unlock(&heap_lock);
    return owned;
}

/* One chunk or page of what d has left; false: nothing. */
static bool domain_relinquish_one(struct domain *d)
{
    if (d->chunks_head != 0) {
        chunk_free(d->chunks_head);
    } else if (d->pages_head != 0) {
        page_disown(page_at(d->pages_head));
    } else {
        return false;
    }
    return true;
}

int domain_pages_relinquish(struct domain *d)
{
    bool more = true;

    while (more) {
        spin_lock(&heap_lock);
        claimed -= d->claim_pages;
        d->claim_pages = 0;
        buddy_scrub_cancel(&d->scrub);
        for (unsigned int i = 0; i < RELINQUISH_SLICE && more; i++) {
            more = domain_relinquish_one(d);
        }
        spin_unlock(&heap_lock);
        if (more && hypercall_preempt()) {
            return -ERESTART;
        }
    }
    return 0;
}

int domain_page_reserve(struct domain *d, uint64_t pages)
{
    uint64_t want;
    int rc = 0;

    spin_lock(&heap_lock);
    want = pages - d->tot_pages;
    if (pages == 0) {
        claimed -= d->claim_pages;
        d->claim_pages = 0;
    } else if (d->is_dying || d->claim_pages != 0 || pages <= d->tot_pages ||
               pages > atomic_load(&d->max_pages)) {
        rc = -EINVAL;
    } else if (claimed + want > buddy_free_pages(0)) {
        rc = -ENOMEM;
    } else {
        d->claim_pages = want;
        claimed += want;
    }
    spin_unlock(&heap_lock);
    return rc;
}

uint64_t page_claimed(void)
{
    return atomic_load(&claimed);
}
