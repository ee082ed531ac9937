/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between p2m.c, p2m_remove.c and guest_copy.c; private to xen/mm. With the p2m lock held unless
 * said otherwise.
 */
#pragma once

#include <arch/mm.h>
#include <xen/p2m.h>

#define P2M_LAST_LEVEL  (ARCH_P2M_LEVELS - 1u)
#define P2M_GONE_MAX    40u   /* things to give back, and ... */
#define P2M_CLEARED_MAX 96u   /* entries cleared, ... */
#define P2M_LOOKED_MAX  1050u /* entries looked at, while the lock is held once: two tables */

/* Room for a leaf and the tables above it, and for the empty tables at both ends of a removal. */
#define P2M_GONE_ROOM (3u * ARCH_P2M_LEVELS)

/* What removal took out of the tables and must be given back once no CPU uses it: pages with a
 * reference, tables. */
struct p2m_gone {
    uint64_t low, high; /* frames whose translations must be flushed: [low, high) */
    uint32_t looked;
    uint32_t cleared;
    uint32_t nr;
    uintptr_t item[P2M_GONE_MAX]; /* struct page * | 1, or a table */
};

/* Without the lock: wait for CPUs that still copy (p2m_quiesce), then give everything back. */
void p2m_gone_release(struct p2m_gone *gone);

/* A change begins: takes the lock. */
static inline void p2m_begin(struct p2m *p2m, struct p2m_gone *gone)
{
    gone->low = UINT64_MAX;
    gone->high = 0;
    gone->looked = 0;
    gone->cleared = 0;
    gone->nr = 0;
    spin_lock(&p2m->lock);
}

/*
 * A change ends, in this order: what was cleared is flushed, the lock is free, no CPU copies
 * through an old translation, what `gone` has is given back. The wait is left out if there is
 * nothing to give back. A caller that `frees` what was mapped always waits, even if it found
 * nothing: another CPU may have just cleared the entry.
 */
static inline void p2m_end(struct p2m *p2m, struct p2m_gone *gone, bool frees)
{
    if (gone->low < gone->high) {
        arch_p2m_flush_range(&p2m->arch, (gfn_t){gone->low}, gone->high - gone->low);
    }
    spin_unlock(&p2m->lock);
    if (frees || gone->nr != 0) {
        p2m_gone_release(gone);
    }
}

/* One more leaf, at least, can be removed. */
static inline bool p2m_gone_has_room(const struct p2m_gone *gone)
{
    return gone->nr + P2M_GONE_ROOM <= P2M_GONE_MAX && gone->looked < P2M_LOOKED_MAX / 2u;
}

/*
 * Clear [at, end), collecting in `gone`: returns how far it came. Less than `end`: gone is full, or
 * *rc is an error. p2m_thinned must follow, and p2m_end before anything is mapped there.
 */
uint64_t p2m_remove(struct p2m *p2m, uint64_t at, uint64_t end, struct p2m_gone *gone, int *rc);
/*
 * Tables that lie in part in [at, end) may be empty: those at its end are looked at when others may
 * be, so that who maps and unmaps one page keeps its table. `gone` has room.
 */
void p2m_thinned(struct p2m *p2m, uint64_t at, uint64_t end, struct p2m_gone *gone);

static inline uint64_t p2m_level_pages(unsigned int level)
{
    return 1ull << arch_p2m_order(level);
}

static inline pte_t *p2m_table(pte_t pte)
{
    return arch_pa_to_va(arch_pte_table_pa(pte));
}

/* The slot of gfn at `level`, making tables and splitting blocks on the way. -ENOMEM. */
int __must_check p2m_descend(struct p2m *p2m, uint64_t g, unsigned int level, pte_t **slot);
/* The leaf for just this frame, and the level of the leaf or hole that covers it; false: a hole. */
bool __must_check p2m_find(const struct p2m *p2m, gfn_t gfn, struct p2m_leaf *leaf,
                           unsigned int *level);
/* Replace the block in *slot, which covers g at this level, by a table of smaller leaves.
 * -ENOMEM. */
int __must_check p2m_split(struct p2m *p2m, pte_t *slot, uint64_t g, unsigned int level);
