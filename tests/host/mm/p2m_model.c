/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Second-stage tables against an array of what each guest frame maps: random maps of all kinds and
 * sizes, unmaps, takes, with the port watching break-before-make; references of foreign pages are
 * counted; copies by guest address are compared with what the array says. `p2m_model SEED STEPS`.
 */
#include "model.h"

#include <arch/mm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xen/cpu.h>
#include <xen/errno.h>
#include <xen/guest_copy.h>

#define GFNS \
    (5ul << 17) /* 2.5 GiB of guest-physical space from BASE, across an entry of the root */
#define BASE          ((1ul << 18) - (1ul << 17))
#define FOREIGN_PAGES 64u
#define RAM_CHUNKS    24u /* of the domain, whole ones; the p2m splits nothing of them */
#define KEPT_SIZE     (RAM_CHUNKS * CHUNK_SIZE)
#define NONE          0xffu
#define TAKEN         16u /* pages taken at once, at most */

struct entry {
    uint64_t mfn;
    uint8_t kind; /* enum p2m_kind or NONE */
    uint8_t flags;
};

static struct entry map[GFNS];
static struct domain *self, *other;
static uint64_t foreign[FOREIGN_PAGES], foreign_maps[FOREIGN_PAGES];
static uint64_t ram; /* first frame of the chunks */
static struct vcpu vcpu;

static unsigned int foreign_index(uint64_t mfn)
{
    for (unsigned int i = 0; i < FOREIGN_PAGES; i++) {
        if (foreign[i] == mfn) {
            return i;
        }
    }
    model_fail("no foreign page", mfn, 0);
}

static void entry_clear(struct entry *e)
{
    if (e->kind == P2M_FOREIGN) {
        foreign_maps[foreign_index(e->mfn)]--;
    }
    e->kind = NONE;
}

static bool entry_is(uint64_t i, struct p2m_leaf leaf)
{
    return map[i].kind == leaf.kind && map[i].mfn == leaf.mfn.n && map[i].flags == leaf.flags;
}

/* A range that is often aligned and often small. */
static void pick_range(uint64_t *at, uint64_t *nr)
{
    static const unsigned int orders[] = {0, 0, 0, 0, 3, 9, 9, 9, 12, 18};
    unsigned int order = orders[random_below(10)];

    *nr = (1ul << order) + (random_below(3) == 0 ? random_below(700) : 0);
    *at = random_below(GFNS);
    if (random_below(3) != 0) {
        *at = ((*at + BASE) & ~((1ul << order) - 1)) - BASE;
        *at = *at < GFNS ? *at : 0;
    }
    *nr = *nr < GFNS - *at ? *nr : GFNS - *at;
}

static void map_range(uint64_t at, uint64_t nr, struct p2m_leaf leaf)
{
    CHECK(p2m_map(self, (gfn_t){BASE + at}, nr, leaf) == 0, at, nr);
    for (uint64_t i = 0; i < nr; i++) {
        entry_clear(&map[at + i]);
        map[at + i] = (struct entry){.mfn = leaf.mfn.n + i, .kind = leaf.kind, .flags = leaf.flags};
    }
}

static void do_map(void)
{
    struct p2m_leaf leaf = {.flags = (uint8_t)random_below(4)};
    uint64_t at, nr;

    pick_range(&at, &nr);
    if (random_below(2) == 0) {
        leaf.kind = P2M_MMIO;
        leaf.mfn.n =
            0x1000000 + (random_below(2) == 0 ? BASE + at : random_below(1ul << 30)); /* no RAM
                                                                                         there */
    } else {
        nr = nr < RAM_CHUNKS * 512 ? nr : RAM_CHUNKS * 512;
        leaf.kind = random_below(4) == 0 ? P2M_GRANT : P2M_RAM;
        leaf.mfn.n = ram + random_below(RAM_CHUNKS * 512 - nr + 1);
        if (random_below(2) == 0) {
            leaf.mfn.n = (leaf.mfn.n & ~511ul) | ((BASE + at) & 511);
            nr =
                leaf.mfn.n + nr > ram + RAM_CHUNKS * 512 ? ram + RAM_CHUNKS * 512 - leaf.mfn.n : nr;
        }
    }
    map_range(at, nr, leaf);
}

