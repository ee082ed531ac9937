/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Second-stage mappings of domains: making them, looking up. Every change is made with the domain's
 * p2m lock held, and a valid entry is only replaced after it was cleared and flushed. Taking things
 * out is p2m_remove.c, tables are p2m_walk.c.
 */
#include <arch/mm.h>
#include <xen/domain.h>
#include <xen/errno.h>
#include <xen/hypercall.h>
#include <xen/lib.h>
#include <xen/p2m_walk.h>
#include <xen/page.h>
#include <xen/page_alloc.h>
#include <xen/trap.h>

#define TABLE_ENTRIES (PAGE_SIZE / sizeof(pte_t))
#define FLUSH_SLICE   64u /* pages of cache maintenance between looks at pending work */

int p2m_create(struct domain *d)
{
    struct p2m *p2m = &d->p2m;

    *p2m = (struct p2m){.d = d, .pool_pages = UINT32_MAX, .lowest_mapped = INVALID_GFN};
    spin_init(&p2m->lock, LOCK_P2M);
    p2m->root = page_alloc(arch_p2m_root_order());
    if (p2m->root == NULL) {
        return -ENOMEM;
    }
    arch_p2m_setup(&p2m->arch, arch_va_to_pa(p2m->root));
    return 0;
}

/* The level of the largest leaf that fits; what holds a reference per page is mapped page by
 * page. */
static unsigned int p2m_leaf_level(uint64_t g, uint64_t nr, const struct p2m_leaf *leaf)
{
    unsigned int level = 0;

    if (nr == 1 || leaf->kind == P2M_FOREIGN || leaf->kind == P2M_GRANT) {
        return P2M_LAST_LEVEL;
    }
    while (level < P2M_LAST_LEVEL &&
           (!arch_p2m_leaf_allowed(level) || nr < p2m_level_pages(level) ||
            !is_aligned(g | leaf->mfn.n, p2m_level_pages(level)))) {
        level++;
    }
    return level;
}

/* Slots from that of g to the end of its table that leaves of this level can fill. */
static uint64_t p2m_run(uint64_t g, uint64_t nr, unsigned int level)
{
    uint64_t here = level == 0 ? UINT64_MAX : TABLE_ENTRIES - arch_p2m_index((gfn_t){g}, level);

    return min_u64(here, nr >> arch_p2m_order(level));
}

/* Fill empty slots with leaves: how many, until one was not empty. */
static uint64_t p2m_fill(pte_t *slot, uint64_t n, struct p2m_leaf *leaf, unsigned int level)
{
    struct p2m_leaf next = *leaf; /* a copy that nothing can alias: boot fills hundreds of entries
                                     per GiB */
    uint64_t i;

    for (i = 0; i < n && !arch_pte_valid(slot[i]); i++) {
        arch_pte_write(&slot[i], arch_pte_leaf(&next, level));
        next.mfn.n += p2m_level_pages(level);
    }
    *leaf = next;
    return i;
}

/* The first leaf that may not be written comes next. */
static void p2m_read_only_begin(struct p2m *p2m)
{
    atomic_store(&p2m->arch.read_only, 1u);
    p2m_quiesce(); /* who translates without knowing it has ended */
}

/* Map until something is in the way (which is removed) or all is done; *g and leaf move on. */
static int p2m_map_some(struct p2m *p2m, uint64_t *g, uint64_t end, struct p2m_leaf *leaf,
                        struct p2m_gone *gone)
{
    if ((leaf->flags & P2M_WRITE) == 0 && p2m->arch.read_only == 0) {
        p2m_read_only_begin(p2m);
    }
    while (*g < end) {
        unsigned int level = p2m_leaf_level(*g, end - *g, leaf);
        uint64_t n, done;
        pte_t *slot;
        int rc = p2m_descend(p2m, *g, level, &slot);

        if (rc != 0) {
            p2m_thinned(p2m, *g, *g, gone); /* tables above the one that is not there */
            return rc;
        }
        n = p2m_run(*g, end - *g, level);
        done = p2m_fill(slot, n, leaf, level);
        *g += done << arch_p2m_order(level);
        if (done < n) {
            uint64_t came =
                p2m_remove(p2m, *g, *g + ((n - done) << arch_p2m_order(level)), gone, &rc);

            p2m_thinned(p2m, *g, came, gone);
            return rc;
        }
    }
    return 0;
}

static void p2m_mapped(struct p2m *p2m, uint64_t at, uint64_t end)
{
    p2m->max_mapped.n = max_u64(p2m->max_mapped.n, end);
    p2m->lowest_mapped.n = min_u64(p2m->lowest_mapped.n, at);
}

