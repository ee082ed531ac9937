/* SPDX-License-Identifier: Apache-2.0 */
/* A domain's guest-physical to machine table: one walker for all ports. */
#pragma once

#include <arch/p2m.h>
#include <xen/compiler.h>
#include <xen/spinlock.h>
#include <xen/types.h>

struct domain;
struct vcpu;

struct p2m {
    struct arch_p2m arch;
    spinlock_t lock;
    struct domain *d;
    pte_t *root;
    uint32_t table_pages; /* tables below the root, counted against pool_pages for guests */
    uint32_t pool_pages;  /* XEN_DOMCTL_set_paging_mempool_size; UINT32_MAX: no limit (dom0) */
    gfn_t max_mapped;     /* highest gfn ever mapped + 1 */
    gfn_t lowest_mapped;
    uint64_t teardown_next; /* where relinquish goes on */
    uint64_t thin;      /* no table is empty, but perhaps the lowest one on the way to this frame */
    bool direct_mapped; /* gfn == mfn for RAM */
};

/* p2m_create gives no limit of tables; the caller sets pool_pages and direct_mapped. -ENOMEM. */
int __must_check p2m_create(struct domain *d);
/*
 * Remove all mappings, dropping the references that foreign leaves hold (grant mappings are ended
 * by the grant code before); 0 or -ERESTART. Then destroy frees tables.
 */
int __must_check p2m_relinquish(struct domain *d);
void p2m_destroy(struct domain *d);

/*
 * Map nr pages from gfn to leaf.mfn..., with the largest leaves that alignment allows. Whatever was
 * mapped there goes first (break before make); references of foreign leaves replaced are dropped.
 * For P2M_FOREIGN the caller has taken one reference per page, which the mapping now owns. -EINVAL:
 * beyond the guest-physical space, or d is dying. -ENOMEM: the first pages may be mapped, p2m_unmap
 * the whole range.
 */
int __must_check p2m_map(struct domain *d, gfn_t gfn, uint64_t nr, struct p2m_leaf leaf);
/*
 * Make room for p2m_map, so that it is short and does not fail: what is mapped there goes, and
 * there are tables for frames of the same alignment. Nobody else may change the same place
 * meanwhile, or it is as it was. -ERESTART: a slice was done, call again. -EINVAL and -ENOMEM as
 * above.
 */
int __must_check p2m_prepare(struct domain *d, gfn_t gfn, uint64_t nr);
/*
 * Unmap nr pages; pages not mapped are skipped. References held by foreign leaves are dropped. On
 * return no CPU uses them, so the caller may free what was mapped. -ENOMEM: a block could not be
 * split.
 */
int __must_check p2m_unmap(struct domain *d, gfn_t gfn, uint64_t nr);
/* Extents of RAM that were taken out of a p2m, one after the other from the frame asked for. */
#define P2M_TAKE_MAX 12u
struct p2m_taken {
    unsigned int nr;
    struct {
        mfn_t mfn;
        unsigned int order;
    } extent[P2M_TAKE_MAX];
};
/*
 * Unmap RAM of d from gfn on, with one flush: one leaf or more, at most nr pages and P2M_TAKE_MAX
 * leaves, up to the first that fails. Nobody else is told the same frames, so the caller may free
 * them. If the first fails: -ENOENT: nothing there; -ENXIO: mapped, but not RAM; -ENOMEM: a block
 * could not be split.
 */
int __must_check p2m_take(struct domain *d, gfn_t gfn, uint64_t nr, struct p2m_taken *taken);
/*
 * Unmap single pages anywhere, with one flush, up to the first where `leaf` is not what is mapped: its
 * kind and, unless that is P2M_RAM, its mfn and whether it may be written. How many, with their
 * leaves; or why not the first: -ENOENT, -ENOMEM. What foreign leaves hold is dropped.
 */
int __must_check p2m_take_pages(struct domain *d, const gfn_t *gfn, unsigned int nr,
                                struct p2m_leaf *leaf);
/* What gfn maps to; false: nothing. *order (may be NULL): pages the leaf or hole covers. Takes the
 * p2m lock shortly. */
bool __must_check p2m_lookup(struct domain *d, gfn_t gfn, struct p2m_leaf *leaf,
                             unsigned int *order);
/*
 * Guest-physical to physical address, which may be a device's: as hardware walks, without a lock.
 * For ports; while this CPU's cpu.copying is odd, and that is visible (guest_copy.c).
 */
bool __must_check p2m_translate(const struct p2m *p2m, paddr_t gpa, bool write, paddr_t *pa);
/* Look up RAM (P2M_RAM, writable if asked) and take a reference on its page; NULL if it is
 * something else. */
struct page *p2m_get_page(struct domain *d, gfn_t gfn, bool write);
/*
 * Clean and invalidate the data cache over the RAM in nr pages from *gfn: XEN_DOMCTL_cacheflush. 0,
 * or -ERESTART with *gfn where to go on (nr shrinks by as much).
 */
int __must_check p2m_cache_flush(struct domain *d, gfn_t *gfn, uint64_t nr);
/*
 * Wait until no other CPU still uses an address that it translated before now. Called after a p2m
 * entry was removed and the TLBs were flushed, before the page can be given to somebody else.
 */
void p2m_quiesce(void);
/* One past the highest guest frame there can be. */
uint64_t p2m_limit(void);