static void do_map_foreign(void)
{
    unsigned int i = (unsigned int)random_below(FOREIGN_PAGES);
    struct page *pg = page_get_frame((mfn_t){foreign[i]}, other);
    uint64_t at = random_below(2) == 0 ? random_below(GFNS) : random_below(1500);

    CHECK(pg != NULL, i, foreign[i]);
    foreign_maps[i]++;
    map_range(at, 1,
              (struct p2m_leaf){.mfn = {foreign[i]}, .kind = P2M_FOREIGN, .flags = P2M_WRITE});
    CHECK(pg->count == 1 + foreign_maps[i], pg->count, foreign_maps[i]);
}

static void do_unmap(void)
{
    uint64_t at, nr;

    pick_range(&at, &nr);
    CHECK(p2m_unmap(self, (gfn_t){BASE + at}, nr) == 0, at, nr);
    for (uint64_t i = at; i < at + nr; i++) {
        entry_clear(&map[i]);
    }
}

static int take_page(uint64_t at, unsigned int kind, uint64_t frame, unsigned int flags)
{
    gfn_t gfn = {BASE + at};
    struct p2m_leaf leaf = {.mfn = {frame}, .kind = kind & 3u, .flags = (uint8_t)flags};

    return p2m_take_pages(self, &gfn, 1, &leaf);
}

static void do_take_page(void)
{
    uint64_t at = random_below(GFNS);
    struct entry e = map[at];

    CHECK(take_page(at, e.kind ^ 1u, e.mfn, e.flags) == -ENOENT, at, e.kind);
    if (e.kind != P2M_RAM) {
        CHECK(take_page(at, e.kind, e.mfn + 1, e.flags) == -ENOENT, at, e.kind);
        CHECK(take_page(at, e.kind, e.mfn, e.flags ^ P2M_WRITE) == -ENOENT, at, e.kind);
    }
    CHECK(take_page(at, e.kind, e.mfn, e.flags) == (e.kind == NONE ? -ENOENT : 1), at, e.kind);
    entry_clear(&map[at]);
}

static void do_take(void)
{
    uint64_t at, nr;
    struct p2m_taken taken;
    int rc;

    pick_range(&at, &nr);
    rc = p2m_take(self, (gfn_t){BASE + at}, nr, &taken);
    CHECK(rc == (map[at].kind == P2M_RAM ? 0
                 : map[at].kind == NONE  ? -ENOENT
                                         : -ENXIO),
          rc, map[at].kind);
    CHECK((taken.nr != 0) == (rc == 0), taken.nr, rc);
    for (unsigned int n = 0; n < taken.nr; n++) {
        uint64_t pages = 1ul << taken.extent[n].order;

        CHECK(pages <= nr, pages, nr);
        for (uint64_t i = 0; i < pages; i++, at++, nr--) {
            CHECK(map[at].kind == P2M_RAM && map[at].mfn == taken.extent[n].mfn.n + i, at, i);
            entry_clear(&map[at]);
        }
    }
    /* It ends early for nothing but what is no RAM. */
    CHECK(taken.nr == P2M_TAKE_MAX || nr == 0 || map[at].kind != P2M_RAM, at, nr);
}

