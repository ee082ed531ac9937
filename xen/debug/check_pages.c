/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RAM is parted among the free lists, the domains and the hypervisor; each domain has as many pages as
 * are counted for it; each page has as many references as can be found.
 */
#include <xen/domain.h>
#include <xen/memmap.h>
#include <xen/page.h>
#include <xen/page_alloc.h>
#include <xen/page_domain.h>

#include "check.h"

#define RECORD_PAGES (sizeof(struct page) * MEM_PAGES_PER_CHUNK / PAGE_SIZE)

static bool check_free_block(uint64_t frame, unsigned int order, bool sound)
{
    if (!sound) {
        check_wrong("free block %#lx of order %u: wrong in its list, or beside its buddy", frame,
                    order);
    }
    census_claim(frame, 1ull << order, CLAIM_FREE);
    return sound;
}

static void check_scrub(const struct buddy_scrub *s)
{
    if (s->start != 0) {
        census_claim(s->start, 1ull << s->order, CLAIM_SCRUB);
    }
}

void check_free(void)
{
    struct domain *d;
    struct buddy_scrub idle = buddy_each(check_free_block);
    uint64_t claims = 0, free;

    check_scrub(&idle);
    list_for_each(d, &domain_list, all) {
        check_scrub(&d->scrub);
        claims += d->claim_pages;
    }
    free = census_total(CLAIM_FREE) + census_total(CLAIM_SCRUB);
    if (free != page_free_count()) {
        check_wrong("%lu pages are in free lists, %lu are counted", free, page_free_count());
    }
    if (claims != page_claimed() || claims > free) {
        check_wrong("domains claim %lu of %lu free pages, %lu are counted", claims, free,
                    page_claimed());
    }
}

/* The entry of a frame in a split chunk: in use? */
static bool check_page(uint64_t frame, const struct page *pg)
{
    if (pg->count == 0) {
        return false;
    }
    if (pg->tag >> PAGE_TAG_FRAME != frame) {
        check_wrong("frame %#lx has the record of frame %#x", frame, pg->tag >> PAGE_TAG_FRAME);
    }
    if ((pg->tag & PAGE_XEN) != 0) {
        census_claim(frame, 1, CLAIM_SHARED);
        return true;
    }
    census_claim(frame, 1, CLAIM_PAGE);
    if (!check_is_domain(pg->owner)) {
        check_wrong("frame %#lx belongs to no domain", frame);
    }
    return true;
}

static void check_chunk(uint64_t first, const struct chunk *c)
{
    unsigned int used = 0;

    if (c->state == CHUNK_NONE) {
        return;
    }
    census_claim_object(c->pages, RECORD_PAGES, CLAIM_RECORD);
    if (c->state == CHUNK_WHOLE) {
        census_claim(first, MEM_PAGES_PER_CHUNK, CLAIM_CHUNK);
        if (!check_is_domain(c->owner)) {
            check_wrong("the chunk at frame %#lx belongs to no domain", first);
        }
        return;
    }
    for (unsigned int i = 0; i < MEM_PAGES_PER_CHUNK; i++) {
        used += check_page(first + i, &c->pages[i]);
    }
    if (used != c->used || used == 0) {
        check_wrong("the chunk at frame %#lx has %u pages in use, %u are counted", first, used,
                    c->used);
    }
}

static uint64_t check_list_of_chunks(const struct domain *d)
{
    uint64_t nr = 0;

    for (uint32_t at = d->chunks_head, prev = 0; at != 0; nr++) {
        uint64_t frame = (uint64_t)at << CHUNK_ORDER;
        const struct chunk *c = chunk_of_pa(frame << PAGE_SHIFT);

        if (c == NULL || c->state != CHUNK_WHOLE || c->owner != d || c->prev != prev ||
            !census_mark(frame, CENSUS_LISTED)) {
            check_wrong("d%u: its list of chunks is wrong at frame %#lx", d->id, frame);
            return nr;
        }
        prev = at;
        at = c->next;
    }
    return nr;
}

