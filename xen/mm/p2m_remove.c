/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Taking mappings and tables out of a second-stage table. What goes is collected between p2m_begin
 * and p2m_end (<xen/p2m_walk.h>), whose order makes it safe to free.
 */
#include <xen/domain.h>
#include <xen/errno.h>
#include <xen/hypercall.h>
#include <xen/lib.h>
#include <xen/p2m_walk.h>
#include <xen/page.h>
#include <xen/page_alloc.h>
#include <xen/printk.h>

#define TABLE_ENTRIES (PAGE_SIZE / sizeof(pte_t))
#define TABLE_PAGES   ((uint64_t)TABLE_ENTRIES) /* pages mapped by a table of the last level */

/* The entry in *slot, for [low, high), is cleared; its translations must be flushed. */
static void p2m_entry_gone(struct p2m_gone *gone, pte_t *slot, uint64_t low, uint64_t high)
{
    arch_pte_write(slot, (pte_t){0});
    gone->cleared++;
    gone->low = min_u64(gone->low, low);
    gone->high = max_u64(gone->high, high);
}

/* A leaf goes: what it held becomes the caller's to drop. */
static void p2m_leaf_gone(uint64_t g, pte_t pte, unsigned int level, struct p2m_gone *gone)
{
    struct p2m_leaf leaf = arch_pte_parse(pte, level);
    struct page *pg =
        level == P2M_LAST_LEVEL && leaf.kind <= P2M_FOREIGN ? page_peek(leaf.mfn) : NULL;

    if (leaf.kind == P2M_FOREIGN) {
        BUG_ON(pg == NULL);
        gone->item[gone->nr++] = (uintptr_t)pg | 1u;
    } else if (leaf.kind == P2M_RAM && pg != NULL && (atomic_load(&pg->tag) & PAGE_XEN) != 0) {
        uint64_t here = g + 1u;

        (void)atomic_compare_exchange(&pg->user, &here, 0u); /* it may be mapped anew */
    }
}

/* The table in *slot, for [low, high), is empty and goes. */
static void p2m_table_gone(struct p2m *p2m, pte_t *slot, uint64_t low, uint64_t high,
                           struct p2m_gone *gone)
{
    gone->item[gone->nr++] = (uintptr_t)p2m_table(*slot);
    p2m_entry_gone(gone, slot, low, high);
    p2m->table_pages--;
}

/* Of n entries, those that are empty before the first one that is not. */
static uint64_t p2m_count_empty(const pte_t *e, uint64_t n)
{
    uint64_t i = 0;

    while (i < n && !arch_pte_valid(e[i])) {
        i++;
    }
    return i;
}

/* [at, end) lies within what `table` covers. Returns how far it came. */
static uint64_t p2m_remove_from(struct p2m *p2m, pte_t *table, unsigned int level, uint64_t at,
                                uint64_t end, struct p2m_gone *gone, int *rc)
{
    unsigned int order = arch_p2m_order(level);
    uint64_t size = 1ull << order;

    while (at < end) {
        uint64_t next = min_u64(round_down(at, size) + size, end);
        bool whole = next - at == size;
        pte_t *e = &table[arch_p2m_index((gfn_t){at}, level)], pte = *e;
        uint64_t left = ((end - 1u) >> order) - (at >> order) + 1u;
        uint64_t empty = p2m_count_empty(e, min_u64(left, P2M_LOOKED_MAX));

        if (gone->looked >= P2M_LOOKED_MAX) {
            return at;
        }
        gone->looked += (uint32_t)empty + 1u;
        if (empty != 0) {
            at = round_down(at, size) + (empty << order);
            continue;
        }
        if (gone->nr + P2M_GONE_ROOM > P2M_GONE_MAX || gone->cleared >= P2M_CLEARED_MAX) {
            return at;
        }
        if (!arch_pte_is_table(pte, level)) {
            if (!whole) {
                *rc = p2m_split(p2m, e, at, level);
                if (*rc != 0) {
                    return at;
                }
                continue;
            }
            p2m_leaf_gone(at, pte, level, gone);
            p2m_entry_gone(gone, e, at, next);
        } else {
            uint64_t came = p2m_remove_from(p2m, p2m_table(pte), level + 1u, at, next, gone, rc);

            if (came < next) {
                return came;
            }
            if (whole) {
                p2m_table_gone(p2m, e, at, next, gone);
            }
        }
        at = next;
    }
    return end;
}

