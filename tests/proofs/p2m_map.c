/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mapping in second-stage tables (xen/mm/p2m.c: p2m_map), with two levels of two entries: four
 * guest frames, all shapes of tree, any leaves. From any valid tree, for one frame, and for two
 * that a block can map:
 *
 * - they map to just what was asked, by one leaf, every other frame as before. If memory ends, or
 *   the domain dies: nothing of what was asked is mapped, what was there stays or is gone. Nothing
 *   is written for a dying domain, or for frames beyond the guest-physical space;
 * - no valid entry takes the place of another one, and where one was taken away, it is flushed
 *   before there is a new one, and before the lock is free;
 * - what foreign leaves held, and empty tables, are given back once, without the lock, when no CPU
 *   uses them any more; each table is reached once, table_pages counts them, and stays below its
 *   limit; none is empty but where `thin` says;
 * - max_mapped and lowest_mapped grow by what was mapped, no more; read_only is set, and every CPU
 *   knows it, before there is a leaf that may not be written.
 *
 * Not proved here: more frames at a time, slices that end because too much was found, other changes
 * while the lock is free between two slices, p2m_prepare.
 */
#include "proof.h"

#include <xen/atomic.h>
#include <xen/p2m_walk.h>
#include <xen/page.h>

/* Which page a frame is: records of pages are another part. */
static struct page *proof_peek(mfn_t mfn);
#define page_peek(mfn) proof_peek(mfn)

/* Bounds that spare the checker a last round of the loops in p2m.c: one step in each slice. */
static int proof_descend(struct p2m *p2m, uint64_t g, unsigned int level, pte_t **slot);
#define p2m_descend proof_descend
#include "xen/mm/p2m.c"
#undef p2m_descend

#include "xen/mm/p2m_remove.c"

/* Only p2m_quiesce has it: so it is seen. */
static void proof_quiesce(void);
#undef smp_mb
#define smp_mb() proof_quiesce()

#include "xen/mm/p2m_walk.c"

#define NR_FRAMES 4u
#define NR_TABLES 4u /* the root, two more, and what a change can ask for */
#define NOTHING   UINT64_MAX

/* An object for each table, not an array. */
static struct table {
    pte_t e[2];
    uint64_t number; /* the harness's: it stays */
} root, a0, a1, new0;
static struct table *const tables[] = {&root, &a0, &a1, &new0};
static uint32_t in_use;     /* tables that are allocated */
static struct page foreign; /* every foreign leaf's; pages that are shared are not here */
static struct domain dom;
static struct p2m *const p2m = &dom.p2m;
static struct cpu cpu;
struct cpu *proof_cpu = &cpu;
struct cpu cpus[MAX_CPUS];
unsigned int nr_cpus;

static uint64_t watched;    /* any frame */
static bool unflushed;      /* CPUs may still translate it by what was taken away, ... */
static bool used;           /* ... or copy through such a translation */
static bool told;           /* they know that there are leaves that may not be written */
static bool locked;         /* the p2m's lock */
static unsigned int slices; /* how often it was taken, ... */
static unsigned int max_slices;
static unsigned int steps;   /* ... and since then an entry was looked for */
static unsigned int filled;  /* frames that got new leaves */
static unsigned int dropped; /* foreign leaves that went, and have not been given back */

static struct page *proof_peek(mfn_t mfn __unused)
{
    return &foreign;
}

void *proof_va(paddr_t pa)
{
    CHECK(pa >> PAGE_SHIFT < NR_TABLES);
    return tables[pa >> PAGE_SHIFT];
}

paddr_t proof_pa(const void *va)
{
    return ((const struct table *)va)->number << PAGE_SHIFT;
}

unsigned int arch_p2m_ipa_bits(void)
{
    return PAGE_SHIFT + 2u;
}

void panic(const char *text __unused, ...)
{
    CHECK(!"panic");
    ASSUME(false);
}

static bool is_leaf(pte_t e)
{
    return e.valid && !e.table;
}

/* What a frame is mapped to, and how: one number. Written apart from the code that is proved. */
static uint64_t translation(uint64_t g)
{
    pte_t e = root.e[g >> 1u & 1u];

    if (e.valid && e.table) {
        e = tables[e.frame % NR_TABLES]->e[g & 1u];
    } else {
        e.frame += g & 1u;
    }
    return is_leaf(e) ? (uint64_t)e.frame << 8u | e.kind << 4u | e.flags : NOTHING;
}

