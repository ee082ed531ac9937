/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The records of who has RAM, and references to pages: <xen/page.h> draws the states. Free memory
 * is in buddy.c; how domains come to memory and lose it is in page_domain.c.
 *
 * Counts change without a lock. The last reference is dropped into heap_lock, and until the entry
 * is cleared there the frame is in nobody else's hands.
 */
#include <arch/mm.h>
#include <xen/alloc_fault.h>
#include <xen/bitops.h>
#include <xen/domain.h>
#include <xen/errno.h>
#include <xen/lib.h>
#include <xen/page.h>

#define ARRAY_ORDER 2u /* 512 entries */

BUILD_BUG_ON(sizeof(struct page) * MEM_PAGES_PER_CHUNK != PAGE_SIZE << ARRAY_ORDER);
BUILD_BUG_ON((uint64_t)MEM_MAX_GIBS << (MEM_GIB_SHIFT - PAGE_SHIFT + PAGE_TAG_FRAME) != 1ull << 32);

struct chunk *mem_chunks[MEM_MAX_GIBS];
uint64_t page_held;

static struct chunk *chunk_at(uint64_t number)
{
    return chunk_of_pa(number << MEM_CHUNK_SHIFT);
}

struct page *page_at(uint64_t frame)
{
    return &chunk_at(frame >> CHUNK_ORDER)->pages[frame & (MEM_PAGES_PER_CHUNK - 1u)];
}

mfn_t page_mfn(const struct page *pg)
{
    return mfn(atomic_load(&pg->tag) >> PAGE_TAG_FRAME);
}

void *page_va(const struct page *pg)
{
    return arch_pa_to_va(page_mfn(pg).n << PAGE_SHIFT);
}

/* Arrays for n chunks, one after the other, not zeroed; NULL: no memory. */
static struct page *page_array_take(uint64_t n)
{
    unsigned int order = ARRAY_ORDER + log2_up_u64(n);
    uint64_t frame;
    bool clean;

    frame = alloc_fault() ? BUDDY_NO_FRAME : buddy_alloc(order, 0, BUDDY_ANY_DIRTY_FIRST, &clean);
    if (frame == BUDDY_NO_FRAME) {
        return NULL;
    }
    buddy_give_range(frame + (n << ARRAY_ORDER), frame + (1ull << order), clean);
    page_hold(n << ARRAY_ORDER);
    return arch_pa_to_va(frame << PAGE_SHIFT);
}

static void page_array_give(struct page *pages)
{
    buddy_give(arch_va_to_pa(pages) >> PAGE_SHIFT, ARRAY_ORDER, false);
    page_let_go(1ull << ARRAY_ORDER);
}

static void page_charge(struct domain *d, uint64_t nr)
{
    if (d->tot_pages == 0) {
        /* Its pages keep the domain; the caller has a reference already. */
        atomic_fetch_add(&d->ref.count, 1u);
    }
    atomic_store(&d->tot_pages, d->tot_pages + nr); /* read without the lock, too */
}

static void page_uncharge(struct domain *d, uint64_t nr)
{
    atomic_store(&d->tot_pages, d->tot_pages - nr);
    if (d->tot_pages == 0) {
        domain_put(d);
    }
}

/* nr chunks of one GiB from `number` with arrays one after the other; they become the head of d's
 * list. */
static void chunks_link(struct domain *d, uint64_t number, uint64_t nr, struct page *pages)
{
    struct chunk *c = chunk_at(number);
    uint32_t prev = 0, next = (uint32_t)number, old = d->chunks_head;

    for (uint64_t i = 0; i < nr; i++, c++) {
        c->pages = pages;
        c->owner = d;
        c->prev = prev;
        prev = next++;
        c->next = next;
        /* Release: page_is_guest_ram may look at once. */
        atomic_store_release(&c->state, (uint8_t)CHUNK_WHOLE);
        pages += MEM_PAGES_PER_CHUNK;
    }
    c[-1].next = old;
    if (old != 0) {
        chunk_at(old)->prev = prev;
    }
    d->chunks_head = (uint32_t)number;
}

