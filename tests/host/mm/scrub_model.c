/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A large extent from dirty memory is scrubbed in slices. Whatever another domain asks for between
 * two of them, and what idle CPUs scrub, it is there after as many slices as it has.
 * `scrub_model SEED EXTENTS`.
 */
#include "model.h"

#include <stdio.h>
#include <stdlib.h>
#include <xen/errno.h>

#define SLICES 64u /* of 8 pages, in a chunk */

static struct domain *victim, *other;

/* What another domain may ask for: memory that does not exist, and blocks of both zones. */
static void disturb(void)
{
    unsigned int order = 4 + (unsigned int)random_below(6);
    mfn_t mfn;
    int rc = 0;

    switch (random_below(4)) {
    case 0: CHECK(domain_page_alloc(other, 0, 1ul << 13, &mfn) == -ENOMEM, 0, 0); break;
    case 1: rc = domain_page_alloc(other, 4, REACH, &mfn); break;
    case 2: rc = domain_page_alloc(other, order, 0, &mfn); break;
    default: buddy_scrub_idle(); break;
    }
    CHECK(rc == 0 || rc == -ERESTART || rc == -ENOMEM || rc == -E2BIG, -rc, order);
}

static void give_up(struct domain *d)
{
    d->is_dying = true;
    CHECK(domain_pages_relinquish(d) == 0, d->id, 0);
}

int main(int argc, char **argv)
{
    unsigned long extents = argc > 2 ? strtoul(argv[2], NULL, 0) : 4;
    uint64_t at_start;

    model_start(argc > 1 ? strtoul(argv[1], NULL, 0) : 1, 0);
    victim = model_domain(extents << CHUNK_ORDER);
    other = model_domain(4096);
    at_start = page_free_count();
    for (unsigned long i = 0; i < extents; i++) {
        unsigned int calls = 0;
        mfn_t mfn;
        int rc;

        do {
            rc = domain_page_alloc(victim, CHUNK_ORDER, 0, &mfn);
            CHECK(++calls <= SLICES + 2u, calls, i);
            for (uint64_t n = random_below(4); n != 0; n--) {
                disturb();
            }
        } while (rc == -ERESTART);
        CHECK(rc == 0, -rc, i);
    }
    disturb(); /* it may die in the middle of one */
    give_up(victim);
    give_up(other);
    CHECK(page_free_count() == at_start, page_free_count(), at_start);
    printf("ok\n");
    return 0;
}
