/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Free memory: blocks of 2^order frames, without owners. Allocation goes from the top down, because
 * devices of limited reach need the low end. Boot does not touch free RAM.
 *
 * A free block's links live in its own first bytes. Whether the buddy of a block is free at the
 * same order is one bit, the exclusive or of the two states, so that no table of pages is needed.
 * Blocks are clean (zero, also in RAM behind the caches) or dirty; blocks below a chunk always
 * merge, the result is clean if both were; from a chunk up only equal ones merge.
 *
 *                    buddy_give, not clean
 *   in use -------------------------------------> DIRTY, listed
 *     ^  ^                                         |      ^
 *     |  | buddy_alloc,                            |      | buddy_scrub_cancel
 *     |  | buddy_alloc_clean                       v      |
 *     |  '---------------------------------- SCRUBBED in slices, on no list, in one buddy_scrub
 *     |                                            |
 *     '----------- CLEAN, listed <-----------------' all of it is done
 */
#pragma once

#include <xen/compiler.h>
#include <xen/config.h>
#include <xen/spinlock.h>
#include <xen/types.h>

#define MEM_GIB_SHIFT   30u
#define MEM_MAX_GIBS    1024u /* RAM above 1 TiB is left alone, with a warning */
#define BUDDY_MAX_ORDER 18u   /* 1 GiB, MEM_GIB_SHIFT */
#define BUDDY_NO_FRAME  0ull  /* frame 0 is never given to the allocator (memmap) */
#define BUDDY_GIB_SIZE  (1ul << (BUDDY_MAX_ORDER - 3u)) /* a bit per pair of buddies and order */

/* Guards free blocks, chunks, struct page entries and the page counts of domains. */
extern spinlock_t heap_lock;

/* RAM in this GiB can be free: BUDDY_GIB_SIZE bytes for it, zero. At boot. */
void buddy_add_gib(uint64_t gib, void *bits);

/* Zones end at powers of two, the lowest at 1 GiB: zone of a frame, and the highest zone all of
 * which is below `limit` (0: no limit). */
unsigned int buddy_zone(uint64_t frame);
int buddy_zone_below(paddr_t limit);

/* With heap_lock held, all of them. */

/* Memory of zones that reach below `end` is for devices: others get it when nothing is left above.
 * At boot. */
void buddy_spare_below(paddr_t end);

enum buddy_want {
    BUDDY_ANY_CLEAN_FIRST,
    BUDDY_ANY_DIRTY_FIRST,
    BUDDY_CLEAN,
    BUDDY_DIRTY
};

/* Take a block from zones below `limit` (0: anywhere), with what idle CPUs are scrubbing as a
 * reserve. If it is clean its links are wiped. BUDDY_NO_FRAME: none. */
uint64_t buddy_alloc(unsigned int order, paddr_t limit, enum buddy_want want, bool *clean);
/* The same for just the zones [floor, zone], the highest first, without the reserve. */
uint64_t buddy_take(unsigned int order, int floor, int zone, enum buddy_want want, bool *clean);
/* Give a block back, or for the first time. */
void buddy_give(uint64_t frame, unsigned int order, bool clean);
void buddy_give_range(uint64_t frame, uint64_t end, bool clean);
/* Free pages in all zones below `limit` (0: everywhere), those that are being scrubbed included. */
uint64_t buddy_free_pages(paddr_t limit);

/* A dirty block that somebody scrubs in slices, out of the lists: pages [start, next) are done.
 * Each who does it has one of his own, so that nobody takes away what another one has done. */
struct buddy_scrub {
    uint64_t start, next; /* frames; start 0: none */
    unsigned int order;
};

/*
 * Take a clean block as buddy_alloc does. If there is none, scrub a slice of a dirty one, in *s:
 * -ERESTART. The caller comes again, or gives it up by buddy_scrub_cancel. -ENOMEM.
 */
int __must_check buddy_alloc_clean(struct buddy_scrub *s, unsigned int order, paddr_t limit,
                                   uint64_t *frame);
/* What *s has is free again, dirty. false: it had nothing. */
bool buddy_scrub_cancel(struct buddy_scrub *s);

/* For tests: each free block, and whether it is sound where it is, until fn answers false; then what
 * idle CPUs are scrubbing. */
typedef bool buddy_block_fn(uint64_t frame, unsigned int order, bool sound);
struct buddy_scrub buddy_each(buddy_block_fn *fn);

/* Without the lock. */

/* Zero nr pages and clean them to the point of coherency: a guest may look with its caches off. */
void buddy_scrub_pages(uint64_t frame, uint64_t nr);
/* Idle CPUs scrub from now on: when the boot is over, so that a CPU that still waits in memory of its
 * firmware, which no tree has named, comes up; and the boot has the machine's memory to itself. */
void buddy_scrub_start(void);
/* Idle work: scrub one page of a dirty free extent; false: nothing left to do. */
bool buddy_scrub_idle(void);
