/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Second-stage tables (xen/mm/p2m_walk.c: p2m_find, p2m_split, p2m_descend), with three levels of
 * two entries: eight guest frames, all shapes of tree, any leaves. From any valid tree, for every
 * frame:
 *
 * - p2m_find says what the tree says;
 * - splitting a block, and going down to a frame (which makes tables and splits blocks on the way),
 *   leaves each frame mapped just as it was, whether it succeeds or memory ends;
 * - no entry goes from one valid value to another one without being invalid between, and where a
 *   translation was taken away, it is flushed before the frame is mapped again;
 * - each table is reached once, and table_pages counts them: none is lost.
 *
 * By induction this holds after any number of such changes. Not proved here: what takes leaves and
 * tables out (p2m_remove.c has its own harness), the order of memory between CPUs.
 */
#include "proof.h"

#include "xen/mm/p2m_walk.c"

#define NR_FRAMES 8u
#define NR_TABLES 9u /* the root, six more, and what a change can ask for */
#define FIRST_NEW 7u
#define NOTHING   UINT64_MAX

/* An object for each table, not an array. */
static struct table {
    pte_t e[2];
    uint64_t number; /* the harness's: it stays */
} root, a0, a1, b0, b1, b2, b3, new0, new1;
static struct table *const tables[] = {&root, &a0, &a1, &b0, &b1, &b2, &b3, &new0, &new1};
static uint32_t in_use; /* tables that are allocated */
static unsigned int next_new = FIRST_NEW;
static struct p2m p2m;
static uint64_t watched; /* any frame */
static bool unflushed;   /* CPUs may still know an old translation of it */
static struct cpu cpu;
struct cpu *proof_cpu = &cpu;
struct cpu cpus[MAX_CPUS];
unsigned int nr_cpus;

void *proof_va(paddr_t pa)
{
    CHECK(pa >> PAGE_SHIFT < NR_TABLES);
    return tables[pa >> PAGE_SHIFT];
}

paddr_t proof_pa(const void *va)
{
    return ((const struct table *)va)->number << PAGE_SHIFT;
}

/* What a frame is mapped to, and how: one number. Written apart from the code that is proved. */
static uint64_t translation(uint64_t g)
{
    pte_t e = root.e[g >> 2u & 1u];

    if (e.valid && e.table) {
        e = tables[e.frame % NR_TABLES]->e[g >> 1u & 1u];
        if (e.valid && e.table) {
            e = tables[e.frame % NR_TABLES]->e[g & 1u];
        } else {
            e.frame += g & 1u;
        }
    } else {
        e.frame += g & 3u;
    }
    return !e.valid || e.table ? NOTHING : (uint64_t)e.frame << 8u | e.kind << 4u | e.flags;
}

void proof_pte_write(pte_t *slot, pte_t pte)
{
    uint64_t before = translation(watched), after;

    CHECK(!slot->valid || !pte.valid);
    *slot = pte;
    after = translation(watched);
    CHECK(after == NOTHING || before == after || !unflushed);
    unflushed = unflushed || (before != NOTHING && before != after);
}

void arch_p2m_flush_range(struct arch_p2m *hw, gfn_t gfn, uint64_t nr)
{
    CHECK(hw == &p2m.arch && nr != 0 && gfn.n + nr <= NR_FRAMES);
    unflushed = unflushed && !(watched >= gfn.n && watched - gfn.n < nr);
}

unsigned int arch_p2m_ipa_bits(void)
{
    return PAGE_SHIFT + 3u;
}

void *page_alloc(unsigned int order __unused)
{
    if (nondet_bool()) {
        return NULL;
    }
    CHECK(next_new < NR_TABLES);
    in_use |= 1u << next_new;
    return tables[next_new++];
}

void page_free(void *va __unused, unsigned int order __unused)
{
    CHECK(!"a table is freed");
}

