/*
 * The buddy allocator under page_alloc and page_own: blocks of 2^order frames, no owners. Private
 * to xen/mm, except the geometry.
 *
 * A free block's links live in its own first bytes. Whether the buddy of a block is free at the
 * same order is one bit, the exclusive or of the two states, so that no table of pages is needed.
 * Blocks are clean (zero, also in RAM behind the caches) or dirty; blocks below a chunk always
 * merge, the result is clean if both were; from a chunk up only equal ones merge.
 */
#pragma once

#include <xen/compiler.h>
#include <xen/config.h>
#include <xen/page_alloc.h>
#include <xen/spinlock.h>
#include <xen/types.h>

#define BUDDY_MAX_ORDER 18u  /* 1 GiB, MEM_GIB_SHIFT */
#define BUDDY_NO_FRAME  0ull /* frame 0 is never given to the allocator (memmap) */

/* Guards free blocks, chunks, struct page entries and the page counts of domains. */
extern spinlock_t heap_lock;

/* Zones end at powers of two, the lowest at 1 GiB: zone of a frame, and the highest zone all of
 * which is below `limit`. */
unsigned int buddy_zone(uint64_t frame);
int buddy_zone_below(paddr_t limit);

/* With heap_lock held, all of them. */

enum buddy_want {
    BUDDY_ANY_CLEAN_FIRST,
    BUDDY_ANY_DIRTY_FIRST,
    BUDDY_CLEAN,
    BUDDY_DIRTY
};

/* Take a block, from the highest zone in [floor, zone] that has one; its links are wiped if it is
 * clean. BUDDY_NO_FRAME: none. */
uint64_t buddy_take(unsigned int order, int floor, int zone, enum buddy_want want, bool *clean);
/* Give a block back, or for the first time. */
void buddy_give(uint64_t frame, unsigned int order, bool clean);
void buddy_give_range(uint64_t frame, uint64_t end, bool clean);
/* Free pages in all zones <= zone, those that are being scrubbed included. */
uint64_t buddy_free_pages(int zone);

/* A dirty block that somebody scrubs in slices, out of the lists: pages [start, next) are done.
 * Each who does it has one of his own, so that nobody takes away what another one has done. */
struct buddy_scrub {
    uint64_t start, next; /* frames; start 0: none */
    unsigned int order;
};

/*
 * Scrub up to `pages` pages of a dirty free block of at least `order` in zones [floor, zone]: of
 * the one in *s, or of another one. false: there is none. A block that is being scrubbed is not
 * free; buddy_scrub_cancel gives it back as it is. One that is finished is free again; or, if frame
 * is given, the next call scrubs nothing and has 2^order pages of it in *frame.
 */
bool buddy_scrub(struct buddy_scrub *s, unsigned int order, int floor, int zone, unsigned int pages,
                 uint64_t *frame);
bool buddy_scrub_cancel(struct buddy_scrub *s);
/* Is anything left to scrub, what was begun in *s included? Without the lock: a hint. */
bool buddy_has_dirty(const struct buddy_scrub *s);
/* Zero nr pages and clean them to the point of coherency: a guest may look with its caches off. No
 * lock needed. */
void page_scrub(uint64_t frame, uint64_t nr);