uint64_t p2m_remove(struct p2m *p2m, uint64_t at, uint64_t end, struct p2m_gone *gone, int *rc)
{
    return p2m_remove_from(p2m, p2m->root, 0, at, end, gone, rc);
}

static bool p2m_table_is_empty(const pte_t *table, struct p2m_gone *gone)
{
    uint64_t empty = p2m_count_empty(table, TABLE_ENTRIES);

    gone->looked += (uint32_t)empty;
    return empty == TABLE_ENTRIES;
}

/* The lowest table on the way to g goes if it is empty, and so on upwards. */
static void p2m_prune(struct p2m *p2m, uint64_t g, struct p2m_gone *gone)
{
    pte_t *slot[P2M_LAST_LEVEL], *table = p2m->root;
    unsigned int level;

    for (level = 0; level < P2M_LAST_LEVEL; level++) {
        slot[level] = &table[arch_p2m_index((gfn_t){g}, level)];
        if (!arch_pte_is_table(*slot[level], level)) {
            break;
        }
        table = p2m_table(*slot[level]);
    }
    for (; level != 0 && p2m_table_is_empty(p2m_table(*slot[level - 1u]), gone); level--) {
        uint64_t size = 1ull << arch_p2m_order(level - 1u), low = round_down(g, size);

        p2m_table_gone(p2m, slot[level - 1u], low, low + size, gone);
    }
}

static void p2m_thin_at(struct p2m *p2m, uint64_t g, struct p2m_gone *gone)
{
    if (g / TABLE_PAGES != p2m->thin / TABLE_PAGES) {
        p2m_prune(p2m, p2m->thin, gone);
    }
    p2m->thin = g;
}

void p2m_thinned(struct p2m *p2m, uint64_t at, uint64_t end, struct p2m_gone *gone)
{
    p2m_thin_at(p2m, at, gone);
    if (end > at) {
        p2m_thin_at(p2m, end - 1u, gone);
    }
}

/* Remove [*at, end) as far as one batch goes, and give back what it had. */
static int p2m_remove_batch(struct domain *d, uint64_t *at, uint64_t end)
{
    struct p2m_gone gone;
    uint64_t came;
    int rc = 0;

    p2m_begin(&d->p2m, &gone);
    came = p2m_remove(&d->p2m, *at, end, &gone, &rc);
    p2m_thinned(&d->p2m, *at, came, &gone);
    p2m_end(&d->p2m, &gone, true);
    /* Begin again where the table of pages begins, so that it is seen to be covered as a whole and
     * freed. */
    *at = came == end ? end : max_u64(*at, round_down(came, TABLE_PAGES));
    return rc;
}

int p2m_unmap(struct domain *d, gfn_t gfn, uint64_t nr)
{
    uint64_t at = min_u64(gfn.n, p2m_limit()), end = at + min_u64(nr, p2m_limit() - at);
    int rc = 0;

    while (at < end && rc == 0) {
        rc = p2m_remove_batch(d, &at, end);
    }
    return rc;
}

/* The level at which a leaf of at most nr pages can be taken out from gfn, given that the one there
 * stands at `level`. */
static unsigned int p2m_take_level(uint64_t g, uint64_t nr, unsigned int level)
{
    while (level < P2M_LAST_LEVEL &&
           (nr < 1ull << arch_p2m_order(level) || !is_aligned(g, 1ull << arch_p2m_order(level)))) {
        level++;
    }
    return level;
}

/* p2m_take with the lock held; the caller says what is thinned, flushes and releases. */
static int p2m_take_one(struct p2m *p2m, gfn_t gfn, uint64_t nr, mfn_t *mfn, unsigned int *order,
                        struct p2m_gone *gone)
{
    unsigned int level;
    struct p2m_leaf leaf;
    int rc = 0;

    if (!p2m_find(p2m, gfn, &leaf, &level)) {
        return -ENOENT;
    }
    if (leaf.kind != P2M_RAM) {
        return -ENXIO;
    }
    *mfn = leaf.mfn;
    *order = arch_p2m_order(p2m_take_level(gfn.n, nr, level));
    (void)p2m_remove(p2m, gfn.n, gfn.n + (1ull << *order), gone, &rc);
    return rc;
}

