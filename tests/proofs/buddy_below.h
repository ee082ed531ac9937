/* SPDX-License-Identifier: Apache-2.0 */
/* For buddy.c: pages, what is free of them, and contracts of what is below. */
#pragma once

#define ZONE_PAGES (1u << BUDDY_MAX_ORDER)
#define ZONE_MASK  ((1u << ZONE_PAGES) - 1u)
#define NR_PAGES   (NR_ZONES * ZONE_PAGES)
#define NO_PAGE    NR_PAGES
#define NO_ORDER   NR_ORDERS

/* An object for each page, not an array: the checker knows which of them a pointer can mean. */
static struct page_of_ram {
    struct free_block links;
    uint64_t rest;
    uint64_t frame; /* the harness's: it stays */
} page0, page1, page2, page3, page4, page5, page6, page7;
static struct page_of_ram *const ram[] = {&page0, &page1, &page2, &page3,
                                          &page4, &page5, &page6, &page7};
BUILD_BUG_ON(ARRAY_SIZE(ram) != NR_PAGES);

/* What is free: of each page the order of the block that begins there, and whether it is clean. */
static struct layout {
    uint8_t order[NR_PAGES];
    bool clean[NR_PAGES];
} now;
/* The lists, by numbers of pages. */
static uint8_t next[NR_PAGES], prev[NR_PAGES], first[NR_ZONES][2][NR_ORDERS];
static uint8_t place[NR_PAGES]; /* grows along a list, so that it has an end */
static uint64_t bits[NR_ZONES];
static uint32_t linked;        /* pages that began with links before this operation */
static bool cleaned[NR_PAGES]; /* in it, the beginning of the page was cleaned to RAM */
struct cpu *proof_cpu;

void *proof_va(paddr_t pa)
{
    CHECK(pa >> PAGE_SHIFT < NR_PAGES);
    return ram[pa >> PAGE_SHIFT];
}

paddr_t proof_pa(const void *va)
{
    return ((const struct page_of_ram *)va)->frame << PAGE_SHIFT;
}

void *memset(void *to, int byte, size_t size)
{
    CHECK(byte == 0 && size == sizeof(struct free_block));
    *(struct free_block *)to = (struct free_block){.next = NULL};
    return to;
}

void arch_page_zero(void *va)
{
    struct page_of_ram *p = va;

    p->links = (struct free_block){.next = NULL};
    p->rest = 0;
}

void arch_cache_clean(const void *va, size_t size __unused)
{
    cleaned[proof_pa(va) >> PAGE_SHIFT] = true;
}

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

static uint32_t block(uint64_t frame, unsigned int order)
{
    return ((1u << (1u << order)) - 1u) << frame;
}

static bool is_aligned_block(uint64_t frame, unsigned int order)
{
    return order <= BUDDY_MAX_ORDER && frame < NR_PAGES && (frame & ((1u << order) - 1u)) == 0;
}

/* The free block where page f is. NULL: NO_PAGE. It is one of the zone's, and aligned. */
static struct free_block *block_at(unsigned int zone, unsigned int order, unsigned int f)
{
    struct free_block *b = NULL;

    for (unsigned int i = 0; i < ZONE_PAGES; i += 1u << order) {
        if (f == zone * ZONE_PAGES + i) {
            b = &ram[zone * ZONE_PAGES + i]->links;
        }
    }
    return b;
}

static unsigned int frame_of(const struct free_block *b)
{
    unsigned int f = NO_PAGE;

    for (unsigned int i = 0; i < NR_PAGES; i++) {
        f = b == &ram[i]->links ? i : f;
    }
    CHECK(f != NO_PAGE || b == NULL);
    return f;
}

static bool page_is_zero(unsigned int f)
{
    const struct page_of_ram *p = ram[f];

    return p->rest == 0 && p->links.next == NULL && p->links.prev == NULL && p->links.magic == 0 &&
           p->links.order == 0 && p->links.clean == 0;
}

static bool pages_are_zero(uint32_t pages)
{
    bool good = true;

    for (unsigned int f = 0; f < NR_PAGES; f++) {
        good = good && ((pages >> f & 1u) == 0 || page_is_zero(f));
    }
    return good;
}

/* RAM has what these pages have in caches. */
static bool pages_are_in_ram(uint32_t pages)
{
    bool good = true;

    for (unsigned int f = 0; f < NR_PAGES; f++) {
        good = good && (((pages & linked) >> f & 1u) == 0 || cleaned[f]);
    }
    return good;
}

/* A free block of this order begins at f: it lies there alone, and is joined with its buddy. */
static bool layout_fits(unsigned int f, unsigned int order)
{
    unsigned int buddy = f ^ 1u << order;
    bool good = f != 0 && is_aligned_block(f, order);

    for (unsigned int i = 1; good && i < 1u << order; i++) {
        good = now.order[f + i] == NO_ORDER;
    }
    if (good && order < BUDDY_MAX_ORDER && now.order[buddy] == order) {
        good = order >= CHUNK_ORDER && now.clean[buddy] != now.clean[f];
    }
    return good;
}

static bool layout_is_valid(void)
{
    bool good = true;

    for (unsigned int f = 0; f < NR_PAGES; f++) {
        for (unsigned int order = 0; order < NR_ORDERS; order++) {
            if (now.order[f] == order) {
                good = good && layout_fits(f, order);
            }
        }
    }
    return good;
}

/* The pages of free blocks; `clean`: only of clean ones, and not the first of each. */
static uint32_t layout_pages(bool clean)
{
    uint32_t all = 0;

    for (unsigned int f = 0; f < NR_PAGES; f++) {
        for (unsigned int order = 0; order < NR_ORDERS; order++) {
            if (now.order[f] == order && (!clean || now.clean[f])) {
                all |= block(f, order) & ~(clean ? 1u << f : 0);
            }
        }
    }
    return all;
}

static uint64_t count(uint32_t pages)
{
    uint8_t n = 0;

    for (unsigned int f = 0; f < NR_PAGES; f++) {
        n += pages >> f & 1u;
    }
    return n;
}

/* The pages where free blocks begin. */
static uint32_t layout_starts(void)
{
    uint32_t starts = 0;

    for (unsigned int f = 0; f < NR_PAGES; f++) {
        starts |= now.order[f] != NO_ORDER ? 1u << f : 0;
    }
    return starts;
}

/* Of each pair of buddies, whether just one of them is free. */
static uint64_t layout_bits(unsigned int zone)
{
    uint64_t word = 0;
    unsigned int at = 0;

    for (unsigned int order = 0; order < BUDDY_MAX_ORDER; order++) {
        for (unsigned int i = 0; i < ZONE_PAGES; i += 2u << order) {
            unsigned int f = zone * ZONE_PAGES + i;

            if ((now.order[f] == order) != (now.order[f + (1u << order)] == order)) {
                word |= 1ull << at;
            }
            at++;
        }
    }
    return word;
}

/* The pages of clean blocks, their links apart. */
static bool clean_is_zero(void)
{
    bool good = pages_are_zero(layout_pages(true));

    for (unsigned int f = 0; f < NR_PAGES; f++) {
        good = good && (now.order[f] == NO_ORDER || !now.clean[f] || ram[f]->rest == 0);
    }
    return good;
}
