/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vCPUs of one guest against each other in memory_op: some populate extents over what is there, or
 * where a table is wanting, while others take pages out and populate elsewhere; calls are made
 * again in the middle of extents, with cursors that are forged, too. Whatever they do, each frame
 * that the second stage lets the guest use is the guest's, and stands in one place only.
 * `reservation_race SEED ROUNDS`.
 */
#include "model.h"

#include <public/memory.h>
#include <stdio.h>
#include <stdlib.h>
#include <xen/cpu.h>
#include <xen/errno.h>
#include <xen/guest_copy.h>
#include <xen/op.h>

#define THREADS 4u
#define PREEMPT 3u          /* once in so many looks */
#define CALLS   100u        /* of each vCPU in a round */
#define BASE    (1ul << 18) /* 512 guest frames: those of the only table of pages */
#define FRAMES  512u
#define OTHER   (BASE + 64u)         /* frames that have a table, and ... */
#define EDGE    (BASE + FRAMES - 8u) /* ... the last that have one */

static struct domain *d;
static unsigned long rounds, seed;
static uint64_t free_before;
static uint32_t waiting, meeting;

/* One extent, from a place in it; the number of extents done. */
static long reservation_from(unsigned int cpu, unsigned int command, uint64_t gfn,
                             unsigned int order, uint64_t place)
{
    uint64_t at = (BASE + cpu) << PAGE_SHIFT;
    struct xen_memory_reservation in = {
        .extent_start = at, .nr_extents = 1, .extent_order = order, .domid = DOMID_SELF};
    long rc = -ERESTART;

    CHECK(guest_copy_to(at, &gfn, sizeof(gfn)) == 0, at, gfn);
    CHECK(guest_copy_to(at + 64, &in, sizeof(in)) == 0, at, gfn);
    for (uint64_t arg[2] = {command | place << 32, at + 64}; rc == -ERESTART;) {
        rc = memory_ops.run(cpus[cpu].current, arg, &memory_ops);
    }
    CHECK(rc == 0 || rc == 1, rc, gfn);
    return rc;
}

static long reservation(unsigned int cpu, unsigned int command, uint64_t gfn, unsigned int order)
{
    return reservation_from(cpu, command, gfn, order, 0);
}

static void call_once(unsigned int cpu)
{
    uint64_t gfn = (random_below(2) == 0 ? OTHER : EDGE) + random_below(8);
    unsigned int order = (unsigned int)random_below(3);
    struct page *pg;

    switch (random_below(6)) {
    case 0: (void)reservation(cpu, XENMEM_populate_physmap, gfn, 0); break;
    case 1: (void)reservation(cpu, XENMEM_decrease_reservation, gfn, order); break;
    case 2: /* half of it has a table, the other half gets none */
        order = 1u + (unsigned int)random_below(3);
        gfn = BASE + FRAMES - (1ul << (order - 1u));
        CHECK(reservation(cpu, XENMEM_populate_physmap, gfn, order) == 0, gfn, order);
        break;
    case 3: /* over what others have there */
        (void)reservation(cpu, XENMEM_populate_physmap, OTHER, order + 4u);
        break;
    case 4:
        (void)reservation_from(cpu, XENMEM_decrease_reservation, OTHER, order + 4u,
                               random_below(20));
        break;
    default: /* keeps the lock busy, as any guest can */
        pg = p2m_get_page(d, (gfn_t){gfn}, true);
        if (pg != NULL) {
            page_put(pg);
        }
        break;
    }
}

/* Every frame that is mapped belongs to the guest, and no frame is mapped twice. */
static void check_ownership(unsigned long round)
{
    uint64_t where[FRAMES];
    struct p2m_leaf leaf;

    for (uint64_t i = 0; i < FRAMES; i++) {
        where[i] = p2m_lookup(d, (gfn_t){BASE + i}, &leaf, NULL) ? leaf.mfn.n : 0;
        if (where[i] != 0 && !domain_page_owned(d, leaf.mfn, 0)) {
            fprintf(stderr, "round %lu: guest frame %#lx shows machine frame %#lx, which is free\n",
                    round, BASE + i, where[i]);
            abort();
        }
        for (uint64_t j = 0; j < i; j++) {
            CHECK(where[i] == 0 || where[i] != where[j], BASE + i, BASE + j);
        }
    }
    CHECK(!p2m_lookup(d, (gfn_t){BASE + FRAMES}, &leaf, NULL), round, leaf.mfn.n);
}

/* A guest with one page for each vCPU's arguments, which has used up its tables. */
static void begin_round(void)
{
    struct p2m_leaf leaf = {.kind = P2M_RAM, .flags = P2M_WRITE};

    free_before = page_free_count();
    d->is_dying = false;
    CHECK(p2m_create(d) == 0, 0, 0);
    for (uint64_t i = 0; i < THREADS; i++) {
        CHECK(domain_page_alloc(d, 0, 0, &leaf.mfn) == 0, i, 0);
        CHECK(p2m_map(d, (gfn_t){BASE + i}, 1, leaf) == 0, i, 0);
    }
    d->p2m.pool_pages = d->p2m.table_pages;
}

static void end_round(unsigned long round)
{
    check_ownership(round);
    host_preempt(0);
    d->is_dying = true;
    CHECK(p2m_relinquish(d) == 0, round, 0);
    p2m_destroy(d);
    CHECK(domain_pages_relinquish(d) == 0, round, 0);
    host_preempt(PREEMPT);
    CHECK(d->tot_pages == 0, d->tot_pages, round);
    CHECK(page_free_count() == free_before, page_free_count(), free_before);
}

/* Waits for all threads. */
static void meet(void)
{
    uint32_t now = atomic_load(&meeting);

    if (atomic_fetch_add(&waiting, 1u) + 1u == THREADS) {
        atomic_store(&waiting, 0u);
        atomic_store_release(&meeting, now + 1u);
    }
    while (atomic_load_acquire(&meeting) == now) {
        host_yield();
    }
}

static void play(unsigned int cpu)
{
    random_start(seed * THREADS + cpu);
    for (unsigned long n = 0; n < rounds; n++) {
        if (cpu == 0) {
            begin_round();
        }
        meet();
        for (unsigned int i = 0; i < CALLS; i++) {
            call_once(cpu);
        }
        meet();
        if (cpu == 0) {
            end_round(n);
        }
    }
}

int main(int argc, char **argv)
{
    model_start(argc > 1 ? strtoul(argv[1], NULL, 0) : 1, 0);
    seed = argc > 1 ? strtoul(argv[1], NULL, 0) : 1;
    rounds = argc > 2 ? strtoul(argv[2], NULL, 0) : 3000;
    host_preempt(PREEMPT);
    d = model_domain(4096);
    model_threads(d, THREADS, play);
    printf("ok: %lu rounds of %u calls\n", rounds, THREADS * CALLS);
    return 0;
}
