/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who has RAM: owners and references of pages, and the hypervisor's own ones. No table of pages is
 * made at boot: ownership is kept per chunk (2 MiB), and struct page entries are filled when a
 * chunk is first used page by page. One lock (heap_lock, rank LOCK_HEAP) guards it all, and
 * d->tot_pages, d->pages_head, d->chunks_head. The life of a page:
 *
 *                 page_alloc                    page_share
 *        .------------------------> HELD ----------------------> SHARED (PAGE_XEN, owner d)
 *        |                          | ^                            | page_unshare
 *        |        page_free         | |       last reference       v
 *      FREE <-----------------------' '----------------------- SHARED (PAGE_XEN, no owner)
 *     (buddy) <----------------------------------------------- the same after page_free
 *      ^ | ^ |                             last reference      (PAGE_FREE_LATE)
 *      | | | |
 *      | | | |  domain_page_alloc, below a chunk
 *      | | | '---------------------------------> OWNED (PAGE_OWNED, on d's list,
 *      | | |                                       | ^  one reference or more)
 *      | | |        last reference                 | |
 *      | | '------------------------ LEFT <--------' | page_find: one page of it is asked for
 *      | |          domain_page_free, relinquish     |
 *      | |                                           |
 *      | |  domain_page_alloc, domain_page_adopt     |
 *      | '---------------------------------------> CHUNK (all 512 pages are d's, no entries)
 *      '---------------------------------------------'
 *               domain_page_free of all, relinquish
 *
 * FREE memory is dirty when it comes back and is scrubbed before a domain gets it (<xen/buddy.h>);
 * what is adopted (dom0's, at boot) never was in the allocator. LEFT pages still count as d's, and
 * so keep a dead domain, until their last mapping or pin goes.
 */
#pragma once

#include <xen/atomic.h>
#include <xen/buddy.h>
#include <xen/compiler.h>
#include <xen/config.h>
#include <xen/types.h>

struct domain;

/* A page that was handed out to a domain, or of the hypervisor's that is shared with one. 32
 * bytes. */
struct page {
    uint32_t count;       /* references; the entry is in use while it is not 0 */
    uint32_t tag;         /* PAGE_*, and above them the frame's number */
    struct domain *owner; /* whose page it is; NULL: no longer shared */
    uint32_t next, prev;  /* owner's list, as page frame numbers; 0: none */
    uint64_t user; /* PAGE_XEN: frame where its owner has mapped it + 1 (p2m); else free for the
                      owner's subsystem */
};

#define PAGE_XEN       (1u << 0) /* hypervisor memory: never freed by the guest's doing */
#define PAGE_OWNED     (1u << 1) /* on owner's list, the allocation's reference is there */
#define PAGE_FREE_LATE (1u << 2) /* PAGE_XEN: page_free came while references were left */
#define PAGE_TAG_FRAME 4u        /* bits of the tag below the frame's number */

enum chunk_state {
    CHUNK_NONE,  /* no page of a domain in it, no array */
    CHUNK_WHOLE, /* one domain has all of it; the array exists, but holds nothing yet */
    CHUNK_SPLIT, /* the array tells, page by page; entries with count 0 are free or the
                  * hypervisor's */
};

struct chunk {
    struct page *pages;   /* 512 entries */
    struct domain *owner; /* CHUNK_WHOLE */
    uint32_t next, prev;  /* CHUNK_WHOLE: owner's list, as chunk numbers; 0: none (chunk 0 is never
                             whole) */
    uint16_t used;        /* CHUNK_SPLIT: entries with count > 0 */
    uint8_t state;        /* enum chunk_state */
};

#define MEM_CHUNK_SHIFT     (PAGE_SHIFT + CHUNK_ORDER)
#define MEM_CHUNKS_PER_GIB  (1u << (MEM_GIB_SHIFT - MEM_CHUNK_SHIFT))
#define MEM_PAGES_PER_CHUNK (1u << CHUNK_ORDER)

extern struct chunk *mem_chunks[MEM_MAX_GIBS]; /* of a GiB; NULL: no RAM there */

/* NULL: no RAM in that GiB. */
static inline struct chunk *chunk_of_pa(paddr_t pa)
{
    uint64_t gib = pa >> MEM_GIB_SHIFT;
    struct chunk *c = gib < MEM_MAX_GIBS ? mem_chunks[gib] : NULL;

    return c != NULL ? &c[pa >> MEM_CHUNK_SHIFT & (MEM_CHUNKS_PER_GIB - 1u)] : NULL;
}

/*
 * Page of a frame handed out to a domain or shared; NULL for anything else (free, hypervisor's,
 * MMIO, no RAM). The caller holds what keeps the frame handed out: a reference, or the lock of a
 * p2m that maps it. Otherwise use page_get_frame.
 */
struct page *page_of(mfn_t mfn);
/* page_of and page_get in one step, with the same precondition. */
struct page *page_get_mapped(mfn_t mfn, const struct domain *d);
/* The same for a frame that may be freed meanwhile. */
struct page *page_get_frame(mfn_t mfn, const struct domain *d);
/* The same for a page of any domain, but only if its chunk is split already: who may not even ask
 * for a page must not split the memory of others. */
struct page *page_get_single(mfn_t mfn);
/* Is it a page of a domain, or shared with one, at this moment? For a frame that may be freed. */
bool page_in_use(mfn_t mfn);
mfn_t page_mfn(const struct page *pg);
void *page_va(const struct page *pg);
/* Take a reference if the page belongs to d (d NULL: to anyone) and is not being freed. */
bool __must_check page_get(struct page *pg, const struct domain *d);
/* Drops the caller's own reference, whose mapping or pin is gone from all tables and TLBs. With no
 * lock of rank LOCK_HEAP or later. May drop a domain's last reference: the gate frees that. */
void page_put(struct page *pg);

/* Entry of a frame in a split chunk, else NULL: never splits. Same precondition as page_of. */
static inline struct page *page_peek(mfn_t mfn)
{
    struct chunk *c = chunk_of_pa(mfn.n << PAGE_SHIFT);
    struct page *pg;

    /* Acquire: the array's entries were written before the state. */
    if (c == NULL || atomic_load_acquire(&c->state) != CHUNK_SPLIT) {
        return NULL;
    }
    pg = &c->pages[mfn.n & (MEM_PAGES_PER_CHUNK - 1u)];
    return atomic_load(&pg->count) != 0 ? pg : NULL;
}

/* Is this physical address RAM that a domain (or its shares) owns: cheap test for guest_copy, no
 * reference. Same precondition as page_of: the array may be freed with the last page of its
 * chunk. */
static inline bool page_is_guest_ram(paddr_t pa)
{
    const struct chunk *c = chunk_of_pa(pa);
    uint8_t state;

    if (c == NULL) {
        return false;
    }
    /* Acquire: the array's entries were written before the state. */
    state = atomic_load_acquire(&c->state);
    return state == CHUNK_WHOLE ||
           (state == CHUNK_SPLIT &&
            atomic_load(&c->pages[pa >> PAGE_SHIFT & (MEM_PAGES_PER_CHUNK - 1u)].count) != 0);
}

/*
 * For page_alloc.c and page_domain.c only, with heap_lock held. d->tot_pages is kept by these. Its
 * pages keep a domain: when the last one goes, so may the domain.
 */

/* Debug builds: pages of RAM that are neither free nor a domain's. */
extern uint64_t page_held;
static inline void page_hold(uint64_t nr)
{
    if (XEN_DEBUG) {
        page_held += nr;
    }
}
static inline void page_let_go(uint64_t nr)
{
    page_hold(-nr);
}

/* The entries, zero, of nr pages in one chunk, which will be in use; NULL: no memory. */
struct page *page_begin(uint64_t frame, uint64_t nr);
/* page_put with the lock held. */
void page_drop(struct page *pg);
/* d gets nr pages that are not in the buddy allocator: whole chunks, or some within one. -ENOMEM:
 * they were given to it. */
int __must_check page_own(struct domain *d, uint64_t frame, uint64_t nr);
/* A whole chunk goes back to the free memory. */
void chunk_free(uint64_t number);
/* A frame's entry, split off if need be; NULL: no owner, or not d (NULL: anybody). */
struct page *page_find(mfn_t mfn, const struct domain *d);
/* Take a PAGE_OWNED page off its owner's list, and drop the allocation's reference. */
void page_disown(struct page *pg);
/* The entry of a frame whose chunk is split. */
struct page *page_at(uint64_t frame);