int p2m_map(struct domain *d, gfn_t gfn, uint64_t nr, struct p2m_leaf leaf)
{
    struct p2m *p2m = &d->p2m;
    struct p2m_gone gone;
    uint64_t g = gfn.n, limit = p2m_limit();

    if (g >= limit || nr > limit - g) {
        return -EINVAL;
    }
    while (g < gfn.n + nr) {
        int rc;

        p2m_begin(p2m, &gone);
        rc = d->is_dying ? -EINVAL : p2m_map_some(p2m, &g, gfn.n + nr, &leaf, &gone);
        if (g != gfn.n) {
            p2m_mapped(p2m, gfn.n, g);
        }
        p2m_end(p2m, &gone, false);
        if (rc != 0) {
            return rc;
        }
    }
    return 0;
}

/* The tables that p2m_map needs for RAM in [gfn, gfn + nr), which is empty. */
static int p2m_add_tables(struct p2m *p2m, gfn_t gfn, uint64_t nr)
{
    for (uint64_t done = 0; done < nr;) {
        struct p2m_leaf leaf = {.mfn = {done}, .kind = P2M_RAM};
        unsigned int level = p2m_leaf_level(gfn.n + done, nr - done, &leaf);
        pte_t *slot;
        int rc = p2m_descend(p2m, gfn.n + done, level, &slot);

        if (rc != 0) {
            return rc;
        }
        done += p2m_run(gfn.n + done, nr - done, level) << arch_p2m_order(level);
    }
    return 0;
}

/* Always from the beginning: what is gone already costs a look at its table's entry. */
int p2m_prepare(struct domain *d, gfn_t gfn, uint64_t nr)
{
    struct p2m *p2m = &d->p2m;
    struct p2m_gone gone;
    uint64_t limit = p2m_limit(), end = gfn.n + nr, came;
    int rc = 0;

    if (gfn.n >= limit || nr > limit - gfn.n) {
        return -EINVAL;
    }
    p2m_begin(p2m, &gone);
    if (d->is_dying) {
        rc = -EINVAL;
    } else {
        came = p2m_remove(p2m, gfn.n, end, &gone, &rc);
        if (rc == 0 && (came < end || gone.cleared != 0)) {
            rc = -ERESTART;
        }
        if (rc != 0) {
            p2m_thinned(p2m, gfn.n, came, &gone);
        } else {
            rc = p2m_add_tables(p2m, gfn, nr);
            p2m_mapped(p2m, gfn.n, end);
        }
    }
    p2m_end(p2m, &gone, false);
    return rc;
}

bool p2m_lookup(struct domain *d, gfn_t gfn, struct p2m_leaf *leaf, unsigned int *order)
{
    unsigned int level;
    bool there;

    spin_lock(&d->p2m.lock);
    there = p2m_find(&d->p2m, gfn, leaf, &level);
    spin_unlock(&d->p2m.lock);
    if (order != NULL) {
        *order = arch_p2m_order(level);
    }
    return there;
}

struct page *p2m_get_page(struct domain *d, gfn_t gfn, bool write)
{
    struct page *pg = NULL;
    struct p2m_leaf leaf;
    unsigned int level;

    spin_lock(&d->p2m.lock);
    /* The lock keeps the mapping, the mapping keeps the page. */
    if (p2m_find(&d->p2m, gfn, &leaf, &level) && leaf.kind == P2M_RAM &&
        (!write || (leaf.flags & P2M_WRITE) != 0)) {
        pg = page_get_mapped(leaf.mfn, d);
    }
    spin_unlock(&d->p2m.lock);
    return pg;
}

int p2m_cache_flush(struct domain *d, gfn_t *gfn, uint64_t nr)
{
    uint64_t end = gfn->n >= p2m_limit() ? 0 : gfn->n + min_u64(nr, p2m_limit() - gfn->n);
    unsigned int done = 0, level;

    while (gfn->n < end) {
        struct p2m_leaf leaf;
        uint64_t step;
        bool there;

        spin_lock(&d->p2m.lock);
        there = p2m_find(&d->p2m, *gfn, &leaf, &level);
        step = p2m_level_pages(level) - (gfn->n & (p2m_level_pages(level) - 1u));
        step = min_u64(step, end - gfn->n);
        if (there) {
            step = min_u64(step, 16);
            if (leaf.kind == P2M_RAM) {
                arch_cache_clean_invalidate(arch_pa_to_va(leaf.mfn.n << PAGE_SHIFT),
                                            step << PAGE_SHIFT);
                done += (unsigned int)step;
            }
        }
        spin_unlock(&d->p2m.lock);
        gfn->n += step;
        done++;
        if (done >= FLUSH_SLICE && gfn->n < end) {
            if (hypercall_preempt()) {
                return -ERESTART;
            }
            done = 0;
        }
    }
    return 0;
}

bool p2m_fault(struct vcpu *v, paddr_t gpa, uint32_t needs)
{
    struct p2m_leaf leaf;

    /* Taking the lock waits for a change that had the entry cleared for a moment. */
    return p2m_lookup(v->d, (gfn_t){gpa >> PAGE_SHIFT}, &leaf, NULL) &&
           (leaf.flags & needs) == needs;
}