static void chunk_unlink(struct chunk *c)
{
    if (c->next != 0) {
        chunk_at(c->next)->prev = c->prev;
    }
    if (c->prev != 0) {
        chunk_at(c->prev)->next = c->next;
    } else {
        c->owner->chunks_head = c->next;
    }
}

static void chunk_disown(struct chunk *c)
{
    chunk_unlink(c);
    page_array_give(c->pages);
    *c = (struct chunk){.state = CHUNK_NONE};
}

void chunk_free(uint64_t number)
{
    struct chunk *c = chunk_at(number);
    struct domain *d = c->owner;

    chunk_disown(c);
    buddy_give(number << CHUNK_ORDER, CHUNK_ORDER, false);
    page_uncharge(d, MEM_PAGES_PER_CHUNK);
}

static int chunks_own(struct domain *d, uint64_t number, uint64_t nr)
{
    for (uint64_t done = 0; done < nr;) {
        /* One piece for all chunks up to the end of the GiB if there is one: 8 MiB at most. */
        uint64_t at = number + done;
        uint64_t n = min_u64(nr - done, MEM_CHUNKS_PER_GIB - (at & (MEM_CHUNKS_PER_GIB - 1u)));
        struct page *pages = page_array_take(n);

        if (pages == NULL) {
            n = 1;
            pages = page_array_take(n);
        }
        if (pages == NULL) {
            while (done != 0) {
                chunk_disown(chunk_at(number + --done));
            }
            return -ENOMEM;
        }
        chunks_link(d, at, n, pages);
        done += n;
    }
    return 0;
}

/* The entries of nr pages in one chunk become the head of d's list. seen: others may look at them
 * already, though they may not take them for anybody's. */
static __always_inline void pages_link(struct domain *d, struct page *pg, uint64_t frame,
                                       uint64_t nr, bool seen)
{
    uint32_t first = (uint32_t)frame, last = (uint32_t)(frame + nr - 1u), old = d->pages_head;

    for (uint32_t i = first; i <= last; i++, pg++) {
        pg->tag = i << PAGE_TAG_FRAME | PAGE_OWNED;
        pg->owner = d;
        pg->user = 0;
        pg->prev = i != first ? i - 1u : 0;
        pg->next = i != last ? i + 1u : old;
        if (seen) {
            /* Release: page_get may look at the owner as soon as the count is not 0. */
            atomic_store_release(&pg->count, 1u);
        } else {
            atomic_store(&pg->count, 1u);
        }
    }
    if (old != 0) {
        page_at(old)->prev = last;
    }
    d->pages_head = first;
}

static void page_unlink(struct page *pg)
{
    if (pg->next != 0) {
        page_at(pg->next)->prev = pg->prev;
    }
    if (pg->prev != 0) {
        page_at(pg->prev)->next = pg->next;
    } else {
        pg->owner->pages_head = pg->next;
    }
    atomic_store(&pg->tag, pg->tag & ~PAGE_OWNED);
}

/* A whole chunk becomes 512 pages of its owner. */
static void chunk_split(struct chunk *c, uint64_t number)
{
    chunk_unlink(c);
    pages_link(c->owner, c->pages, number << CHUNK_ORDER, MEM_PAGES_PER_CHUNK, false);
    c->owner = NULL;
    c->used = MEM_PAGES_PER_CHUNK;
    /* Release: readers without the lock take the entries for valid when they see the state. */
    atomic_store_release(&c->state, (uint8_t)CHUNK_SPLIT);
}

struct page *page_begin(uint64_t frame, uint64_t nr)
{
    struct chunk *c = chunk_of_pa(frame << PAGE_SHIFT);