/* The tables that the root leads to; *twice: one of them by two ways. */
static uint32_t reached(bool *twice)
{
    uint32_t all = 1u;

    *twice = false;
    for (unsigned int i = 0; i < 2; i++) {
        pte_t e = root.e[i];

        if (!e.valid || !e.table) {
            continue;
        }
        *twice = *twice || (all >> e.frame & 1u) != 0;
        all |= 1u << e.frame;
        for (unsigned int j = 0; j < 2; j++) {
            pte_t f = tables[e.frame % NR_TABLES]->e[j];

            if (f.valid && f.table) {
                *twice = *twice || (all >> f.frame & 1u) != 0;
                all |= 1u << f.frame;
            }
        }
    }
    return all;
}

static bool tree_is_valid(void)
{
    uint32_t all, nr = 0;
    bool twice;

    all = reached(&twice);
    for (unsigned int i = 1; i < NR_TABLES; i++) {
        nr += all >> i & 1u;
    }
    return !twice && all == in_use && p2m.table_pages == nr;
}

/* A leaf or nothing, aligned to what it covers. */
static pte_t any_leaf(unsigned int level)
{
    return (pte_t){.valid = nondet_bool(),
                   .kind = nondet_u8() & 3u,
                   .flags = nondet_u8() & 7u,
                   .frame = (uint64_t)any_below(4) << arch_p2m_order(level)};
}

static bool any_entry(pte_t *slot, unsigned int level, unsigned int number)
{
    bool there = nondet_bool();

    *slot = there ? (pte_t){.valid = 1, .table = 1, .frame = number} : any_leaf(level);
    in_use |= there ? 1u << number : 0;
    p2m.table_pages += there;
    return there;
}

static void any_tree(void)
{
    in_use = 1u;
    p2m.root = root.e;
    p2m.pool_pages = nondet_u32();
    for (unsigned int i = 0; i < NR_TABLES; i++) {
        tables[i]->number = i;
    }
    for (unsigned int i = 0; i < 2; i++) {
        bool there = any_entry(&root.e[i], 0, 1u + i);

        for (unsigned int j = 0; there && j < 2; j++) {
            unsigned int last = 3u + i * 2u + j;

            if (any_entry(&tables[1u + i]->e[j], 1u, last)) {
                tables[last]->e[0] = any_leaf(2u);
                tables[last]->e[1] = any_leaf(2u);
            }
        }
    }
    watched = any_below(NR_FRAMES);
}

static void check_tree(uint64_t before)
{
    CHECK(tree_is_valid() && !unflushed);
    CHECK(translation(watched) == before);
    REACHED("the end");
}

void prove_find(void)
{
    struct p2m_leaf leaf;
    unsigned int level;
    uint64_t g = nondet_u64();

    any_tree();
    if (p2m_find(&p2m, (gfn_t){g}, &leaf, &level)) {
        CHECK(g < NR_FRAMES && level <= P2M_LAST_LEVEL);
        CHECK(translation(g) == (leaf.mfn.n << 8u | (uint64_t)leaf.kind << 4u | leaf.flags));
        REACHED("it is mapped");
    } else {
        CHECK(g >= NR_FRAMES || translation(g) == NOTHING);
        REACHED("it is not");
    }
}

void prove_descend(void)
{
    unsigned int g = any_below(NR_FRAMES), level = any_below(ARCH_P2M_LEVELS);
    uint64_t before;
    pte_t *slot = NULL;
    int rc;

    any_tree();
    before = translation(watched);
    rc = p2m_descend(&p2m, g, level, &slot);
    CHECK(rc == 0 || rc == -ENOMEM);
    if (rc == 0) {
        const pte_t *e = &root.e[g >> 2u & 1u];

        e = level > 0 ? &tables[e->frame % NR_TABLES]->e[g >> 1u & 1u] : e;
        e = level > 1 ? &tables[e->frame % NR_TABLES]->e[g & 1u] : e;
        CHECK(slot == e);
        REACHED("an entry for it");
    } else {
        REACHED("memory ends");
    }
    check_tree(before);
}

void prove_split(void)
{
    unsigned int i = any_below(2);
    uint64_t before;

    any_tree();
    before = translation(watched);
    ASSUME(root.e[i].valid && !root.e[i].table);
    if (p2m_split(&p2m, &root.e[i], i * 4u + any_below(4), 0) == 0) {
        CHECK(root.e[i].valid && root.e[i].table);
        REACHED("a block is split");
    } else {
        CHECK(root.e[i].valid && !root.e[i].table);
    }
    check_tree(before);
}