/* Pages anywhere, some of them twice, with one flush. */
static void do_take_pages(void)
{
    unsigned int kind = random_below(2) == 0 ? P2M_RAM : P2M_GRANT;
    unsigned int nr = 1u + (unsigned int)random_below(TAKEN);
    uint64_t at[TAKEN], flushes = self->p2m.arch.flushes;
    gfn_t gfn[TAKEN];
    struct p2m_leaf leaf[TAKEN];
    int expected = 0, taken;

    for (unsigned int i = 0; i < nr; i++) {
        at[i] = random_below(GFNS);
        for (unsigned int tries = 0; tries < 20 && map[at[i]].kind != kind; tries++) {
            at[i] = random_below(GFNS);
        }
        gfn[i] = (gfn_t){BASE + at[i]};
        leaf[i] = (struct p2m_leaf){
            .mfn = {map[at[i]].mfn}, .kind = kind & 3u, .flags = map[at[i]].flags};
    }
    taken = p2m_take_pages(self, gfn, nr, leaf);
    /* It ends early for what is something else, or when it has looked at many entries. */
    CHECK(taken == (int)nr || taken >= 2 || map[at[taken < 0 ? 0 : taken]].kind != kind ||
              (taken == 1 && at[0] == at[1]),
          taken, nr);
    /* No block is split for a grant. */
    CHECK(kind != P2M_GRANT || self->p2m.arch.flushes - flushes <= 1, taken, nr);
    for (; expected < taken; expected++) {
        CHECK(map[at[expected]].kind == kind, expected, taken);
        CHECK(map[at[expected]].mfn == leaf[expected].mfn.n, expected, taken);
        entry_clear(&map[at[expected]]);
    }
}

static void check_lookup(uint64_t at)
{
    struct p2m_leaf leaf = {.mfn = {0}};
    unsigned int order;
    bool there = p2m_lookup(self, (gfn_t){BASE + at}, &leaf, &order);
    uint64_t base = (BASE + at) & ~((1ul << order) - 1);

    CHECK(there == (map[at].kind != NONE) && (!there || entry_is(at, leaf)), at, map[at].kind);
    CHECK(!there || order == 0 || leaf.kind == P2M_RAM || leaf.kind == P2M_MMIO, at, order);
    /* All that it claims to cover is so. */
    for (uint64_t i = 0; i < 8; i++) {
        uint64_t g = base + random_below(1ul << order), j = g - BASE;

        if (g >= BASE && j < GFNS) {
            CHECK(there ? map[j].kind == leaf.kind && map[j].mfn - leaf.mfn.n == j - at
                        : map[j].kind == NONE,
                  at, j);
        }
    }
}

static void do_lookup(void)
{
    for (unsigned int i = 0; i < 100; i++) {
        check_lookup(random_below(GFNS));
    }
}

/* Bytes of guest memory in a row that the array says can be read or written: up to n. */
static uint64_t reachable(uint64_t gpa, uint64_t n, bool write)
{
    uint64_t at = gpa;

    while (at < gpa + n) {
        const struct entry *e = &map[(at >> PAGE_SHIFT) - BASE];

        if (e->kind == NONE || e->kind == P2M_MMIO || (write && (e->flags & P2M_WRITE) == 0)) {
            return at - gpa;
        }
        at = (at & PAGE_MASK) + PAGE_SIZE;
    }
    return n;
}

static uint8_t *model_byte(uint64_t gpa)
{
    return arch_pa_to_va((map[(gpa >> PAGE_SHIFT) - BASE].mfn << PAGE_SHIFT) + (gpa & ~PAGE_MASK));
}

static void do_copy(void)
{
    static const size_t sizes[] = {1, 4, 4, 8, 8, 24, 200, 4096, 9000};
    static uint8_t buffer[9000];
    size_t n = sizes[random_below(9)];
    bool write = random_below(2) != 0, by_gpa = random_below(2) != 0;
    uint64_t gpa = ((BASE + random_below(GFNS - 3)) << PAGE_SHIFT) +
                   (random_below(2) != 0 ? random_below(4096) & ~3ul : random_below(4096));
    bool all = reachable(gpa, n, write) == n;
    int rc;

    memset(buffer, (int)random_below(256), n);
    if (write) {
        rc = by_gpa ? guest_copy_to_gpa(self, gpa, buffer, n) : guest_copy_to(gpa, buffer, n);
    } else {
        rc = by_gpa ? guest_copy_from_gpa(self, buffer, gpa, n) : guest_copy_from(buffer, gpa, n);
    }
    CHECK(rc == (all ? 0 : -EFAULT), gpa, n);
    for (size_t i = 0; all && i < n; i++) {
        uint64_t last = i; /* a frame mapped twice has what was written last */

        CHECK(write || buffer[i] == *model_byte(gpa + i), gpa, i);
        CHECK(!write || *model_byte(gpa + last) == buffer[i], gpa, i);
    }
    CHECK((host_cpu->copying & 1u) == 0, gpa, n);
}