    if (c->state == CHUNK_NONE) {
        struct page *pages = page_array_take(1);

        if (pages == NULL) {
            return NULL;
        }
        for (unsigned int i = 0; i < 1u << ARRAY_ORDER; i++) {
            arch_page_zero((uint8_t *)pages + i * PAGE_SIZE);
        }
        *c = (struct chunk){.pages = pages};
        /* Release: as in chunk_split. */
        atomic_store_release(&c->state, (uint8_t)CHUNK_SPLIT);
    }
    c->used = (uint16_t)(c->used + nr);
    return &c->pages[frame & (MEM_PAGES_PER_CHUNK - 1u)];
}

static void page_end(struct page *pg, uint64_t frame)
{
    struct chunk *c = chunk_of_pa(frame << PAGE_SHIFT);

    pg->tag = 0;
    pg->owner = NULL;
    pg->user = 0;
    if (--c->used == 0) {
        atomic_store(&c->state, (uint8_t)CHUNK_NONE);
        page_array_give(c->pages);
        c->pages = NULL;
    }
}

int page_own(struct domain *d, uint64_t frame, uint64_t nr)
{
    int rc = 0;

    if (nr >= MEM_PAGES_PER_CHUNK) {
        rc = chunks_own(d, frame >> CHUNK_ORDER, nr >> CHUNK_ORDER);
    } else {
        struct page *pg = page_begin(frame, nr);

        if (pg == NULL) {
            rc = -ENOMEM;
        } else {
            pages_link(d, pg, frame, nr, true);
        }
    }
    if (rc != 0) {
        buddy_give_range(frame, frame + nr, false);
        return rc;
    }
    page_charge(d, nr);
    return 0;
}

struct page *page_find(mfn_t mfn, const struct domain *d)
{
    struct chunk *c = chunk_of_pa(mfn.n << PAGE_SHIFT);

    if (c != NULL && c->state == CHUNK_WHOLE && (d == NULL || c->owner == d)) {
        chunk_split(c, mfn.n >> CHUNK_ORDER);
    }
    return page_peek(mfn);
}

/* References. */

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

static struct page *page_get_if(struct page *pg, const struct domain *d)
{
    return pg != NULL && page_get(pg, d) ? pg : NULL;
}

struct page *page_get_mapped(mfn_t mfn, const struct domain *d)
{
    return page_get_if(page_of(mfn), d);
}

struct page *page_get_frame(mfn_t mfn, const struct domain *d)
{
    struct page *pg;

    spin_lock(&heap_lock);
    /* No owner changes while the lock is held, so page_get never needs page_put here. */
    pg = page_get_if(page_find(mfn, d), d);
    spin_unlock(&heap_lock);
    return pg;
}

struct page *page_get_single(mfn_t mfn)
{
    struct page *pg;

    spin_lock(&heap_lock);
    pg = page_get_if(page_peek(mfn), NULL);
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

/* No reference is left, and heap_lock is held: the page is freed. */
static void page_last(struct page *pg)
{
    uint64_t frame = page_mfn(pg).n;
    struct domain *owner = pg->owner;
    uint32_t tag = pg->tag;

    page_end(pg, frame);
    if ((tag & PAGE_XEN) == 0) {
        buddy_give(frame, 0, false);
        page_uncharge(owner, 1);
    } else if ((tag & PAGE_FREE_LATE) != 0) {
        buddy_give(frame, 0, false);
        page_let_go(1);
    }
}

void page_drop(struct page *pg)
{
    if (atomic_fetch_sub(&pg->count, 1u) == 1u) {
        page_last(pg);
    }
}

void page_put(struct page *pg)
{
    if (atomic_fetch_sub(&pg->count, 1u) != 1u) {
        return;
    }
    spin_lock(&heap_lock);
    page_last(pg);
    spin_unlock(&heap_lock);
}

void page_disown(struct page *pg)
{
    page_unlink(pg);
    page_drop(pg);
}