/* Another CPU may say that the domain dies while the lock is free. */
void spin_rank_acquire(const spinlock_t *lock)
{
    CHECK(lock == &p2m->lock && !locked);
    if (slices++ == max_slices) {
        CHECK(!"more slices");
        ASSUME(false);
    }
    steps = 0;
    locked = true;
    dom.is_dying = dom.is_dying ? true : nondet_bool();
}

static int proof_descend(struct p2m *in, uint64_t g, unsigned int level, pte_t **slot)
{
    if (steps++ == 1u) {
        CHECK(!"more steps");
        ASSUME(false);
    }
    return p2m_descend(in, g, level, slot);
}

void spin_rank_release(const spinlock_t *lock)
{
    CHECK(lock == &p2m->lock && locked && !unflushed);
    locked = false;
}

/* The entry is one of those by which hardware comes to the frame that is watched. */
static bool is_on_the_way(const pte_t *slot)
{
    pte_t e = root.e[watched >> 1u & 1u];

    return slot == &root.e[watched >> 1u & 1u] ||
           (e.valid && e.table && slot == &tables[e.frame % NR_TABLES]->e[watched & 1u]);
}

void proof_pte_write(pte_t *slot, pte_t pte)
{
    bool last = slot != &root.e[0] && slot != &root.e[1];
    pte_t old = *slot;

    CHECK(locked && !dom.is_dying && (!old.valid || !pte.valid));
    if (is_on_the_way(slot)) {
        CHECK(!pte.valid || !unflushed);
        unflushed = unflushed || old.valid;
        used = used || old.valid;
    }
    if (is_leaf(pte)) {
        CHECK((pte.flags & P2M_WRITE) != 0 || told);
        filled += last ? 1u : 2u;
    }
    dropped += is_leaf(old) && old.kind == P2M_FOREIGN;
    *slot = pte;
}

void arch_p2m_flush_range(struct arch_p2m *hw, gfn_t gfn, uint64_t nr)
{
    CHECK(locked && hw == &p2m->arch && nr != 0 && gfn.n + nr <= NR_FRAMES);
    unflushed = unflushed && !(watched >= gfn.n && watched - gfn.n < nr);
}

static void proof_quiesce(void)
{
    used = used && unflushed;
    told = p2m->arch.read_only == 1u;
}

void page_put(struct page *pg)
{
    CHECK(pg == &foreign && !locked && !used && dropped != 0);
    dropped--;
}

void *page_alloc(unsigned int order)
{
    CHECK(order == 0 && p2m->table_pages < p2m->pool_pages && (in_use >> 3u & 1u) == 0);
    if (nondet_bool()) {
        return NULL;
    }
    in_use |= 1u << 3u;
    return &new0;
}

/* The tables that the root leads to; *twice: one of them by two ways. */
static uint32_t reached(bool *twice)
{
    uint32_t all = 1u;

    *twice = false;
    for (unsigned int i = 0; i < 2; i++) {
        pte_t e = root.e[i];

        if (e.valid && e.table) {
            *twice = *twice || (all >> e.frame & 1u) != 0;
            all |= 1u << e.frame;
        }
    }
    return all;
}

void page_free(void *va, unsigned int order)
{
    uint32_t bit = 0;
    bool twice;

    for (unsigned int i = 1; i < NR_TABLES; i++) {
        bit |= va == tables[i] ? 1u << i : 0;
    }
    CHECK(order == 0 && !locked && !used && (in_use & bit) != 0 && (reached(&twice) & bit) == 0);
    in_use &= ~bit;
}

/* An entry of the root: a table that has leaves or is where `thin` says, a block that may be one,
 * or nothing. */
static bool entry_is_valid(unsigned int i)
{
    pte_t e = root.e[i];
    const struct table *t = tables[e.frame % NR_TABLES];

    if (!e.valid) {
        return true;
    }
    return e.table ? t->e[0].valid || t->e[1].valid || p2m->thin >> 1u == i
                   : e.kind <= P2M_MMIO && e.frame % 2u == 0;
}

static bool tree_is_valid(void)
{
    bool twice;
    uint32_t all = reached(&twice);
    unsigned int nr = 0;

    for (unsigned int i = 1; i < NR_TABLES; i++) {
        nr += all >> i & 1u;
    }
    return !twice && all == in_use && p2m->table_pages == nr && entry_is_valid(0) &&
           entry_is_valid(1);
}

/* What is said of the frames that are mapped is true for the one that is watched. */
static bool is_told_of(uint64_t what)
{
    return what == NOTHING || (watched >= p2m->lowest_mapped.n && watched < p2m->max_mapped.n &&
                               ((what & P2M_WRITE) != 0 || p2m->arch.read_only != 0));
}

