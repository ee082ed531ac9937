/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The buddy allocator (xen/mm/buddy.c: buddy_give, buddy_take), scaled to one zone of eight pages,
 * orders 0 to 3, chunks of order 2. From any valid state (any free blocks, in any order on their
 * lists, any words in pages that are in use) one operation leaves a valid state, so that by
 * induction all sequences do:
 *
 * - no page is free twice, nor free and in use; blocks are aligned;
 * - pages are neither lost nor made: what is free and what is in use is what was; where there is no
 *   block to be had, nothing changes;
 * - buddies that must join have joined: below a chunk all, from there on those that are equally
 *   clean;
 * - lists lead forth and back through just these blocks, and to an end; the bits of buddies, of
 *   lists that are not empty, and the number of free pages say what the lists say;
 * - what is clean is zero, also in RAM behind the caches, but for the links of a listed block.
 *
 * Frame 0 is in use for ever, as the core promises. A page is its first bytes, where links are, and
 * a word for the rest. Not proved here: which zone is chosen, scrubbing, what two CPUs do at a time
 * (heap_lock is held throughout).
 */
#include "proof.h"

#include "xen/mm/buddy.c"

#include "buddy_below.h"

/* States. */

static void any_block(unsigned int f)
{
    now.order[f] = (uint8_t)any_below(NR_ORDERS + 1u);
    now.clean[f] = nondet_bool();
    next[f] = (uint8_t)any_below(NR_PAGES + 1u);
    prev[f] = (uint8_t)any_below(NR_PAGES + 1u);
    place[f] = (uint8_t)any_below(NR_PAGES);
}

static bool same_list(unsigned int f, unsigned int g)
{
    return f / ZONE_PAGES == g / ZONE_PAGES && now.order[f] == now.order[g] &&
           now.clean[f] == now.clean[g];
}

/* Both ways lead to blocks of the same list and back, and to its end. */
static bool block_is_listed(unsigned int f)
{
    unsigned int n = next[f], p = prev[f];
    bool good = n == NO_PAGE || (same_list(f, n) && prev[n] == f && place[n] > place[f]);

    return good && (p == NO_PAGE ? first[f / ZONE_PAGES][now.clean[f]][now.order[f]] == f
                                 : same_list(f, p) && next[p] == f);
}

static void any_list(unsigned int zone, unsigned int clean, unsigned int order)
{
    unsigned int f = any_below(NR_PAGES + 1u);

    ASSUME(f == NO_PAGE || (f / ZONE_PAGES == zone && now.clean[f] == clean &&
                            now.order[f] == order && prev[f] == NO_PAGE));
    first[zone][clean][order] = (uint8_t)f;
    zones[zone].head[clean][order] = block_at(zone, order, f);
    zones[zone].orders[clean] |= f != NO_PAGE ? 1u << order : 0;
}

static void write_block(unsigned int f)
{
    struct free_block *b = &ram[f]->links;
    bool free = now.order[f] != NO_ORDER;

    ram[f]->frame = f;
    ram[f]->rest = nondet_u64();
    b->next = block_at(f / ZONE_PAGES, 0, next[f]);
    b->prev = block_at(f / ZONE_PAGES, 0, prev[f]);
    b->magic = free ? BLOCK_MAGIC : nondet_u32();
    b->order = free ? now.order[f] : nondet_u16();
    b->clean = free ? now.clean[f] : nondet_u16();
    ASSUME(!free || block_is_listed(f));
}

static uint32_t any_state(void)
{
    uint32_t all;

    buddy_add_gib(0, &bits[0]);
    for (unsigned int f = 0; f < NR_PAGES; f++) {
        any_block(f);
    }
    ASSUME(layout_is_valid());
    for (unsigned int i = 0; i < NR_ZONES * 2u * NR_ORDERS; i++) {
        any_list(i / (2u * NR_ORDERS), i / NR_ORDERS % 2u, i % NR_ORDERS);
    }
    for (unsigned int f = 0; f < NR_PAGES; f++) {
        write_block(f);
    }
    all = layout_pages(false);
    for (unsigned int zone = 0; zone < NR_ZONES; zone++) {
        zones[zone].free_pages = count(all >> zone * ZONE_PAGES & ZONE_MASK);
        bits[zone] = layout_bits(zone);
    }
    ASSUME(clean_is_zero());
    linked = layout_starts();
    return all;
}

