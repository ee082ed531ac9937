/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CPUs against each other: some copy to and from guest memory and take references while others take
 * the same pages away from the domain, give the frames to the hypervisor and put new ones in their
 * place. A frame that the hypervisor has must never change, and nothing may be lost or freed twice.
 * The port is told in time that a page will be read-only.
 * `race SEED ROUNDS`.
 */
#include "model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xen/cpu.h>
#include <xen/errno.h>
#include <xen/guest_copy.h>

#define COPIERS 2u
#define TAKERS  2u
#define THREADS (COPIERS + TAKERS)
#define BASE    (1ul << 18)
#define FRAMES  1024u /* guest frames from BASE; the second half begins as one block */
#define HOT     16u   /* of these, where most copies and takes go */
#define MARK    0x5au

static struct domain *d;
static unsigned long rounds, seed;
static uint32_t takers_left = TAKERS;

static void populate(uint64_t g, unsigned int order, uint8_t flags)
{
    struct p2m_leaf leaf = {.kind = P2M_RAM, .flags = flags};
    int rc;

    do {
        rc = domain_page_alloc(d, order, 0, &leaf.mfn);
    } while (rc == -ERESTART);
    CHECK(rc == 0, rc, g);
    CHECK(p2m_map(d, (gfn_t){g}, 1ul << order, leaf) == 0, g, order);
}

/* The hypervisor uses a page: zero when it comes, and its own as long as it wants. */
static void use_page(void)
{
    uint8_t *p = page_alloc(0);

    for (unsigned int i = 0; i < PAGE_SIZE; i++) {
        CHECK(p[i] == 0, p, i);
    }
    memset(p, MARK, PAGE_SIZE);
    usleep(random_below(4) == 0 ? 200 : 0);
    for (unsigned int i = 0; i < PAGE_SIZE; i++) {
        CHECK(p[i] == MARK, p, p[i]);
    }
    page_free(p, 0);
}

static uint64_t pick(void)
{
    return random_below(random_below(4) == 0 ? FRAMES : HOT);
}

static void copy_once(void)
{
    uint64_t gva = ((BASE + pick()) << PAGE_SHIFT) + random_below(PAGE_SIZE / 8) * 8;
    uint8_t buffer[64] = {0};
    size_t n = random_below(2) == 0 ? 8 : sizeof(buffer);
    struct page *pg;
    int rc;

    memset(buffer, 0xee, sizeof(buffer));
    rc = random_below(2) == 0 ? guest_copy_to(gva, buffer, n) : guest_copy_from(buffer, gva, n);
    CHECK(rc == 0 || rc == -EFAULT, rc, gva);
    if (random_below(8) == 0) {
        pg = random_below(2) == 0 ? guest_page_of_gva(gva, true)
                                  : p2m_get_page(d, (gfn_t){gva >> PAGE_SHIFT}, true);
        if (pg != NULL) {
            memset(page_va(pg), 0xee, PAGE_SIZE);
            page_put(pg);
        }
    }
}

static void take(uint64_t g)
{
    gfn_t gfn = {g};
    struct p2m_leaf leaf = {.kind = P2M_RAM};

    CHECK(p2m_take_pages(d, &gfn, 1, &leaf) == 1, g, 0);
    domain_page_free(d, leaf.mfn, 1);
}

/* Takers own disjoint frames, so each knows what must be there. One of them makes the only page
 * that is read-only: the first one again when it is gone. */
static void take_once(unsigned int taker)
{
    uint64_t g = BASE + pick() / TAKERS * TAKERS + taker;

    take(g);
    use_page();
    if (taker == 0 && random_below(4) == 0) {
        populate(g, 0, 0);
        take(g);
        WRITE_ONCE(d->p2m.arch.read_only, 0u);
    }
    populate(g, 0, P2M_WRITE);
}

static void play(unsigned int i)
{
    random_start(seed * THREADS + i);
    if (i < TAKERS) {
        for (unsigned long n = 0; n < rounds; n++) {
            take_once(i);
        }
        atomic_fetch_sub(&takers_left, 1u);
    }
    while (i >= TAKERS && atomic_load_acquire(&takers_left) != 0) {
        copy_once();
    }
}

int main(int argc, char **argv)
{
    uint64_t free_before;

    model_start(argc > 1 ? strtoul(argv[1], NULL, 0) : 1, 0);
    seed = argc > 1 ? strtoul(argv[1], NULL, 0) : 1;
    rounds = argc > 2 ? strtoul(argv[2], NULL, 0) : 3000;
    free_before = page_free_count();
    d = model_domain(2 * FRAMES);
    CHECK(p2m_create(d) == 0, 0, 0);
    for (uint64_t g = BASE; g < BASE + FRAMES / 2; g++) {
        populate(g, 0, P2M_WRITE);
    }
    populate(BASE + FRAMES / 2, 9, P2M_WRITE);
    model_threads(d, THREADS, play);
    CHECK(d->tot_pages == FRAMES, d->tot_pages, FRAMES);
    d->is_dying = true;
    CHECK(p2m_relinquish(d) == 0, 0, 0);
    p2m_destroy(d);
    CHECK(domain_pages_relinquish(d) == 0, 0, 0);
    CHECK(page_free_count() == free_before, page_free_count(), free_before);
    printf("ok: %lu rounds\n", rounds);
    return 0;
}
