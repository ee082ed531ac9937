/* Between the files of xen/mm that keep the records of memory: page_alloc, page_own, page_ref,
 * page_domain. Private to them. */
#pragma once

#include <xen/buddy.h>
#include <xen/compiler.h>
#include <xen/types.h>

struct domain;

/* With heap_lock held, all of them. */

/* Zones below this one are for devices of limited reach: others get them when nothing is left
 * above. Set once, at boot. */
extern int page_floor;

/* buddy_take, from page_floor if that is possible, with what is being scrubbed as a reserve. */
uint64_t page_take(unsigned int order, int zone, enum buddy_want want, bool *clean);
/* What idle CPUs are scrubbing in zones [floor, zone] is free again; false: nothing. */
bool page_scrub_give_back(int floor, int zone);

struct chunk *chunk_at(uint64_t number);
/* The entry of a frame whose chunk is split. */
struct page *page_at(uint64_t frame);
/* A frame's entry, split off if need be; NULL: no owner, or not d (NULL: anybody). */
struct page *page_find(mfn_t mfn, const struct domain *d);

/* d becomes the owner of nr whole chunks, of nr pages in one chunk. -ENOMEM: chunks_own may have
 * done the first *done of them. */
int __must_check chunks_own(struct domain *d, uint64_t frame, uint64_t nr, uint64_t *done);
int __must_check pages_own(struct domain *d, uint64_t frame, unsigned int nr);
/* A whole chunk goes back to the free memory. */
void chunk_free(uint64_t number);

/* *pg: the entries, zero, of nr pages in one chunk, which will be in use. -ENOMEM. page_end: one is
 * not in use any more. */
int __must_check page_begin(uint64_t frame, unsigned int nr, struct page **pg);
void page_end(struct page *pg, uint64_t frame);
/* Take a PAGE_OWNED page off its owner's list. */
void page_unlink(struct page *pg);
/* page_unlink, and drop the allocation's reference. true: the caller must domain_put the owner once
 * heap_lock is free. */
bool __must_check page_disown(struct page *pg);

/* d has nr pages less; true: no page is left, the caller must domain_put it once heap_lock is free.
 */
bool __must_check domain_uncharge(struct domain *d, uint64_t nr);

/* Is this page of the hypervisor still referenced as a shared one? Then it is freed with the last
 * reference. */
bool page_free_later(uint64_t frame);