static pte_t any_entry(unsigned int level)
{
    return (pte_t){.valid = nondet_bool(),
                   .kind = nondet_u8() & 3u,
                   .flags = nondet_u8() & 7u,
                   .frame = (uint64_t)(nondet_u8() & 3u) << arch_p2m_order(level)};
}

static struct p2m_leaf any_leaf(unsigned int level)
{
    pte_t e = any_entry(level);

    return (struct p2m_leaf){.mfn = {e.frame}, .kind = e.kind & 3u, .flags = e.flags & 7u};
}

static void any_tree(void)
{
    in_use = 1u;
    p2m->root = root.e;
    p2m->pool_pages = nondet_u8() & 3u;
    p2m->thin = nondet_u8() & 3u;
    p2m->lowest_mapped.n = nondet_bool() ? INVALID_GFN.n : nondet_u8() & 3u;
    p2m->max_mapped.n = nondet_u8() & 7u;
    p2m->arch.read_only = nondet_bool();
    told = p2m->arch.read_only != 0;
    dom.is_dying = nondet_bool();
    for (unsigned int i = 0; i < NR_TABLES; i++) {
        tables[i]->number = i;
    }
    for (unsigned int i = 0; i < 2; i++) {
        root.e[i] = any_entry(0);
        if (nondet_bool()) {
            root.e[i] = (pte_t){.valid = 1, .table = 1, .frame = 1u + i};
            in_use |= 1u << (1u + i);
            p2m->table_pages++;
            tables[1u + i]->e[0] = any_entry(1u);
            tables[1u + i]->e[1] = any_entry(1u);
        }
    }
    watched = nondet_u8() & 3u;
    ASSUME(tree_is_valid() && is_told_of(translation(watched)));
}

/* After a call for frames from g on. */
static void check_after(uint64_t g, gfn_t lowest, gfn_t max)
{
    CHECK(tree_is_valid() && is_told_of(translation(watched)));
    CHECK(!locked && dropped == 0);
    CHECK(p2m->lowest_mapped.n == (filled != 0 ? min_u64(lowest.n, g) : lowest.n));
    CHECK(p2m->max_mapped.n == (filled != 0 ? max_u64(max.n, g + filled) : max.n));
}

static void check_map(uint64_t g, uint64_t nr, struct p2m_leaf leaf)
{
    uint64_t at, wanted, before, after;
    gfn_t lowest, max;
    int rc;

    any_tree();
    before = translation(watched);
    at = watched - g; /* of the frames that are mapped, if it is below nr */
    wanted = (leaf.mfn.n + at) << 8u | (uint64_t)leaf.kind << 4u | leaf.flags;
    lowest = p2m->lowest_mapped;
    max = p2m->max_mapped;
    max_slices = 2u;
    rc = p2m_map(&dom, (gfn_t){g}, nr, leaf);
    after = translation(watched);
    CHECK(at < nr || after == before);
    CHECK(at >= filled || after == wanted);
    CHECK(at < filled || after == before || after == NOTHING);
    if (rc == 0) {
        CHECK(filled == nr && g <= NR_FRAMES - nr);
        REACHED("it is mapped");
    } else {
        CHECK(filled == 0);
        CHECK(rc == -ENOMEM || (rc == -EINVAL && (dom.is_dying || g > NR_FRAMES - nr)));
        REACHED("it is not");
    }
    check_after(g, lowest, max);
}

void prove_page(void)
{
    check_map(nondet_u8() & 7u, 1u, any_leaf(P2M_LAST_LEVEL));
}

/* Two frames that a block can map, as one does then. */
void prove_block(void)
{
    uint64_t g = nondet_u8() & 6u;
    struct p2m_leaf leaf = any_leaf(0);

    leaf.kind &= 1u; /* RAM or MMIO */
    check_map(g, 2u, leaf);
    CHECK(filled == 0 || is_leaf(root.e[g >> 1u]));
}

/* A domain that is dying before the call, and stays. */
void prove_dying(void)
{
    struct p2m_leaf leaf = {.mfn = {nondet_u64()}, .kind = nondet_u8(), .flags = nondet_u8()};
    uint64_t g = nondet_u64(), nr = nondet_u64();
    gfn_t lowest, max;

    any_tree();
    dom.is_dying = true;
    max_slices = 1u;
    ASSUME(nr != 0);
    lowest = p2m->lowest_mapped;
    max = p2m->max_mapped;
    CHECK(p2m_map(&dom, (gfn_t){g}, nr, leaf) == -EINVAL && filled == 0);
    check_after(g, lowest, max);
    REACHED("it is refused");
}
