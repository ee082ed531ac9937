/*
 * The records of who owns RAM: whole chunks of domains, and the entries of single pages. All of it
 * with heap_lock held. References are in page_ref.c; how domains come to memory and lose it is in
 * page_domain.c.
 */
#include <arch/mm.h>
#include <xen/bitops.h>
#include <xen/buddy.h>
#include <xen/domain.h>
#include <xen/errno.h>
#include <xen/lib.h>
#include <xen/page_own.h>

#define ARRAY_ORDER 2u /* 512 entries */

BUILD_BUG_ON(sizeof(struct page) * MEM_PAGES_PER_CHUNK != PAGE_SIZE << ARRAY_ORDER);

struct chunk *chunk_at(uint64_t number)
{
    return chunk_of_pa(number << MEM_CHUNK_SHIFT);
}

struct page *page_at(uint64_t frame)
{
    return &chunk_at(frame >> CHUNK_ORDER)->pages[frame & (MEM_PAGES_PER_CHUNK - 1u)];
}

/* Arrays for n chunks, one after the other, not zeroed; NULL: no memory. */
static struct page *array_take(uint64_t n)
{
    unsigned int order = ARRAY_ORDER + log2_up_u64(n);
    uint64_t frame;
    bool clean;

    frame = page_take(order, buddy_zone_below(0), BUDDY_ANY_DIRTY_FIRST, &clean);
    if (frame == BUDDY_NO_FRAME) {
        return NULL;
    }
    buddy_give_range(frame + (n << ARRAY_ORDER), frame + (1ull << order), clean);
    return arch_pa_to_va(frame << PAGE_SHIFT);
}

static void array_give(struct page *pages)
{
    buddy_give(arch_va_to_pa(pages) >> PAGE_SHIFT, ARRAY_ORDER, false);
}

/* page_mfn finds the chunk by this. Survives everything that is done to the entries. */
static void array_label(struct page *pages, uint64_t chunk)
{
    pages[0].chunk_part = (uint16_t)chunk;
    pages[1].chunk_part = (uint16_t)(chunk >> 16);
}

mfn_t page_mfn(const struct page *pg)
{
    const struct page *base = (const void *)((uintptr_t)pg & ~((PAGE_SIZE << ARRAY_ORDER) - 1ul));
    uint64_t chunk = base[0].chunk_part | (uint64_t)base[1].chunk_part << 16;

    return (mfn_t){chunk << CHUNK_ORDER | (uint64_t)(pg - base)};
}

void *page_va(const struct page *pg)
{
    return arch_pa_to_va(page_mfn(pg).n << PAGE_SHIFT);
}

/* Chunks of domains. */

/* nr chunks of one GiB from `number` with arrays one after the other; they become the head of d's
 * list. */
static void chunks_own_run(struct domain *d, uint64_t number, uint64_t nr, struct page *pages)
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

int chunks_own(struct domain *d, uint64_t frame, uint64_t nr, uint64_t *done)
{
    for (*done = 0; *done < nr;) {
        /* One piece for all chunks up to the end of the GiB if there is one: 8 MiB at most. */
        uint64_t number = (frame >> CHUNK_ORDER) + *done;
        uint64_t n = min_u64(nr - *done, MEM_CHUNKS_PER_GIB - (number & (MEM_CHUNKS_PER_GIB - 1u)));
        struct page *pages = array_take(n);

        if (pages == NULL) {
            n = 1;
            pages = array_take(n);
        }
        if (pages == NULL) {
            return -ENOMEM;
        }
        chunks_own_run(d, number, n, pages);
        *done += n;
    }
    return 0;
}

void chunk_free(uint64_t number)
{
    struct chunk *c = chunk_at(number);

    chunk_unlink(c);
    array_give(c->pages);
    *c = (struct chunk){.state = CHUNK_NONE};
    buddy_give(number << CHUNK_ORDER, CHUNK_ORDER, false);
}

