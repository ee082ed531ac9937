/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Taking a frame out of second-stage tables (xen/mm/p2m_remove.c: p2m_remove for one frame), with
 * two levels of two entries: four guest frames, all shapes of tree, any leaves. From any valid
 * tree:
 *
 * - that frame is not mapped any more, every other one just as it was; if memory for a split ends,
 *   all are as they were;
 * - the frame lies in what will be flushed;
 * - what a foreign leaf held is noted to be given back, once, and nothing else is;
 * - no entry goes from one valid value to another; each table is reached once, table_pages counts
 *   them.
 *
 * Not proved here: many frames at a time, tables that go because they are empty, p2m_end.
 */
#include "proof.h"

#include <xen/page.h>

/* Which page a frame is: records of pages are another part. */
static struct page *proof_peek(mfn_t mfn);
#define page_peek(mfn) proof_peek(mfn)

#include "xen/mm/p2m_remove.c"
#include "xen/mm/p2m_walk.c"

#define NR_FRAMES 4u
#define NR_TABLES 4u /* the root, two more, and what a split asks for */
#define NOTHING   UINT64_MAX

/* An object for each table, not an array. */
static struct table {
    pte_t e[2];
    uint64_t number; /* the harness's: it stays */
} root, a0, a1, new0;
static struct table *const tables[] = {&root, &a0, &a1, &new0};
static uint32_t in_use;     /* tables that are allocated */
static struct page foreign; /* every foreign leaf's; pages that are shared are not here */
static struct p2m p2m;
static struct cpu cpu;
struct cpu *proof_cpu = &cpu;
struct cpu cpus[MAX_CPUS];
unsigned int nr_cpus;

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

void proof_pte_write(pte_t *slot, pte_t pte)
{
    CHECK(!slot->valid || !pte.valid);
    *slot = pte;
}

void arch_p2m_flush_range(struct arch_p2m *hw, gfn_t gfn, uint64_t nr)
{
    CHECK(hw == &p2m.arch && nr != 0 && gfn.n + nr <= NR_FRAMES);
}

unsigned int arch_p2m_ipa_bits(void)
{
    return PAGE_SHIFT + 2u;
}

void *page_alloc(unsigned int order __unused)
{
    CHECK((in_use >> 3u & 1u) == 0);
    if (nondet_bool()) {
        return NULL;
    }
    in_use |= 1u << 3u;
    return &new0;
}

void panic(const char *text __unused, ...)
{
    CHECK(!"panic");
    ASSUME(false);
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
    return !e.valid || e.table ? NOTHING : (uint64_t)e.frame << 8u | e.kind << 4u | e.flags;
}

static bool is_foreign(uint64_t what)
{
    return what != NOTHING && (what >> 4u & 3u) == P2M_FOREIGN;
}

static bool tree_is_valid(void)
{
    uint32_t all = 1u, nr = 0;
    bool twice = false;

    for (unsigned int i = 0; i < 2; i++) {
        pte_t e = root.e[i];

        if (e.valid && e.table) {
            twice = twice || (all >> e.frame & 1u) != 0;
            all |= 1u << e.frame;
            nr++;
        }
    }
    return !twice && all == in_use && p2m.table_pages == nr;
}

/* A leaf or nothing, aligned to what it covers; foreign ones are single pages. */
static pte_t any_leaf(unsigned int level)
{
    unsigned int kind = any_below(4);

    ASSUME(level == P2M_LAST_LEVEL || kind != P2M_FOREIGN);
    return (pte_t){.valid = nondet_bool(),
                   .kind = kind & 3u,
                   .flags = nondet_u8() & 7u,
                   .frame = (uint64_t)any_below(4) << arch_p2m_order(level)};
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
        if (nondet_bool()) {
            root.e[i] = (pte_t){.valid = 1, .table = 1, .frame = 1u + i};
            in_use |= 1u << (1u + i);
            p2m.table_pages++;
            tables[1u + i]->e[0] = any_leaf(1u);
            tables[1u + i]->e[1] = any_leaf(1u);
        } else {
            root.e[i] = any_leaf(0);
        }
    }
}

void prove_remove(void)
{
    struct p2m_gone gone = {.low = UINT64_MAX};
    uint64_t g = any_below(NR_FRAMES), other = any_below(NR_FRAMES), before, old, came;
    int rc = 0;

    any_tree();
    before = translation(other);
    old = translation(g);
    came = p2m_remove(&p2m, g, g + 1u, &gone, &rc);
    CHECK(tree_is_valid());
    CHECK(other == g || translation(other) == before);
    if (rc == 0) {
        CHECK(came == g + 1u && translation(g) == NOTHING);
        CHECK(old == NOTHING || (g >= gone.low && g < gone.high));
        CHECK(gone.high <= NR_FRAMES && gone.nr == is_foreign(old));
        CHECK(gone.nr == 0 || gone.item[0] == ((uintptr_t)&foreign | 1u));
        REACHED("it is gone");
    } else {
        CHECK(rc == -ENOMEM && came == g && translation(g) == old && gone.nr == 0);
        REACHED("memory ends");
    }
}
