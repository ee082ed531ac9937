/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Grants (xen/grant/table.c, map.c, copy.c, xen/domain/guest_atomic.c), with pages of 16 bytes: two
 * entries in the table of each of two domains, two handles. From any valid state (any numbers of
 * pins by mappings of domain 1 and by calls under way on other CPUs, any leaves, any page behind
 * each entry) any one map, unmap, copy or swap by domain 1, and each slice of its end, leaves a
 * valid state, whether it succeeds or fails, so that by induction all sequences do. The granters'
 * guests write anything into their tables before each read and each attempt of an atomic operation.
 * Valid is:
 *
 * - the pins of an entry are its mappings and the calls under way, at most GRANT_MAX_PINS a kind;
 * - a page has one reference for each entry with pins, so that it is not freed while it has one;
 * - a domain has one reference for each mapping of what it grants;
 * - who uses an entry is who its guest named there, and whoever writes was let write by it;
 * - the mapper's p2m has no more leaves of a page than mappings, nor of those that write;
 * - free handles are on their list once, and no others.
 *
 * Stubs: what the p2m, pages and the list of domains promise, with failures at will. Not proved
 * here: what is copied, what two CPUs do at a time within the locks, growth of tables.
 */
#include "proof.h"

#include <xen/atomic.h>
#undef atomic_load
#define atomic_load(p) (proof_guest_runs(), __atomic_load_n((p), __ATOMIC_RELAXED))

#include "xen/domain/guest_atomic.c"
#include "xen/grant/copy.c"
#include "xen/grant/map.c"
#include "xen/grant/table.c"

#include "grant_below.h"

/* States. */

static unsigned int mappings(unsigned int d, unsigned int ref, bool write)
{
    unsigned int n = 0;

    for (unsigned int h = 0; h < NR_HANDLES; h++) {
        const struct grant_map *m = handles[h];

        n += h < table1.nr_maps && m->flags != 0 && m->d == domains[d] && m->ref == ref &&
             write == ((m->flags & GNTMAP_readonly) == 0);
    }
    return n;
}

static bool entry_is_valid(unsigned int d, unsigned int ref)
{
    const struct grant_active *a = &active[d][ref];
    unsigned int ro = mappings(d, ref, false), rw = mappings(d, ref, true);
    bool pinned = a->readers != 0 || a->writers != 0;

    return a->readers == ro + readers_under_way[d][ref] &&
           a->writers == rw + writers_under_way[d][ref] && a->readers <= GRANT_MAX_PINS &&
           a->writers <= GRANT_MAX_PINS && (ro + rw == 0 || a->by == MAPPER) &&
           (!pinned ||
            ((a->pg == pages[d * 2u] || a->pg == pages[d * 2u + 1u]) && named[d][ref] == a->by)) &&
           (a->writers == 0 || may_write[d][ref]);
}

/* Every entry's pins, and the references that they are. */
static bool pins_are_valid(void)
{
    bool good = true;

    for (unsigned int d = 0; d < NR_DOMAINS; d++) {
        uint32_t held = 0;

        for (unsigned int ref = 0; ref < NR_REFS; ref++) {
            good = good && entry_is_valid(d, ref);
            held += mappings(d, ref, false) + mappings(d, ref, true);
        }
        good = good && domains[d]->ref.count == other_users[d] + held;
        for (unsigned int p = d * 2u; p < d * 2u + 2u; p++) {
            uint32_t pinned = 0;

            for (unsigned int ref = 0; ref < NR_REFS; ref++) {
                const struct grant_active *a = &active[d][ref];

                pinned += (a->readers != 0 || a->writers != 0) && a->pg == pages[p];
            }
            good = good && pages[p]->count == other_references[p] + pinned;
        }
    }
    return good;
}

