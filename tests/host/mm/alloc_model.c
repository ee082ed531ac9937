/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The allocator against a table of who has each frame: random allocations, partial frees,
 * references, shared pages, scrubbing, heap objects. What is handed out must be free, in RAM, and
 * zero; at the end everything must be back. `alloc_model SEED STEPS`.
 */
#include "model.h"

#include <arch/mm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xen/buddy.h>
#include <xen/errno.h>
#include <xen/heap.h>

#define FRAMES     (3ul << 18) /* below 3 GiB */
#define MAX_ITEMS  400u
#define NR_DOMAINS 3u
#define JUNK       0xa5

enum kind {
    HYPERVISOR,
    OWNED,
    SHARED,
    OBJECT
};

struct item {
    enum kind kind;
    uint64_t frame; /* OBJECT: address */
    unsigned int order;
    size_t size;
    struct domain *d;
    unsigned int references; /* OWNED of order 0, SHARED: taken besides */
};

static uint8_t taken[FRAMES];
static uint8_t zeros[PAGE_SIZE], junk[PAGE_SIZE];
static uint64_t in_use;
static struct item items[MAX_ITEMS];
static unsigned int nr_items;
static struct domain *domains[NR_DOMAINS];

static uint64_t *frame_va(uint64_t frame)
{
    return arch_pa_to_va(frame << PAGE_SHIFT);
}

static void take(uint64_t frame, uint64_t nr, bool zero)
{
    for (uint64_t f = frame; f < frame + nr; f++) {
        uint64_t *va = frame_va(f);

        CHECK(f < FRAMES && model_is_ram(f) && !taken[f], frame, f);
        taken[f] = 1;
        CHECK(!zero || memcmp(va, zeros, PAGE_SIZE) == 0, f, 0);
        memset(va, JUNK, PAGE_SIZE);
    }
    in_use += nr;
}

static void give(uint64_t frame, uint64_t nr)
{
    for (uint64_t f = frame; f < frame + nr; f++) {
        CHECK(taken[f], frame, f);
        CHECK(memcmp(frame_va(f), junk, PAGE_SIZE) == 0, f, *frame_va(f));
        taken[f] = 0;
    }
    in_use -= nr;
}

/* What devices of limited reach need goes only when nothing is left above. */
static void check_place(uint64_t frame, unsigned int order)
{
    int floor = (int)buddy_zone(REACH >> PAGE_SHIFT);
    bool clean;

    spin_lock(&heap_lock);
    CHECK(frame >= REACH >> PAGE_SHIFT ||
              buddy_take(order, floor, buddy_zone_below(0), BUDDY_ANY_CLEAN_FIRST, &clean) ==
                  BUDDY_NO_FRAME,
          frame, order);
    spin_unlock(&heap_lock);
}

static struct item *item_add(enum kind kind, uint64_t frame, unsigned int order, struct domain *d)
{
    items[nr_items] = (struct item){.kind = kind, .frame = frame, .order = order, .d = d};
    return &items[nr_items++];
}

static void do_alloc(void)
{
    unsigned int order = (unsigned int)(random_below(8) == 0 ? random_below(13) : random_below(4));
    void *va = page_alloc(order);

    if (va != NULL) {
        uint64_t frame = arch_va_to_pa(va) >> PAGE_SHIFT;

        check_place(frame, order);
        take(frame, 1ul << order, true);
        item_add(HYPERVISOR, frame, order, NULL);
    }
}

static void do_domain_alloc(void)
{
    static const unsigned int orders[] = {0, 0, 0, 1, 3, 5, 8, 9, 9, 10, 11};
    unsigned int order = orders[random_below(sizeof(orders) / sizeof(orders[0]))];
    struct domain *d = domains[random_below(NR_DOMAINS)];
    paddr_t limit = random_below(4) == 0 ? 2ul << 30 : 0;
    uint64_t before = d->tot_pages;
    mfn_t mfn;
    int rc = domain_page_alloc(d, order, limit, &mfn);

    while (rc == -ERESTART) {
        rc = domain_page_alloc(d, order, limit, &mfn);
    }
    CHECK(rc == 0 || rc == -ENOMEM || rc == -E2BIG, rc, order);
    CHECK(d->tot_pages == before + (rc == 0 ? 1ul << order : 0), before, d->tot_pages);
    if (rc == 0) {
        CHECK(limit == 0 || (mfn.n + (1ul << order)) << PAGE_SHIFT <= limit, mfn.n, order);
        if (limit == 0) {
            check_place(mfn.n, order);
        }
        CHECK(domain_page_owned(d, mfn, order) && page_is_guest_ram(mfn.n << PAGE_SHIFT), mfn.n,
              order);
        take(mfn.n, 1ul << order, true);
        item_add(OWNED, mfn.n, order, d);
    }
}

