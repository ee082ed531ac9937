/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each leaf of a second-stage table maps what its domain may have: pages of its own, once each; pages
 * of others that it holds a reference on; pages for which it has handles of grants; devices.
 */
#include <xen/domain.h>
#include <xen/memmap.h>
#include <xen/p2m_walk.h>
#include <xen/page.h>

#include "check.h"

#define TABLE_ENTRIES (PAGE_SIZE / sizeof(pte_t))

static uint32_t grant_leaves; /* of the domain that is looked at */

static void check_ram(struct domain *d, uint64_t g, uint64_t frame)
{
    const struct chunk *c = chunk_of_pa(frame << PAGE_SHIFT);
    const struct page *pg = page_peek((mfn_t){frame});
    bool whole = c != NULL && c->state == CHUNK_WHOLE && c->owner == d;

    if (!whole && (pg == NULL || pg->owner != d || (pg->tag & (PAGE_OWNED | PAGE_XEN)) == 0)) {
        check_wrong("d%u: gfn %#lx is frame %#lx, which it does not own", d->id, g, frame);
    } else if (!census_mark(frame, CENSUS_MAPPED)) {
        check_wrong("d%u: gfn %#lx is frame %#lx, which is mapped elsewhere, too", d->id, g, frame);
    } else if (pg != NULL && (pg->tag & PAGE_XEN) != 0 && pg->user != g + 1u) {
        check_wrong("d%u: gfn %#lx is frame %#lx, which says that it is at %#lx", d->id, g, frame,
                    pg->user - 1u);
    }
}

static void check_foreign(struct domain *d, uint64_t g, uint64_t frame)
{
    const struct page *pg = page_peek((mfn_t){frame});

    if (pg == NULL || pg->owner == d) {
        check_wrong("d%u: gfn %#lx is frame %#lx, which is no other domain's", d->id, g, frame);
    }
    census_reference(frame);
}

static void check_mmio(struct domain *d, uint64_t g, uint64_t frame, uint64_t nr)
{
    if (!memmap_has_ram(frame << PAGE_SHIFT, (frame + nr) << PAGE_SHIFT)) {
        return;
    }
    for (uint64_t i = 0; i < nr; i++) {
        if (census_claim_of(frame + i) != CLAIM_NONE) {
            check_wrong("d%u: gfn %#lx is no device, but frame %#lx of kind %d", d->id, g + i,
                        frame + i, (int)census_claim_of(frame + i));
            return;
        }
    }
}

static void check_leaf(struct domain *d, uint64_t g, const struct p2m_leaf *leaf,
                       unsigned int level)
{
    uint64_t frame = leaf->mfn.n, nr = p2m_level_pages(level);

    switch (leaf->kind) {
    case P2M_RAM:
        for (uint64_t i = 0; i < nr; i++) {
            check_ram(d, g + i, frame + i);
        }
        break;
    case P2M_FOREIGN: check_foreign(d, g, frame); break;
    case P2M_GRANT:
        census_grant(frame);
        grant_leaves++;
        break;
    default: check_mmio(d, g, frame, nr); break;
    }
    if (leaf->kind >= P2M_FOREIGN && level != P2M_LAST_LEVEL) {
        check_wrong("d%u: gfn %#lx is a block of another domain's", d->id, g);
    }
}

/* `g`: the first frame that the table maps. How many tables there are below it. */
static uint32_t check_table(struct domain *d, const pte_t *table, unsigned int entries,
                            unsigned int level, uint64_t g)
{
    uint32_t tables = 0;

    for (unsigned int i = 0; i < entries; i++, g += p2m_level_pages(level)) {
        pte_t pte = table[i];

        if (!arch_pte_valid(pte)) {
            continue;
        }
        if (arch_pte_is_table(pte, level)) {
            census_claim_object(p2m_table(pte), 1, CLAIM_TABLE);
            tables += 1u + check_table(d, p2m_table(pte), TABLE_ENTRIES, level + 1u, g);
        } else {
            struct p2m_leaf leaf = arch_pte_parse(pte, level);

            check_leaf(d, g, &leaf, level);
            if (g < d->p2m.lowest_mapped.n || g >= d->p2m.max_mapped.n) {
                check_wrong("d%u: gfn %#lx is out of what its teardown walks", d->id, g);
            }
        }
    }
    return tables;
}

uint32_t check_p2m(struct domain *d)
{
    const struct p2m *p2m = &d->p2m;
    unsigned int pages = 1u << arch_p2m_root_order();
    uint32_t tables;

    grant_leaves = 0;
    census_claim_object(p2m->root, pages, CLAIM_TABLE);
    tables = check_table(d, p2m->root, pages * TABLE_ENTRIES, 0, 0);
    if (tables != p2m->table_pages || tables > p2m->pool_pages) {
        check_wrong("d%u has %u second-stage tables, %u are counted, %u may be", d->id, tables,
                    p2m->table_pages, p2m->pool_pages);
    }
    return grant_leaves;
}
