/*
 * References to pages, and hypervisor pages shared with domains. Counts change without a lock; the
 * last reference is dropped into heap_lock, and until the entry is cleared there the frame is in
 * nobody else's hands.
 */
#include <arch/mm.h>
#include <xen/domain.h>
#include <xen/errno.h>
#include <xen/page_own.h>

struct page *page_of(mfn_t mfn)
{
    struct page *pg = page_peek(mfn);

    if (pg == NULL) {
        spin_lock(&heap_lock);
        pg = page_find(mfn, NULL);
        spin_unlock(&heap_lock);
    }
    return pg;
}

struct page *page_get_frame(mfn_t mfn, const struct domain *d)
{
    struct page *pg;

    spin_lock(&heap_lock);
    pg = page_find(mfn, d);
    /* No owner changes while the lock is held, so page_get never needs page_put here. */
    if (pg != NULL && !page_get(pg, d)) {
        pg = NULL;
    }
    spin_unlock(&heap_lock);
    return pg;
}

struct page *page_get_single(mfn_t mfn)
{
    struct page *pg;

    spin_lock(&heap_lock);
    pg = page_peek(mfn);
    if (pg != NULL && !page_get(pg, NULL)) {
        pg = NULL;
    }
    spin_unlock(&heap_lock);
    return pg;
}

bool page_in_use(mfn_t mfn)
{
    bool used;

    spin_lock(&heap_lock);
    used = page_is_guest_ram(mfn.n << PAGE_SHIFT);
    spin_unlock(&heap_lock);
    return used;
}

static bool page_belongs(const struct page *pg, const struct domain *d)
{
    const struct domain *owner = atomic_load(&pg->owner);

    return d == NULL ? owner != NULL : owner == d;
}

bool page_get(struct page *pg, const struct domain *d)
{
    uint32_t count = atomic_load_acquire(&pg->count);

    if (!page_belongs(pg, d)) {
        return false;
    }
    do {
        if (count == 0 || count == UINT32_MAX) {
            return false;
        }
    } while (!atomic_compare_exchange(&pg->count, &count, count + 1u));
    /* Whose page it was before the reference held it says nothing. */
    if (!page_belongs(pg, d)) {
        page_put(pg);
        return false;
    }
    return true;
}

/* The last reference is gone: free the page. true: as domain_uncharge, for *owner. */
static bool page_last(struct page *pg, struct domain **owner)
{
    uint64_t frame = page_mfn(pg).n;
    uint16_t flags = pg->flags;

    *owner = pg->owner;
    page_end(pg, frame);
    if ((flags & PAGE_XEN) != 0) {
        if ((flags & PAGE_FREE_LATE) != 0) {
            buddy_give(frame, 0, false);
        }
        return false;
    }
    buddy_give(frame, 0, false);
    return domain_uncharge(*owner, 1);
}

void page_put(struct page *pg)
{
    struct domain *owner;
    bool put;

    if (atomic_fetch_sub(&pg->count, 1u) != 1u) {
        return;
    }
    spin_lock(&heap_lock);
    put = page_last(pg, &owner);
    spin_unlock(&heap_lock);
    if (put) {
        domain_put(owner);
    }
}

bool page_disown(struct page *pg)
{
    struct domain *owner;

    page_unlink(pg);
    return atomic_fetch_sub(&pg->count, 1u) == 1u && page_last(pg, &owner);
}

int page_share(void *va, struct domain *d)
{
    uint64_t frame = arch_va_to_pa(va) >> PAGE_SHIFT;
    struct page *pg;
    int rc;

    spin_lock(&heap_lock);
    rc = page_begin(frame, 1, &pg);
    if (rc == 0) {
        pg->flags = PAGE_XEN;
        pg->owner = d;
        pg->user = 0;
        /* Release: page_get may look at the owner as soon as the count is not 0. */
        atomic_store_release(&pg->count, 1u);
    }
    spin_unlock(&heap_lock);
    return rc;
}

void page_unshare(void *va)
{
    struct page *pg;

    spin_lock(&heap_lock);
    pg = page_peek((mfn_t){arch_va_to_pa(va) >> PAGE_SHIFT});
    if (pg != NULL && (pg->flags & PAGE_XEN) != 0) {
        struct domain *owner;

        atomic_store(&pg->owner, (struct domain *)NULL);
        if (atomic_fetch_sub(&pg->count, 1u) == 1u) {
            (void)page_last(pg, &owner);
        }
    }
    spin_unlock(&heap_lock);
}

bool page_free_later(uint64_t frame)
{
    struct chunk *c = chunk_at(frame >> CHUNK_ORDER);
    struct page *pg = c->state == CHUNK_SPLIT ? page_at(frame) : NULL;

    /* The flag stays until page_last runs: a count of 0 only means that it waits for the lock we
     * hold. */
    if (pg == NULL || (pg->flags & PAGE_XEN) == 0) {
        return false;
    }
    pg->flags |= PAGE_FREE_LATE;
    return true;
}
