/*
 * Physical memory. A buddy allocator over the RAM that memmap leaves free; allocation goes from the
 * top down unless a caller names a limit, and memory that devices of limited reach need (memmap)
 * goes last. Boot does not touch free RAM and keeps no per-page table
 * of it: ownership is kept per chunk (2 MiB); struct page entries exist for chunks that were handed
 * out, and are filled when a chunk is first used page by page.
 *
 * page_alloc.c gives memory to the hypervisor, page_own.c to domains. One lock (heap_lock, rank
 * LOCK_HEAP) guards both; it also guards d->tot_pages, d->claim_pages, d->pages_head and
 * d->chunks_head.
 */
#pragma once

#include <xen/atomic.h>
#include <xen/compiler.h>
#include <xen/config.h>
#include <xen/types.h>

struct domain;

/*
 * A page that was handed out to a domain, or of the hypervisor's that is shared with one. 32 bytes.
 * An array of 512 covers a chunk and is aligned to its size; page_mfn relies on that.
 */
struct page {
    uint32_t count; /* references; the allocation itself holds one; the page is freed when it falls
                       to 0 */
    uint16_t flags; /* PAGE_* */
    uint16_t chunk_part;  /* entries 0 and 1 of an array: low and high half of the number of the
                             chunk it describes */
    struct domain *owner; /* whose page it is; NULL: no longer shared */
    uint32_t next, prev;  /* owner's list, as page frame numbers */
    uint64_t user; /* PAGE_XEN: frame where its owner has mapped it + 1 (p2m); else free for the
                      owner's subsystem */
};

#define PAGE_XEN \
    (1u << 0) /* hypervisor memory shared with owner: never freed by the guest's doing */
#define PAGE_OWNED     (1u << 1) /* on owner's list, the allocation's reference is there */
#define PAGE_FREE_LATE (1u << 2) /* PAGE_XEN: page_free was called while references were left */

enum chunk_state {
    CHUNK_NONE,  /* no page of a domain in it, no array */
    CHUNK_WHOLE, /* one domain has all of it; the array exists, but holds nothing yet */
    CHUNK_SPLIT, /* the array tells, page by page; entries with count 0 are free or the hypervisor's
                  */
};

struct chunk {
    struct page *pages;   /* 512 entries */
    struct domain *owner; /* CHUNK_WHOLE */
    uint32_t next, prev;  /* CHUNK_WHOLE: owner's list, as chunk numbers; 0: none (chunk 0 is never
                             whole) */
    uint16_t used;        /* CHUNK_SPLIT: entries with count > 0 */
    uint8_t state;        /* enum chunk_state */
};

/* What describes one GiB of addresses with RAM in it: chunks, and one bit per pair of buddies and
 * order. 48 KiB. */
#define MEM_GIB_SHIFT       30u
#define MEM_MAX_GIBS        1024u /* RAM above 1 TiB is left alone, with a warning */
#define MEM_CHUNK_SHIFT     (PAGE_SHIFT + CHUNK_ORDER)
#define MEM_CHUNKS_PER_GIB  (1u << (MEM_GIB_SHIFT - MEM_CHUNK_SHIFT))
#define MEM_PAGES_PER_CHUNK (1u << CHUNK_ORDER)

struct mem_gib {
    struct chunk chunk[MEM_CHUNKS_PER_GIB];
    uint64_t buddies[(1u << (MEM_GIB_SHIFT - PAGE_SHIFT)) / 64u];
};

extern struct mem_gib *mem_gibs[MEM_MAX_GIBS]; /* NULL: no RAM there */

/* NULL: no RAM in that GiB. */
static inline struct chunk *chunk_of_pa(paddr_t pa)
{
    uint64_t gib = pa >> MEM_GIB_SHIFT;
    struct mem_gib *g = gib < MEM_MAX_GIBS ? mem_gibs[gib] : NULL;

    return g != NULL ? &g->chunk[pa >> MEM_CHUNK_SHIFT & (MEM_CHUNKS_PER_GIB - 1u)] : NULL;
}