static void do_share(void)
{
    struct domain *d = domains[random_below(NR_DOMAINS)];
    void *va = page_alloc(0);

    if (va != NULL) {
        uint64_t frame = arch_va_to_pa(va) >> PAGE_SHIFT;

        take(frame, 1, true);
        if (page_share(va, d) == 0) {
            CHECK(page_of((mfn_t){frame}) != NULL, frame, 0);
            item_add(SHARED, frame, 0, d);
        } else {
            give(frame, 1);
            page_free(va, 0);
        }
    }
}

static void do_object(void)
{
    size_t size = random_below(6) == 0 ? random_below(20000) + 1 : random_below(1200) + 1;
    uint8_t *p = heap_alloc(size);

    if (p != NULL) {
        CHECK(((uintptr_t)p & (size >= 64 ? 63 : 15)) == 0, p, size);
        for (size_t i = 0; i < size; i++) {
            CHECK(p[i] == 0, size, i);
            p[i] = (uint8_t)size;
        }
        item_add(OBJECT, (uintptr_t)p, 0, NULL)->size = size;
    }
}

static void do_reference(struct item *it)
{
    uint64_t frame = it->frame + random_below(1ul << it->order);
    struct page *pg;

    if (it->kind != OWNED && it->kind != SHARED) {
        return;
    }
    CHECK(page_get_frame((mfn_t){frame}, domains[0] == it->d ? domains[1] : domains[0]) == NULL,
          frame, it->d->id);
    pg = random_below(2) ? page_get_frame((mfn_t){frame}, it->d) : page_of((mfn_t){frame});
    CHECK(pg != NULL && page_mfn(pg).n == frame && pg->owner == it->d, frame, pg);
    if (it->order == 0 && pg->count == it->references + 2u) {
        it->references++;
    } else if (pg->count > 1u + (it->order == 0 ? it->references : 0)) {
        page_put(pg);
    }
}

/* The rest of what an item had goes; with references left only when those go. */
static void item_references_drop(struct item *it)
{
    while (it->references != 0) {
        struct page *pg = page_of((mfn_t){it->frame});

        CHECK(pg != NULL && page_mfn(pg).n == it->frame, it->frame, it->references);
        it->references--;
        if (it->references == 0) {
            give(it->frame, 1);
        }
        page_put(pg);
    }
}

static void free_owned(struct item *it)
{
    CHECK(domain_page_owned(it->d, (mfn_t){it->frame}, it->order), it->frame, it->order);
    if (it->references == 0) {
        give(it->frame, 1ul << it->order);
    }
    domain_page_free(it->d, (mfn_t){it->frame}, 1ul << it->order);
    CHECK(!domain_page_owned(it->d, (mfn_t){it->frame}, it->order), it->frame, it->order);
    /* Giving it up twice does nothing. */
    domain_page_free(it->d, (mfn_t){it->frame}, 1ul << it->order);
    item_references_drop(it);
}

static void item_free(struct item *it)
{
    void *va = frame_va(it->frame);
    uint8_t *p = (uint8_t *)it->frame;

    switch (it->kind) {
    case HYPERVISOR:
        give(it->frame, 1ul << it->order);
        page_free(va, it->order);
        break;
    case OWNED: free_owned(it); break;
    case SHARED:
        page_unshare(va);
        if (it->references == 0) {
            give(it->frame, 1);
        }
        page_free(va, 0);
        item_references_drop(it);
        break;
    case OBJECT:
        for (size_t i = 0; i < it->size; i++) {
            CHECK(p[i] == (uint8_t)it->size, it->size, i);
        }
        heap_free(p, it->size);
        break;
    }
}