/* The lists that are there, and no more. */
static void walk(unsigned int zone, unsigned int clean, unsigned int order)
{
    unsigned int at = frame_of(zones[zone].head[clean][order]), before = NO_PAGE;
    unsigned int most = order < CHUNK_ORDER ? ZONE_PAGES >> (order + 1u) : ZONE_PAGES >> order;

    CHECK((zones[zone].orders[clean] >> order & 1u) == (at != NO_PAGE));
    for (unsigned int i = 0; i < most; i++) {
        bool found = at == NO_PAGE;
        unsigned int after = NO_PAGE;

        for (unsigned int j = 0; j < ZONE_PAGES; j += 1u << order) {
            unsigned int f = zone * ZONE_PAGES + j;
            const struct free_block *b = &ram[f]->links;

            if (at == f) {
                CHECK(b->magic == BLOCK_MAGIC && b->order == order && b->clean == clean);
                CHECK(prev[f] == before && now.order[f] == NO_ORDER);
                now.order[f] = (uint8_t)order;
                now.clean[f] = clean;
                after = next[f];
                found = true;
            }
        }
        CHECK(found);
        before = at;
        at = after;
    }
    CHECK(at == NO_PAGE);
}

/* The state is valid; gives the pages that are free. */
static uint32_t check_state(void)
{
    uint32_t all;

    for (unsigned int f = 0; f < NR_PAGES; f++) {
        next[f] = (uint8_t)frame_of(ram[f]->links.next);
        prev[f] = (uint8_t)frame_of(ram[f]->links.prev);
        now.order[f] = NO_ORDER;
    }
    for (unsigned int i = 0; i < NR_ZONES * 2u * NR_ORDERS; i++) {
        walk(i / (2u * NR_ORDERS), i / NR_ORDERS % 2u, i % NR_ORDERS);
    }
    CHECK(layout_is_valid());
    all = layout_pages(false);
    for (unsigned int zone = 0; zone < NR_ZONES; zone++) {
        CHECK(zones[zone].free_pages == count(all >> zone * ZONE_PAGES & ZONE_MASK));
        CHECK(bits[zone] == layout_bits(zone));
    }
    CHECK(clean_is_zero());
    CHECK(pages_are_in_ram(layout_pages(true)));
    return all;
}

/* Operations. */

void prove_any(void)
{
    uint32_t all = any_state();

    CHECK(check_state() == all);
    REACHED("the end");
}

static void give(bool clean)
{
    uint32_t all = any_state();
    unsigned int frame = any_below(NR_PAGES), order = any_below(NR_ORDERS);

    ASSUME(frame != 0 && is_aligned_block(frame, order) && (all & block(frame, order)) == 0);
    ASSUME(!clean || pages_are_zero(block(frame, order)));
    buddy_give(frame, order, clean);
    CHECK(check_state() == (all | block(frame, order)));
    REACHED("the end");
}

void prove_give(void)
{
    give(false);
}

void prove_give_clean(void)
{
    give(true);
}

void prove_take(void)
{
    uint32_t all = any_state(), left;
    unsigned int order = nondet_uint();
    enum buddy_want want = (enum buddy_want)any_below(4);
    bool clean;
    uint64_t frame = buddy_take(order, 0, 0, want, &clean);

    left = check_state();
    if (frame == BUDDY_NO_FRAME) {
        CHECK(left == all);
        REACHED("there is no such block");
        return;
    }
    CHECK(is_aligned_block(frame, order) && left == (all & ~block(frame, order)));
    CHECK((all & block(frame, order)) == block(frame, order));
    CHECK(!(want == BUDDY_CLEAN && !clean) && !(want == BUDDY_DIRTY && clean));
    if (clean) {
        CHECK(pages_are_zero(block(frame, order)) && pages_are_in_ram(block(frame, order)));
        REACHED("a clean block");
    }
    REACHED("a block");
}