static bool handles_are_valid(void)
{
    grant_handle_t at = table1.free_map;
    bool good = table1.nr_maps <= NR_HANDLES;
    uint32_t seen = 0;

    for (unsigned int i = 0; i < NR_HANDLES && good && at != GRANT_NO_HANDLE; i++) {
        good = at < table1.nr_maps && handles[at < NR_HANDLES ? at : 0]->flags == 0 &&
               (seen >> at & 1u) == 0;
        seen |= good ? 1u << at : 0;
        at = good ? handles[at]->ref : at;
    }
    good = good && at == GRANT_NO_HANDLE;
    for (unsigned int h = 0; h < NR_HANDLES; h++) {
        const struct grant_map *m = handles[h];

        if (h < table1.nr_maps && m->flags != 0) {
            good = good && (m->d == &domain0 || m->d == &domain1) && m->ref < NR_REFS;
        } else if (h < table1.nr_maps) {
            good = good && (seen >> h & 1u) != 0;
        }
    }
    return good;
}

/* No page is mapped, or mapped to be written, more often than there are handles for. */
static bool leaves_are_valid(void)
{
    bool good = true;

    for (unsigned int p = 0; p < 4; p++) {
        unsigned int leaf[2] = {0, 0}, handle[2] = {0, 0};

        for (unsigned int i = 0; i < NR_LEAVES; i++) {
            leaf[leaves[i].write] += leaves[i].pg == pages[p];
        }
        for (unsigned int ref = 0; ref < NR_REFS; ref++) {
            if (active[p / 2u][ref].pg == pages[p]) {
                handle[0] += mappings(p / 2u, ref, false);
                handle[1] += mappings(p / 2u, ref, true);
            }
        }
        good = good && leaf[1] <= handle[1] && leaf[0] + leaf[1] <= handle[0] + handle[1];
    }
    return good;
}

static void start_table(unsigned int d, struct grant_table *gt)
{
    domains[d]->id = (domid_t)d;
    domains[d]->grants = gt;
    domains[d]->is_dying = nondet_bool();
    domains[d]->ref.count = nondet_u32();
    other_users[d] = nondet_u32();
    ASSUME(other_users[d] > 0 && other_users[d] < 1000);
    gt->nr_frames = gt->max_frames = 1;
    for (unsigned int ref = 0; ref < NR_REFS; ref++) {
        active[d][ref] = (struct grant_active){.pg = pages[d * 2u + any_below(2)],
                                               .readers = nondet_u16(),
                                               .writers = nondet_u16(),
                                               .by = nondet_u16()};
        readers_under_way[d][ref] = nondet_u16();
        writers_under_way[d][ref] = nondet_u16();
        may_write[d][ref] = nondet_bool();
        named[d][ref] = nondet_u16();
    }
}

static void start_handle(unsigned int h)
{
    bool free = nondet_bool();

    *handles[h] = (struct grant_map){.d = free ? NULL : domains[any_below(2)],
                                     .ref = nondet_u32(),
                                     .flags = (uint16_t)(free ? 0
                                                         : nondet_bool()
                                                             ? GNTMAP_host_map
                                                             : GNTMAP_host_map | GNTMAP_readonly)};
    maps[h] = handles[h];
}

static void any_state(void)
{
    for (unsigned int p = 0; p < 4; p++) {
        pages[p]->tag = p;
        pages[p]->count = nondet_u32();
        other_references[p] = nondet_u32();
        ASSUME(other_references[p] < 1000);
    }
    table0.frame = frames0;
    table0.active = actives0;
    frames0[0] = shared0;
    actives0[0] = active0;
    table1.frame = frames1;
    table1.active = actives1;
    frames1[0] = shared1;
    actives1[0] = active1;
    start_table(0, &table0);
    start_table(1, &table1);
    for (unsigned int h = 0; h < NR_HANDLES; h++) {
        start_handle(h);
    }
    table1.map = maps;
    table1.nr_maps = nondet_bool() ? NR_HANDLES : NR_HANDLES - 1u;
    table1.max_map_frames = nondet_bool() ? NR_HANDLES : NR_HANDLES - 1u;
    ASSUME(table1.nr_maps <= table1.max_map_frames);
    table1.free_map = nondet_u32();
    for (unsigned int i = 0; i < NR_LEAVES; i++) {
        unsigned int p = any_below(5);

        leaves[i] = (struct leaf){.pg = p < 4 ? pages[p] : NULL, .write = nondet_bool()};
    }
    ASSUME(handles_are_valid() && pins_are_valid() && leaves_are_valid());
}

