/* SPDX-License-Identifier: Apache-2.0 */
/* What must hold when nobody makes a call. */
#include <stdio.h>

#include "../fuzz/core/scene.h"
#include "race.h"

#include <xen/cpu.h>
#include <xen/grant_table.h>
#include <xen/heap.h>
#include <xen/page.h>
#include <xen/page_alloc.h>
#include <xen/page_domain.h>

#define WAKE_TRIES  2000000u
#define REAP_PASSES 2000u /* of the gate, in which the rest of a domain goes */
#define HEAP_SPARE  4096u /* bytes: queues of timers have grown to the most there were at once */
/* Pages that the hypervisor may have more or less of: one for each size of small objects, ports and
 * handles of dom0. */
#define SPARE       24u

uint32_t guest_steps[GUESTS][VCPUS];

/* Handles of d for this page. */
static unsigned int handles_of(const struct domain *d, const struct page *pg)
{
    const struct grant_table *gt = d->grants;
    unsigned int found = 0;

    for (uint32_t i = 0; i < gt->nr_maps; i++) {
        const struct grant_map *m = &gt->map[i / GRANT_MAPS_PER_FRAME][i % GRANT_MAPS_PER_FRAME];

        if (m->flags != 0 && grant_active(m->d->grants, m->ref)->pg == pg) {
            found++;
        }
    }
    return found;
}

/* The page behind a leaf, which keeps it. */
static void check_leaf(struct domain *d, uint64_t g, const struct p2m_leaf *leaf,
                       unsigned int leaves)
{
    struct page *pg = page_of(leaf->mfn);

    CHECK(pg != NULL, g, leaf->mfn.n);
    if (leaf->kind == P2M_RAM) {
        CHECK(pg->owner == d, g, leaf->mfn.n);
        CHECK((pg->tag & PAGE_XEN) != 0 || domain_page_owned(d, leaf->mfn, 0), g, leaf->mfn.n);
        CHECK(leaves == 1, g, leaf->mfn.n);
    } else if (leaf->kind == P2M_FOREIGN) {
        CHECK(pg->owner != d && pg->count >= leaves, g, leaf->mfn.n);
    } else if (leaf->kind == P2M_GRANT) {
        CHECK(handles_of(d, pg) >= leaves, g, leaf->mfn.n);
    }
}

void check_frames(domid_t id, uint64_t first, uint64_t end)
{
    struct domain *d = domain_get_by_id(id);
    struct p2m_leaf leaf, other;

    if (d == NULL) {
        return;
    }
    for (uint64_t g = first; g < end; g++) {
        unsigned int leaves = 0;

        if (!p2m_lookup(d, gfn(g), &leaf, NULL) || leaf.kind == P2M_MMIO) {
            continue;
        }
        for (uint64_t h = first; h < end; h++) {
            leaves += p2m_lookup(d, gfn(h), &other, NULL) && other.kind == leaf.kind &&
                      mfn_eq(other.mfn, leaf.mfn);
        }
        check_leaf(d, g, &leaf, leaves);
    }
    domain_put(d);
}

/* Each vCPU that may run does so in time. */
void check_wakes(void)
{
    for (unsigned int i = 0; i < GUESTS * VCPUS; i++) {
        uint32_t *steps = &guest_steps[i / VCPUS][i % VCPUS], before = atomic_load(steps);
        struct domain *d = domain_get_by_id((domid_t)guest_ids[i / VCPUS]);
        const struct vcpu *v = d != NULL && d->id != 0 ? domain_vcpu(d, i % VCPUS) : NULL;

        for (unsigned int n = 0; v != NULL && vcpu_runnable(v) && atomic_load(steps) == before;
             n++) {
            CHECK(n < WAKE_TRIES, d->id, v->id);
            pass_gate(0);
        }
        if (d != NULL) {
            domain_put(d);
        }
    }
}

/* What is left of a domain whose number is free again goes in slices. */
void check_free(unsigned int round)
{
    static uint64_t pages, bytes;
    unsigned int n = 0;

    while (n < (round < 2 ? REAP_PASSES : WAKE_TRIES) &&
           (round < 2 || heap_used() > bytes + HEAP_SPARE || page_free_count() + SPARE < pages)) {
        pass_gate(0);
        n++;
    }
    if (round == 1) { /* the first round has left what dom0 keeps */
        pages = page_free_count();
        bytes = heap_used();
    }
    CHECK(round < 2 || page_free_count() + SPARE >= pages, page_free_count(), pages);
    CHECK(round < 2 || heap_used() <= bytes + HEAP_SPARE, heap_used(), bytes);
    CHECK(page_claimed() == 0, page_claimed(), round);
}