/* A whole chunk becomes 512 pages of its owner, at the head of the owner's list. */
static void chunk_split(struct chunk *c, uint64_t number)
{
    struct domain *d = c->owner;
    uint32_t first = (uint32_t)(number << CHUNK_ORDER), last = first + MEM_PAGES_PER_CHUNK - 1u;

    chunk_unlink(c);
    for (uint32_t i = 0; i < MEM_PAGES_PER_CHUNK; i++) {
        c->pages[i] = (struct page){
            .count = 1,
            .flags = PAGE_OWNED,
            .owner = d,
            .next = first + i + 1u,
            .prev = first + i - 1u,
        };
    }
    c->pages[0].prev = 0;
    c->pages[MEM_PAGES_PER_CHUNK - 1u].next = d->pages_head;
    if (d->pages_head != 0) {
        page_at(d->pages_head)->prev = last;
    }
    d->pages_head = first;
    array_label(c->pages, number);
    c->owner = NULL;
    c->used = MEM_PAGES_PER_CHUNK;
    /* Release: readers without the lock take the entries for valid when they see the state. */
    atomic_store_release(&c->state, (uint8_t)CHUNK_SPLIT);
}

/* Single pages. */

/* The array for a chunk in which nobody owned anything. */
static int chunk_begin_split(struct chunk *c, uint64_t number)
{
    struct page *pages = array_take(1);

    if (pages == NULL) {
        return -ENOMEM;
    }
    for (unsigned int i = 0; i < 1u << ARRAY_ORDER; i++) {
        arch_page_zero((uint8_t *)pages + i * PAGE_SIZE);
    }
    array_label(pages, number);
    *c = (struct chunk){.pages = pages};
    /* Release: as in chunk_split. */
    atomic_store_release(&c->state, (uint8_t)CHUNK_SPLIT);
    return 0;
}

int page_begin(uint64_t frame, unsigned int nr, struct page **pg)
{
    struct chunk *c = chunk_at(frame >> CHUNK_ORDER);
    int rc = c->state == CHUNK_NONE ? chunk_begin_split(c, frame >> CHUNK_ORDER) : 0;

    if (rc == 0) {
        c->used = (uint16_t)(c->used + nr);
        *pg = &c->pages[frame & (MEM_PAGES_PER_CHUNK - 1u)];
    }
    return rc;
}

void page_end(struct page *pg, uint64_t frame)
{
    struct chunk *c = chunk_at(frame >> CHUNK_ORDER);

    pg->flags = 0;
    pg->owner = NULL;
    pg->user = 0;
    if (--c->used == 0) {
        atomic_store(&c->state, (uint8_t)CHUNK_NONE);
        array_give(c->pages);
        c->pages = NULL;
    }
}

int pages_own(struct domain *d, uint64_t frame, unsigned int nr)
{
    uint32_t first = (uint32_t)frame, last = first + nr - 1u;
    struct page *pg;
    int rc = page_begin(frame, nr, &pg);

    if (rc != 0) {
        return rc;
    }
    if (d->pages_head != 0) {
        page_at(d->pages_head)->prev = last;
    }
    for (uint32_t i = first; i <= last; i++, pg++) {
        pg->flags = PAGE_OWNED;
        pg->owner = d;
        pg->user = 0;
        pg->prev = i != first ? i - 1u : 0;
        pg->next = i != last ? i + 1u : d->pages_head;
        /* Release: page_get may look at the owner as soon as the count is not 0. */
        atomic_store_release(&pg->count, 1u);
    }
    d->pages_head = first;
    return 0;
}

void page_unlink(struct page *pg)
{
    if (pg->next != 0) {
        page_at(pg->next)->prev = pg->prev;
    }
    if (pg->prev != 0) {
        page_at(pg->prev)->next = pg->next;
    } else {
        pg->owner->pages_head = pg->next;
    }
    atomic_store(&pg->flags, (uint16_t)(pg->flags & ~PAGE_OWNED));
}

struct page *page_find(mfn_t mfn, const struct domain *d)
{
    struct chunk *c = chunk_of_pa(mfn.n << PAGE_SHIFT);

    if (c == NULL || c->state == CHUNK_NONE ||
        (c->state == CHUNK_WHOLE && d != NULL && c->owner != d)) {
        return NULL;
    }
    if (c->state == CHUNK_WHOLE) {
        chunk_split(c, mfn.n >> CHUNK_ORDER);
    }
    return page_peek(mfn);
}