struct rangeset;

/* From host_memmap. `take` removes from the free RAM what shall not be the allocator's. Boot CPU,
 * once, after arch_mm_init. */
void page_alloc_init(void (*take)(struct rangeset *free));

/* 2^order contiguous, zeroed pages of hypervisor memory (direct-map address); NULL: none left. */
void *page_alloc(unsigned int order);
/* Any part of an allocation may be freed; nobody can find it any more, and no CPU copies through an
 * address in it. A page that was page_share'd and is still referenced is freed when that ends. */
void page_free(void *va, unsigned int order);

/*
 * Give d 2^order pages below `limit` (0: anywhere; else rounded down to a power of two, at least 1
 * GiB): charged to d->tot_pages (-E2BIG above max_pages), scrubbed, one
 * reference each. -ENOMEM; -EINVAL: d is dying. Large orders: -ERESTART when free memory must be
 * scrubbed first, a slice of which was done; call again.
 */
int __must_check domain_page_alloc(struct domain *d, unsigned int order, paddr_t limit, mfn_t *mfn);
/* The same for whole chunks that the allocator never had (dom0's banks), not scrubbed. */
int __must_check domain_page_adopt(struct domain *d, mfn_t mfn, uint64_t nr);
/*
 * Drop the allocation's reference of nr pages of d from mfn: each is freed when its last reference
 * goes. The caller alone knows these frames: p2m_take told him, or they never were in a p2m. A
 * frame that he saw there before he dropped the p2m's lock may be another page of d by now, mapped
 * elsewhere. Pages that d does not own (it is dying) are left alone.
 */
void domain_page_free(struct domain *d, mfn_t mfn, uint64_t nr);
/* Does d own all of 2^order pages from mfn, aligned? */
bool domain_page_owned(const struct domain *d, mfn_t mfn, unsigned int order);
/* Give reserved memory (boot modules after use) to the allocator: the whole pages of [start, end).
 */
void page_release_reserved(paddr_t start, paddr_t end);
/* Free all that d still owns, in slices: 0 or -ERESTART. d is dying, and p2m_relinquish is done: no
 * entry and no translation shows these pages. The caller has a reference on d. */
int __must_check domain_pages_relinquish(struct domain *d);

/*
 * XENMEM_claim_pages: let d's tot_pages rise to `pages` without others taking the memory first; 0
 * ends it. -EINVAL: a claim is there already, pages is not in (tot_pages, max_pages], or d is
 * dying. -ENOMEM. page_claimed: what all claims still hold back.
 */
int __must_check domain_page_reserve(struct domain *d, uint64_t pages);
uint64_t page_claimed(void);

/*
 * Make a hypervisor page (page_alloc) known as shared with d so that page_of and p2m accept it
 * (P2M_RAM for d, P2M_FOREIGN for others) / end that for d. -ENOMEM. page_unshare: d's p2m shows
 * it no more; then call page_free. References of others keep the page until they go.
 */
int __must_check page_share(void *va, struct domain *d);
void page_unshare(void *va);

/*
 * Page of a frame handed out to a domain or shared; NULL for anything else (free, hypervisor's,
 * MMIO, no RAM). The caller holds what keeps the frame handed out: a reference, or the lock of a
 * p2m that maps it. Otherwise use page_get_frame.
 */
struct page *page_of(mfn_t mfn);
/* page_of and page_get in one step, for a frame that may be freed meanwhile. */
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
 * reference. Same precondition as page_of: the array may be freed with the last page of its chunk.
 */
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

uint64_t page_free_count(void);  /* pages */
uint64_t page_total_count(void); /* pages of RAM the machine has */
/* Free pages in the zones that lie below `limit`: exact for powers of two from 1 GiB (sysctl
 * availheap). */
uint64_t page_free_below(paddr_t limit);
/* Idle work: scrub one page of a dirty free extent; false: nothing left to do. */
bool page_scrub_idle(void);