static void do_page(void)
{
    uint64_t at = random_below(GFNS);
    struct page *pg = p2m_get_page(self, (gfn_t){BASE + at}, true);

    CHECK((pg != NULL) == (map[at].kind == P2M_RAM && (map[at].flags & P2M_WRITE) != 0), at,
          map[at].kind);
    if (pg != NULL) {
        CHECK(page_mfn(pg).n == map[at].mfn && pg->count == 2, at, pg->count);
        page_put(pg);
    }
}

static void start(void)
{
    mfn_t mfn;

    self = model_domain(1ul << 30);
    other = model_domain(1ul << 30);
    vcpu.d = self;
    host_cpu->current = &vcpu;
    CHECK(p2m_create(self) == 0, 0, 0);
    memset(map, 0xff, sizeof(map));
    ram = KEPT >> PAGE_SHIFT;
    CHECK(domain_page_adopt(self, (mfn_t){ram}, KEPT_SIZE >> PAGE_SHIFT) == 0, ram, KEPT_SIZE);
    for (unsigned int i = 0; i < FOREIGN_PAGES; i++) {
        CHECK(domain_page_alloc(other, 0, 0, &mfn) == 0, i, 0);
        foreign[i] = mfn.n;
    }
}

static void finish(uint64_t free_before)
{
    host_preempt(3);
    self->is_dying = true;
    CHECK(p2m_map(self, (gfn_t){BASE}, 1, (struct p2m_leaf){.kind = P2M_MMIO}) == -EINVAL, 0, 0);
    while (p2m_relinquish(self) == -ERESTART) {
    }
    for (unsigned int i = 0; i < FOREIGN_PAGES; i++) {
        CHECK(page_of((mfn_t){foreign[i]})->count == 1, i, foreign_maps[i]);
    }
    p2m_destroy(self);
    while (domain_pages_relinquish(self) == -ERESTART ||
           domain_pages_relinquish(other) == -ERESTART) {
    }
    CHECK(self->ref.count == 1 && other->ref.count == 1, self->ref.count, other->ref.count);
    CHECK(page_free_count() == free_before + (KEPT_SIZE >> PAGE_SHIFT), page_free_count(),
          free_before);
}

int main(int argc, char **argv)
{
    static void (*const ops[])(void) = {do_map,    do_map,       do_map_foreign, do_map_foreign,
                                        do_unmap,  do_take_page, do_take,        do_take_pages,
                                        do_lookup, do_copy,      do_copy,        do_page};
    uint64_t steps = argc > 2 ? strtoul(argv[2], NULL, 0) : 5000, free_before;
    uint32_t most = 0;

    model_start(argc > 1 ? strtoul(argv[1], NULL, 0) : 1, KEPT_SIZE);
    free_before = page_free_count();
    start();
    for (uint64_t i = 0; i < steps; i++) {
        ops[random_below(sizeof(ops) / sizeof(ops[0]))]();
        CHECK(host_unflushed() == 0, i, host_unflushed());
        CHECK(host_cpu->locks_held == 0, i, host_cpu->locks_held);
        if (i % 64 == 0) {
            model_check_tables(self);
        }
        most = self->p2m.table_pages > most ? self->p2m.table_pages : most;
    }
    for (uint64_t at = 0; at < GFNS; at++) {
        check_lookup(at);
    }
    finish(free_before);
    printf("ok: %lu steps, at most %u tables\n", steps, most);
    return 0;
}