/* Too few leaves for a table that lies between the first and the last one. */
BUILD_BUG_ON(P2M_TAKE_MAX >= TABLE_ENTRIES);

int p2m_take(struct domain *d, gfn_t gfn, uint64_t nr, struct p2m_taken *taken)
{
    struct p2m_gone gone;
    uint64_t first = gfn.n;
    int rc = 0;

    taken->nr = 0;
    p2m_begin(&d->p2m, &gone);
    while (nr != 0 && taken->nr < P2M_TAKE_MAX && p2m_gone_has_room(&gone)) {
        mfn_t *mfn = &taken->extent[taken->nr].mfn;
        unsigned int *order = &taken->extent[taken->nr].order;

        rc = p2m_take_one(&d->p2m, gfn, nr, mfn, order, &gone);
        if (rc != 0) {
            break;
        }
        taken->nr++;
        gfn.n += 1ull << *order;
        nr -= 1ull << *order;
    }
    p2m_thinned(&d->p2m, first, gfn.n, &gone);
    p2m_end(&d->p2m, &gone, true);
    return taken->nr != 0 ? 0 : rc;
}

static bool p2m_leaf_is(const struct p2m_leaf *leaf, const struct p2m_leaf *wanted)
{
    return leaf->kind == wanted->kind &&
           (leaf->kind == P2M_RAM ||
            (mfn_eq(leaf->mfn, wanted->mfn) && ((leaf->flags ^ wanted->flags) & P2M_WRITE) == 0));
}

int p2m_take_pages(struct domain *d, const gfn_t *gfn, unsigned int nr, struct p2m_leaf *leaf)
{
    struct p2m_gone gone;
    struct p2m_leaf there;
    unsigned int i, level;
    int rc = 0;

    p2m_begin(&d->p2m, &gone);
    for (i = 0; i < nr && p2m_gone_has_room(&gone); i++) {
        if (!p2m_find(&d->p2m, gfn[i], &there, &level) || !p2m_leaf_is(&there, &leaf[i])) {
            rc = -ENOENT;
            break;
        }
        leaf[i] = there;
        (void)p2m_remove(&d->p2m, gfn[i].n, gfn[i].n + 1u, &gone, &rc);
        if (rc != 0) {
            break;
        }
        p2m_thinned(&d->p2m, gfn[i].n, gfn[i].n + 1u, &gone);
    }
    p2m_end(&d->p2m, &gone, true);
    return i != 0 ? (int)i : rc;
}

/* One GiB after the other: what is mapped there goes, and then its empty tables as a whole. */
int p2m_relinquish(struct domain *d)
{
    struct p2m *p2m = &d->p2m;
    uint64_t top = 1ull << arch_p2m_order(0), limit = p2m->max_mapped.n;
    uint64_t at = round_down(max_u64(p2m->teardown_next, p2m->lowest_mapped.n), TABLE_PAGES);
    int rc = 0;

    while (at < limit && rc == 0) {
        uint64_t begin = round_down(at, top), end = begin + top;

        rc = p2m_remove_batch(d, &at, end);
        if (rc == 0 && at == end) {
            at = begin;
            rc = p2m_remove_batch(d, &at, end);
        }
        p2m->teardown_next = at;
        if (rc == 0 && at < limit && hypercall_preempt()) {
            rc = -ERESTART;
        }
    }
    return rc;
}

static void p2m_free_tables(pte_t *table, unsigned int level)
{
    for (unsigned int i = 0; i < TABLE_ENTRIES && level < P2M_LAST_LEVEL; i++) {
        if (arch_pte_is_table(table[i], level)) {
            p2m_free_tables(p2m_table(table[i]), level + 1u);
        }
    }
    page_free(table, 0);
}

void p2m_destroy(struct domain *d)
{
    struct p2m *p2m = &d->p2m;
    unsigned int root_pages = 1u << arch_p2m_root_order();

    if (p2m->root == NULL) {
        return;
    }
    arch_p2m_flush(&p2m->arch);
    for (unsigned int i = 0; i < root_pages; i++) {
        /* After p2m_relinquish there are no tables to look for. */
        p2m_free_tables(p2m->root + i * TABLE_ENTRIES, p2m->table_pages != 0 ? 0 : P2M_LAST_LEVEL);
    }
    p2m->root = NULL;
    p2m->table_pages = 0;
}
