/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables of a domain that maps at places far apart: those that become empty are freed, and all of
 * them go in slices when the domain ends. `tables_model SEED STEPS`; STEPS means nothing.
 */
#include "model.h"

#include <arch/mm.h>
#include <stdio.h>
#include <stdlib.h>
#include <xen/errno.h>

#define MOST_LOOKS 10000u /* at entries, in one slice of the teardown */

/* Tables that become empty are freed, also those that a failure leaves above where it happened. */
static void check_empty_tables(struct domain *d, mfn_t mfn)
{
    struct p2m_leaf leaf = {.mfn = mfn, .kind = P2M_RAM, .flags = P2M_WRITE};

    for (uint64_t gib = 1; gib < 1024; gib++) {
        gfn_t gfn[2] = {{gib << 18 | 511}, {gib << 18 | 512}};
        struct p2m_leaf taken[2] = {leaf, leaf};

        CHECK(p2m_map(d, gfn[0], 2, leaf) == 0, gib, 0);
        for (unsigned int done = 0; done < 2;) {
            int nr = p2m_take_pages(d, gfn + done, 2 - done, taken);

            CHECK(nr > 0, gib, done);
            done += (unsigned int)nr;
        }
        CHECK(d->p2m.table_pages <= 2, gib, d->p2m.table_pages);
    }
    d->p2m.pool_pages = d->p2m.table_pages + 1;
    for (uint64_t gib = 1; gib < 8; gib++) {
        CHECK(p2m_map(d, (gfn_t){gib << 18}, 1, leaf) == -ENOMEM, gib, d->p2m.table_pages);
        model_check_tables(d);
        d->p2m.pool_pages = d->p2m.table_pages + 1;
    }
    d->p2m.pool_pages = UINT32_MAX;
}

/* A map that fails with its first frame does not count as one. */
static void check_failed_map(struct domain *d, mfn_t mfn)
{
    struct p2m_leaf leaf = {.mfn = mfn, .kind = P2M_RAM, .flags = P2M_WRITE};
    struct p2m *p2m = &d->p2m;

    p2m->pool_pages = 0;
    CHECK(p2m_map(d, (gfn_t){5ul << 18}, 1, leaf) == -ENOMEM, 0, 0);
    CHECK(p2m->max_mapped.n == 0, p2m->max_mapped.n, 0);
    CHECK(p2m->lowest_mapped.n == INVALID_GFN.n, p2m->lowest_mapped.n, 0);
    p2m->pool_pages = UINT32_MAX;
}

/* The lock is held for few entries at a time, whatever tables a guest has, and all go. */
static void check_sparse_teardown(void)
{
    struct domain *d = model_domain(1ul << 20);
    struct p2m_leaf leaf = {.kind = P2M_RAM, .flags = P2M_WRITE};
    uint64_t looks;
    int rc;

    CHECK(p2m_create(d) == 0, 0, 0);
    do {
        rc = domain_page_alloc(d, CHUNK_ORDER, 0, &leaf.mfn);
    } while (rc == -ERESTART);
    CHECK(rc == 0, rc, 0);
    check_failed_map(d, leaf.mfn);
    check_empty_tables(d, leaf.mfn);
    for (uint64_t gib = 1; gib < 1024; gib++) {
        CHECK(p2m_map(d, (gfn_t){gib << 18}, MEM_PAGES_PER_CHUNK, leaf) == 0, gib, 0);
    }
    CHECK(d->p2m.table_pages == 1023, d->p2m.table_pages, 0);
    host_preempt(1);
    d->is_dying = true;
    do {
        looks = host_pte_looks;
        rc = p2m_relinquish(d);
        CHECK(host_pte_looks - looks < MOST_LOOKS, host_pte_looks - looks, 0);
    } while (rc == -ERESTART);
    CHECK(rc == 0 && d->p2m.table_pages == 0, rc, d->p2m.table_pages);
    p2m_destroy(d);
    while (domain_pages_relinquish(d) == -ERESTART) {
    }
    host_preempt(0);
    free(d);
}

int main(int argc, char **argv)
{
    uint64_t free_before;

    model_start(argc > 1 ? strtoul(argv[1], NULL, 0) : 1, 0);
    free_before = page_free_count();
    check_sparse_teardown();
    CHECK(page_free_count() == free_before, page_free_count(), free_before);
    puts("ok");
    return 0;
}