static void check_state(void)
{
    CHECK(pins_are_valid());
    CHECK(handles_are_valid());
    CHECK(leaves_are_valid());
    CHECK(domain0.pause_count == 0 && domain1.pause_count == 0);
    REACHED("the end");
}

void prove_map(void)
{
    struct gnttab_map_grant_ref op = {
        .host_addr = nondet_u64(), .flags = nondet_u32(), .ref = nondet_u32(), .dom = nondet_u16()};

    any_state();
    if (grant_op_map(&domain1, &op) == GNTST_okay) {
        REACHED("a mapping is made");
    }
    check_state();
}

void prove_unmap(void)
{
    struct gnttab_unmap_grant_ref op[NR_UNMAPS];
    unsigned int nr = 1u + any_below(NR_UNMAPS), done;

    for (unsigned int i = 0; i < NR_UNMAPS; i++) {
        op[i] = (struct gnttab_unmap_grant_ref){.host_addr = nondet_u64(),
                                                .dev_bus_addr = nondet_u64(),
                                                .handle = nondet_u32(),
                                                .status = 1};
    }
    any_state();
    done = grant_op_unmap(&domain1, op, nr, nondet_bool());
    CHECK(done >= 1 && done <= nr && op[0].status <= 0 && op[done - 1u].status <= 0);
    if (done == NR_UNMAPS && op[0].host_addr != 0 && op[0].status == GNTST_okay) {
        REACHED("two mappings end");
    }
    check_state();
}

/* With the flags that say which ends are granted. */
static void copy(uint16_t flags)
{
    struct gnttab_copy op = {.source = {.domid = nondet_u16(), .offset = nondet_u16()},
                             .dest = {.domid = nondet_u16(), .offset = nondet_u16()},
                             .len = nondet_u16(),
                             .flags = flags};

    op.source.u.gmfn = nondet_u64();
    op.dest.u.gmfn = nondet_u64();
    any_state();
    if (grant_op_copy(&domain1, &op) == GNTST_okay && op.len != 0) {
        REACHED("bytes are copied");
    }
    check_state();
}

void prove_copy_in(void)
{
    copy(GNTCOPY_source_gref);
}

void prove_copy_out(void)
{
    copy(GNTCOPY_dest_gref);
}

/* What is behind the mapper's end, which may stop and go on, has no mapping. */
static bool ends_are_valid(void)
{
    bool good = table1.relinquish_next <= table1.nr_maps;

    for (unsigned int h = 0; h < NR_HANDLES; h++) {
        good = good && (h >= table1.relinquish_next || handles[h]->flags == 0);
    }
    return good;
}

/* The mapper's p2m went before: no leaf is left. */
void prove_relinquish(void)
{
    struct cpu cpu = {.pending = 0};
    int rc;

    proof_cpu = &cpu;
    table1.relinquish_next = nondet_u32();
    any_state();
    ASSUME(leaves[0].pg == NULL && leaves[1].pg == NULL && ends_are_valid());
    rc = grant_domain_relinquish(&domain1);
    CHECK(rc == 0 || rc == -ERESTART);
    CHECK(ends_are_valid());
    if (rc == 0) {
        CHECK(table1.relinquish_next == table1.nr_maps);
        REACHED("all mappings have ended");
    } else {
        REACHED("it goes on later");
    }
    check_state();
}

void prove_swap(void)
{
    struct gnttab_swap_grant_ref op = {.ref_a = nondet_u32(), .ref_b = nondet_u32()};

    any_state();
    if (grant_op_swap(&domain1, &op) == GNTST_okay && op.ref_a != op.ref_b) {
        REACHED("two entries change places");
    }
    check_state();
}
