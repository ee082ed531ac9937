/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For grant.c: two domains and their tables, what guests write, and contracts of what is below
 * grants: the p2m, pages, the list of domains.
 */
#pragma once

#define NR_DOMAINS 2u
#define NR_REFS    2u
#define NR_HANDLES 2u
#define NR_LEAVES  2u
#define NR_UNMAPS  2u /* at once */
#define MAPPER     1u

static struct domain domain0, domain1;
static struct domain *const domains[] = {&domain0, &domain1};
static struct grant_table table0, table1;
static struct grant_entry_v1 shared0[NR_REFS], shared1[NR_REFS];
static struct grant_entry_v1 *const shared[] = {shared0, shared1};
static struct grant_active active0[NR_REFS], active1[NR_REFS];
static struct grant_active *const active[] = {active0, active1};
static struct grant_entry_v1 *frames0[1], *frames1[1];
static struct grant_active *actives0[1], *actives1[1];
static struct grant_map handle0, handle1;
static struct grant_map *const handles[] = {&handle0, &handle1};
static struct grant_map *maps[NR_HANDLES];

static struct page page0, page1, page2, page3; /* two of each domain */
static struct page *const pages[] = {&page0, &page1, &page2, &page3};
static uint32_t other_references[4];     /* of pages, not by grants */
static uint32_t other_users[NR_DOMAINS]; /* references on domains, likewise */
static uint16_t readers_under_way[NR_DOMAINS][NR_REFS], writers_under_way[NR_DOMAINS][NR_REFS];
static bool may_write[NR_DOMAINS][NR_REFS]; /* the guest has let them, since nobody wrote */
static domid_t named[NR_DOMAINS][NR_REFS];  /* whom it named, when the first pin came */

static struct leaf {
    const struct page *pg; /* NULL: no leaf of a grant */
    bool write;
} leaves[NR_LEAVES];

struct cpu *proof_cpu;
struct cpu cpus[MAX_CPUS];
struct xen_options opt;

void proof_guest_runs(void)
{
    for (unsigned int i = 0; i < NR_REFS; i++) {
        shared0[i] = (struct grant_entry_v1){nondet_u16(), nondet_u16(), nondet_u32()};
        shared1[i] = (struct grant_entry_v1){nondet_u16(), nondet_u16(), nondet_u32()};
    }
}

bool proof_attempt_fails(void)
{
    return nondet_bool();
}

void proof_claimed(const uint32_t *word, uint32_t old, uint32_t now)
{
    union grant_head before = {.raw = old}, after = {.raw = now};

    for (unsigned int d = 0; d < NR_DOMAINS; d++) {
        for (unsigned int i = 0; i < NR_REFS; i++) {
            const struct grant_active *a = &active[d][i];

            if ((const void *)word != &shared[d][i]) {
                continue;
            }
            if (a->readers == 0 && a->writers == 0) {
                bool permits = (before.part.flags & GTF_type_mask) == GTF_permit_access;

                named[d][i] = permits ? before.part.domid : DOMID_INVALID;
            }
            if ((after.part.flags & GTF_writing) != 0 && (before.part.flags & GTF_readonly) == 0) {
                may_write[d][i] = true;
            }
        }
    }
}

/* Contracts of what is below. */

void spin_rank_acquire(const spinlock_t *lock __unused)
{
}

void spin_rank_release(const spinlock_t *lock __unused)
{
}

void panic(const char *text __unused, ...)
{
    CHECK(!"panic");
    ASSUME(false);
}

void domain_pause_nowait(struct domain *d)
{
    d->pause_count++;
}

void domain_unpause(struct domain *d)
{
    d->pause_count--;
}

struct domain *domain_get_by_id(domid_t id)
{
    if (id >= NR_DOMAINS) {
        return NULL;
    }
    domains[id]->ref.count++;
    return domains[id];
}

struct domain *domain_by_id_or_self(domid_t id)
{
    return domain_get_by_id(id == DOMID_SELF ? MAPPER : id);
}

void ref_put(struct ref *r)
{
    CHECK(r->count != 0);
    r->count--;
}

bool access_talk(const struct domain *by __unused, const struct domain *a __unused,
                 const struct domain *b __unused)
{
    return nondet_bool();
}

mfn_t page_mfn(const struct page *pg)
{
    return (mfn_t){pg->tag};
}

void *page_va(const struct page *pg)
{
    static uint8_t bytes[4][PAGE_SIZE];

    return bytes[pg->tag];
}

void *memmove(void *to, const void *from, size_t size)
{
    CHECK(__CPROVER_w_ok(to, size) && __CPROVER_r_ok(from, size));
    return to;
}

void page_put(struct page *pg)
{
    CHECK(pg->count != 0);
    pg->count--;
}

struct page *p2m_get_page(struct domain *d, gfn_t gfn, bool write __unused)
{
    struct page *pg = pages[d->id * 2u + (gfn.n & 1u)];

    if (nondet_bool()) {
        return NULL;
    }
    pg->count++;
    return pg;
}

int p2m_map(struct domain *d, gfn_t gfn, uint64_t nr, struct p2m_leaf leaf)
{
    CHECK(d == domains[MAPPER] && nr == 1 && leaf.kind == P2M_GRANT && leaf.mfn.n < 4);
    if (nondet_bool()) {
        return -ENOMEM;
    }
    leaves[gfn.n % NR_LEAVES] =
        (struct leaf){.pg = pages[leaf.mfn.n & 3u], .write = (leaf.flags & P2M_WRITE) != 0};
    return 0;
}

int p2m_take_pages(struct domain *d, const gfn_t *gfn, unsigned int nr, struct p2m_leaf *leaf)
{
    unsigned int i;

    CHECK(d == domains[MAPPER] && nr <= NR_UNMAPS);
    for (i = 0; i < nr; i++) {
        struct leaf *at = &leaves[gfn[i].n % NR_LEAVES];

        CHECK(leaf[i].kind == P2M_GRANT);
        if (at->pg == NULL || at->pg->tag != leaf[i].mfn.n ||
            at->write != ((leaf[i].flags & P2M_WRITE) != 0) || nondet_bool()) {
            break;
        }
        at->pg = NULL;
    }
    return i != 0 ? (int)i : -ENOENT;
}

void *page_alloc(unsigned int order __unused)
{
    return nondet_bool() ? &handle1 : NULL; /* the only one that map_grow can ask for */
}