/* Give back the upper half now, the lower one stays. */
static void item_halve(struct item *it)
{
    uint64_t upper;

    if (it->order == 0 || it->kind == OBJECT) {
        return;
    }
    it->order--;
    upper = it->frame + (1ul << it->order);
    give(upper, 1ul << it->order);
    if (it->kind == HYPERVISOR) {
        page_free(frame_va(upper), it->order);
    } else {
        domain_page_free(it->d, (mfn_t){upper}, 1ul << it->order);
    }
}

static void step(void)
{
    static void (*const make[])(void) = {do_alloc, do_domain_alloc, do_domain_alloc, do_share,
                                         do_object};
    uint64_t what = random_below(16);

    if (what < 7 && nr_items < MAX_ITEMS) {
        make[random_below(sizeof(make) / sizeof(make[0]))]();
    } else if (what < 13 && nr_items != 0) {
        struct item *it = &items[random_below(nr_items)], gone = *it;

        *it = items[--nr_items];
        item_free(&gone);
    } else if (what == 13 && nr_items != 0) {
        item_halve(&items[random_below(nr_items)]);
    } else if (what == 14 && nr_items != 0) {
        do_reference(&items[random_below(nr_items)]);
    } else {
        for (uint64_t i = random_below(700); i != 0 && buddy_scrub_idle(); i--) {
        }
    }
}

static void relinquish(struct domain *d)
{
    d->is_dying = true;
    for (unsigned int i = 0; i < nr_items; i++) {
        if (items[i].kind == OWNED && items[i].d == d && items[i].references == 0) {
            give(items[i].frame, 1ul << items[i].order);
        }
    }
    while (domain_pages_relinquish(d) == -ERESTART) {
    }
    for (unsigned int i = 0; i < nr_items;) {
        if (items[i].kind == OWNED && items[i].d == d) {
            item_references_drop(&items[i]);
            items[i] = items[--nr_items];
        } else {
            i++;
        }
    }
    CHECK(d->tot_pages == 0 && d->pages_head == 0 && d->chunks_head == 0, d->id, d->tot_pages);
    CHECK(d->ref.count == 1, d->id, d->ref.count);
    d->is_dying = false;
}

static struct domain *claimer;
static mfn_t claimed_page;

static void claimer_grows(void)
{
    CHECK(domain_page_alloc(claimer, 0, 0, &claimed_page) == 0, 0, 0);
}

/* A claim is for what the domain lacks when it is made, not when that was last looked at. */
static void check_claim(void)
{
    claimer = model_domain(100);
    before_lock = claimer_grows;
    CHECK(domain_page_reserve(claimer, 50) == 0, 0, 0);
    CHECK(claimer->tot_pages == 1 && claimer->claim_pages == 49, claimer->tot_pages,
          claimer->claim_pages);
    CHECK(domain_page_reserve(claimer, 0) == 0 && page_claimed() == 0, page_claimed(), 0);
    domain_page_free(claimer, claimed_page, 1);
}

int main(int argc, char **argv)
{
    uint64_t steps = argc > 2 ? strtoul(argv[2], NULL, 0) : 20000, at_start, most = 0;

    model_start(argc > 1 ? strtoul(argv[1], NULL, 0) : 1, 0);
    host_preempt(3);
    memset(junk, JUNK, PAGE_SIZE);
    for (unsigned int i = 0; i < NR_DOMAINS; i++) {
        domains[i] = model_domain(i == 0 ? 3000 : 40000);
    }
    /* Keep-one-page-per-size of the heap is not a leak: make it happen before counting. */
    for (size_t size = 1; size < 2000; size++) {
        heap_free(heap_alloc(size), size);
    }
    at_start = page_free_count();
    check_claim();
    for (uint64_t i = 0; i < steps; i++) {
        step();
        if (i % 4000 == 3999) {
            relinquish(domains[random_below(NR_DOMAINS)]);
        }
        if (i % 256 == 0) {
            uint64_t have = page_free_count();

            CHECK(have + in_use <= at_start, have, in_use);
            most = at_start - have - in_use > most ? at_start - have - in_use : most;
        }
    }
    while (nr_items != 0) {
        struct item gone = items[--nr_items];

        item_free(&gone);
    }
    CHECK(page_free_count() == at_start, page_free_count(), at_start);
    while (buddy_scrub_idle()) {
    }
    CHECK(page_free_count() == at_start, page_free_count(), at_start);
    printf("ok: %lu steps, overhead at most %lu pages\n", steps, most);
    return 0;
}