static uint64_t check_list_of_pages(const struct domain *d)
{
    uint64_t nr = 0;

    for (uint32_t at = d->pages_head, prev = 0; at != 0; nr++) {
        const struct page *pg = page_peek((mfn_t){at});

        if (pg == NULL || pg->owner != d || (pg->tag & (PAGE_OWNED | PAGE_XEN)) != PAGE_OWNED ||
            pg->prev != prev || !census_mark(at, CENSUS_LISTED)) {
            check_wrong("d%u: its list of pages is wrong at frame %#x", d->id, at);
            return nr;
        }
        prev = at;
        at = pg->next;
    }
    return nr;
}

static void check_lists(void)
{
    uint64_t counted = 0, there;
    struct domain *d;

    list_for_each(d, &domain_list, all) {
        uint64_t listed = check_list_of_chunks(d) * MEM_PAGES_PER_CHUNK + check_list_of_pages(d);

        /* Pages that it has lost, but somebody still uses, are on no list. */
        if (listed > d->tot_pages) {
            check_wrong("d%u has %lu pages, %lu are counted", d->id, listed, d->tot_pages);
        }
        counted += d->tot_pages;
    }
    there = census_total(CLAIM_CHUNK) + census_total(CLAIM_PAGE);
    if (there != counted) {
        check_wrong("domains have %lu pages, %lu are counted", there, counted);
    }
}

void check_pages(void)
{
    for (uint64_t gib = 0; gib < MEM_MAX_GIBS; gib++) {
        for (uint64_t i = 0; mem_chunks[gib] != NULL && i < MEM_CHUNKS_PER_GIB; i++) {
            check_chunk((gib * MEM_CHUNKS_PER_GIB + i) << CHUNK_ORDER, &mem_chunks[gib][i]);
        }
    }
    check_lists();
}

static void check_page_references(uint64_t frame, const struct page *pg)
{
    uint32_t word = *census_of(frame), refs = (word & CENSUS_REF_MASK) / CENSUS_REF;
    bool xen = (pg->tag & PAGE_XEN) != 0, listed = !xen && (pg->tag & PAGE_OWNED) != 0;

    if (listed || (xen && pg->owner != NULL)) {
        refs++; /* its owner's */
    }
    if ((word & CENSUS_REF_MASK) != CENSUS_REF_MASK && refs != pg->count) {
        check_wrong("frame %#lx has %u references, %u are counted", frame, refs, pg->count);
    }
    if (listed && (word & CENSUS_LISTED) == 0) {
        check_wrong("frame %#lx is on no list of its owner's", frame);
    }
}

/* What domains have, is free or being scrubbed; all else is the hypervisor's. */
static void check_held(void)
{
    uint64_t others = 0;

    for (enum claim claim = CLAIM_FREE; claim <= CLAIM_PAGE; claim++) {
        others += census_total(claim);
    }
    if (memmap_ram_pages() - others != page_held) {
        check_wrong("of %lu pages of RAM %lu are the hypervisor's, %lu are counted",
                    memmap_ram_pages(), memmap_ram_pages() - others, page_held);
    }
}

void check_references(void)
{
    for (uint64_t gib = 0; gib < MEM_MAX_GIBS; gib++) {
        for (uint64_t i = 0; mem_chunks[gib] != NULL && i < MEM_CHUNKS_PER_GIB; i++) {
            uint64_t first = (gib * MEM_CHUNKS_PER_GIB + i) << CHUNK_ORDER;
            const struct chunk *c = &mem_chunks[gib][i];

            for (unsigned int n = 0; c->state == CHUNK_SPLIT && n < MEM_PAGES_PER_CHUNK; n++) {
                if (c->pages[n].count != 0) {
                    check_page_references(first + n, &c->pages[n]);
                }
            }
        }
    }
    check_held();
}
