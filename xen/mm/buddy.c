/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Free memory: the buddy allocator's blocks and bits, where memory is taken from, and scrubbing.
 * <xen/buddy.h> says how it works. It does not know owners, and who may have what.
 */
#include <arch/mm.h>
#include <xen/atomic.h>
#include <xen/bitops.h>
#include <xen/buddy.h>
#include <xen/errno.h>
#include <xen/lib.h>
#include <xen/printk.h>
#include <xen/string.h>

#define NR_ZONES    11u /* below 1 GiB, then up to each power of two, up to 1 TiB */
#define NR_ORDERS   (BUDDY_MAX_ORDER + 1u)
#define GIB_PAGES   (1ull << BUDDY_MAX_ORDER)
#define BLOCK_MAGIC 0x66726565u
#define SLICE_PAGES 8u /* scrubbed at once: 6,000 instructions */

BUILD_BUG_ON(BUDDY_MAX_ORDER != MEM_GIB_SHIFT - PAGE_SHIFT);
BUILD_BUG_ON(MEM_MAX_GIBS != 1u << (NR_ZONES - 1u));

struct free_block {
    struct free_block *next, *prev; /* of one zone, order and cleanness */
    uint32_t magic;
    uint16_t order;
    uint16_t clean;
};

struct zone {
    struct free_block *head[2][NR_ORDERS]; /* [clean] */
    uint32_t orders[2];                    /* bit per list that is not empty */
    uint64_t free_pages, scrubbed_pages;   /* in lists; out of them, being scrubbed */
};

spinlock_t heap_lock = SPINLOCK_INIT(LOCK_HEAP);
static struct zone zones[NR_ZONES];
static uint64_t *buddies[MEM_MAX_GIBS];
static int spared; /* zones below this one are for devices of limited reach */
static struct buddy_scrub idle_scrub;

static struct free_block *buddy_block(uint64_t frame)
{
    return arch_pa_to_va(frame << PAGE_SHIFT);
}

static uint64_t buddy_block_frame(const struct free_block *b)
{
    return arch_va_to_pa(b) >> PAGE_SHIFT;
}

unsigned int buddy_zone(uint64_t frame)
{
    return fls64(frame >> BUDDY_MAX_ORDER);
}

int buddy_zone_below(paddr_t limit)
{
    if (limit == 0) {
        return (int)NR_ZONES - 1;
    }
    return (int)min_u32(log2_u64(limit | 1u), MEM_GIB_SHIFT + NR_ZONES - 1u) - (int)MEM_GIB_SHIFT;
}

void buddy_add_gib(uint64_t gib, void *bits)
{
    buddies[gib] = bits;
}

void buddy_spare_below(paddr_t end)
{
    spared = (int)buddy_zone((end - 1u) >> PAGE_SHIFT) + 1;
}

uint64_t buddy_free_pages(paddr_t limit)
{
    uint64_t sum = 0;

    for (int z = buddy_zone_below(limit); z >= 0; z--) {
        sum += zones[z].free_pages + zones[z].scrubbed_pages;
    }
    return sum;
}

/* The block becomes free, or stops being free, at this order: true if its buddy is free at the same
 * order. */
static bool buddy_toggle(uint64_t frame, unsigned int order)
{
    uint64_t bit, mask, *word;

    if (order == BUDDY_MAX_ORDER) {
        return false;
    }
    /* The bits of order 0 come first, then half as many of order 1, ... */
    bit = GIB_PAGES - (GIB_PAGES >> order) + ((frame & (GIB_PAGES - 1u)) >> (order + 1u));
    mask = 1ull << (bit % 64u);
    word = &buddies[frame >> BUDDY_MAX_ORDER][bit / 64u];
    *word ^= mask;
    return (*word & mask) == 0;
}

static void buddy_block_insert(uint64_t frame, unsigned int order, bool clean)
{
    struct zone *z = &zones[buddy_zone(frame)];
    struct free_block *b = buddy_block(frame), *next = z->head[clean][order];

    *b = (struct free_block){
        .next = next, .magic = BLOCK_MAGIC, .order = (uint16_t)order, .clean = clean};
    if (next != NULL) {
        next->prev = b;
    }
    z->head[clean][order] = b;
    z->orders[clean] |= 1u << order;
}

static void buddy_block_remove(struct free_block *b, uint64_t frame)
{
    struct zone *z = &zones[buddy_zone(frame)];

    BUG_ON(b->magic != BLOCK_MAGIC);
    if (b->next != NULL) {
        b->next->prev = b->prev;
    }
    if (b->prev != NULL) {
        b->prev->next = b->next;
        return;
    }
    z->head[b->clean][b->order] = b->next;
    if (b->next == NULL) {
        z->orders[b->clean] &= ~(1u << b->order);
    }
}

/* The links of a block that is clean otherwise: zero them, also behind the caches. */
static void buddy_block_wipe(struct free_block *b)
{
    memset(b, 0, sizeof(*b));
    arch_cache_clean(b, sizeof(*b));
}

void buddy_give(uint64_t frame, unsigned int order, bool clean)
{
    zones[buddy_zone(frame)].free_pages += 1ull << order;
    while (buddy_toggle(frame, order)) {
        uint64_t buddy = frame ^ (1ull << order);
        struct free_block *b = buddy_block(buddy);
        bool both = clean && b->clean != 0;

        if (order >= CHUNK_ORDER && clean != (b->clean != 0)) {
            break;
        }
        /* Neither is free at this order any more: the bit is right already. */
        buddy_block_remove(b, buddy);
        if (both) {
            buddy_block_wipe(b);
        }
        clean = both;
        frame &= ~(1ull << order);
        order++;
    }
    buddy_block_insert(frame, order, clean);
}

void buddy_give_range(uint64_t frame, uint64_t end, bool clean)
{
    while (frame < end) {
        unsigned int order = log2_u64(end - frame);

        order = frame != 0 ? min_u32(order, ctz64(frame)) : order;
        order = min_u32(order, BUDDY_MAX_ORDER);
        buddy_give(frame, order, clean);
        frame += 1ull << order;
    }
}

/* Take a listed block out; its upper `1 << order` pages are the caller's, the rest goes back in
 * halves. */
static uint64_t buddy_block_split(struct free_block *b, unsigned int order)
{
    uint64_t frame = buddy_block_frame(b);
    unsigned int has = b->order;
    bool clean = b->clean != 0;

    buddy_block_remove(b, frame);
    buddy_toggle(frame, has);
    zones[buddy_zone(frame)].free_pages -= 1ull << order;
    while (has > order) {
        has--;
        /* The lower half is free now at this order, the upper one is not: no merge is possible. */
        buddy_toggle(frame, has);
        buddy_block_insert(frame, has, clean);
        frame += 1ull << has;
    }
    /* If it was not split, its own links are at its start. Split off, its start was never
     * written. */
    if (clean && frame == buddy_block_frame(b)) {
        buddy_block_wipe(b);
    }
    return frame;
}

static struct free_block *buddy_zone_find(const struct zone *z, unsigned int order,
                                          enum buddy_want want)
{
    uint32_t above = ~0u << order, any;
    uint32_t clean = want == BUDDY_DIRTY ? 0 : z->orders[1] & above;
    uint32_t dirty = want == BUDDY_CLEAN ? 0 : z->orders[0] & above;
    unsigned int found;
    bool take_clean;

    any = clean | dirty;
    if (any == 0) {
        return NULL;
    }
    found = ctz64(any);
    take_clean =
        (clean >> found & 1u) != 0 && (want != BUDDY_ANY_DIRTY_FIRST || (dirty >> found & 1u) == 0);
    return z->head[take_clean][found];
}

uint64_t buddy_take(unsigned int order, int floor, int zone, enum buddy_want want, bool *clean)
{
    if (order > BUDDY_MAX_ORDER) {
        return BUDDY_NO_FRAME;
    }
    for (; zone >= floor; zone--) {
        struct free_block *b = buddy_zone_find(&zones[zone], order, want);

        if (b != NULL) {
            *clean = b->clean != 0;
            return buddy_block_split(b, order);
        }
    }
    return BUDDY_NO_FRAME;
}

void buddy_scrub_pages(uint64_t frame, uint64_t nr)
{
    for (; nr != 0; nr--, frame++) {
        void *va = buddy_block(frame);

        arch_page_zero(va);
        /* The next owner may read memory behind the caches: it must not find what was there before
         * (XSA-364). */
        arch_cache_clean(va, PAGE_SIZE);
    }
}

/* The block is the caller's. */
static uint64_t buddy_scrub_end(struct buddy_scrub *s)
{
    uint64_t frame = s->start;

    zones[buddy_zone(frame)].scrubbed_pages -= 1ull << s->order;
    s->start = 0;
    return frame;
}

bool buddy_scrub_cancel(struct buddy_scrub *s)
{
    if (s->start == 0) {
        return false;
    }
    buddy_give(buddy_scrub_end(s), s->order, false);
    return true;
}

/* The block is clean: its first 2^order pages are the caller's. */
static uint64_t buddy_scrub_hand_out(struct buddy_scrub *s, unsigned int order)
{
    uint64_t frame = buddy_scrub_end(s);

    for (unsigned int has = s->order; has > order; has--) {
        buddy_give(frame + (1ull << (has - 1u)), has - 1u, true);
    }
    return frame;
}

/* Begin with another block; false: there is none, and what was begun elsewhere stays. */
static bool buddy_scrub_begin(struct buddy_scrub *s, unsigned int order, int floor, int zone)
{
    bool clean;
    uint64_t frame = buddy_take(order, floor, zone, BUDDY_DIRTY, &clean);

    if (frame == BUDDY_NO_FRAME) {
        return false;
    }
    buddy_scrub_cancel(s);
    *s = (struct buddy_scrub){.start = frame, .next = frame, .order = order};
    zones[buddy_zone(frame)].scrubbed_pages += 1ull << order;
    return true;
}

/* *s has a dirty block of at least `order` in zones [floor, zone], the one it had or another
 * one. */
static bool buddy_scrub_find(struct buddy_scrub *s, unsigned int order, int floor, int zone)
{
    int at = (int)buddy_zone(s->start);
    bool here = s->start != 0 && at >= floor && at <= zone;

    if (here && s->order < order) {
        here = !buddy_scrub_cancel(s);
    }
    return here || buddy_scrub_begin(s, order, floor, zone);
}

/* Scrub up to `pages` pages; true: all of the block is done. */
static bool buddy_scrub_slice(struct buddy_scrub *s, uint64_t pages)
{
    uint64_t end = s->start + (1ull << s->order);

    pages = min_u64(pages, end - s->next);
    buddy_scrub_pages(s->next, pages);
    s->next += pages;
    return s->next == end;
}

/* What idle CPUs are scrubbing in zones [floor, zone] is free again; false: nothing. */
static bool buddy_scrub_give_back(int floor, int zone)
{
    int at = (int)buddy_zone(idle_scrub.start);

    return at >= floor && at <= zone && buddy_scrub_cancel(&idle_scrub);
}

/* Without the lock: a hint. */
static bool buddy_has_dirty(void)
{
    uint32_t orders = 0;

    for (unsigned int z = 0; z < NR_ZONES; z++) {
        orders |= READ_ONCE(zones[z].orders[0]);
    }
    return orders != 0 || READ_ONCE(idle_scrub.start) != 0;
}

static bool scrub_allowed;

void buddy_scrub_start(void)
{
    atomic_store_release(&scrub_allowed, true);
}

bool buddy_scrub_idle(void)
{
    static uint32_t busy; /* one CPU at a time: two would mostly wait for the lock */
    bool found = false;

    if (!atomic_load_acquire(&scrub_allowed) || !buddy_has_dirty() ||
        atomic_exchange(&busy, 1u) != 0) {
        return false;
    }
    spin_lock(&heap_lock);
    /* What was begun, then chunks, then smaller blocks, which are found only at just their
     * order. */
    for (int order = idle_scrub.start != 0 ? 0 : (int)CHUNK_ORDER; order >= 0 && !found; order--) {
        found = buddy_scrub_find(&idle_scrub, (unsigned int)order, 0, NR_ZONES - 1);
    }
    if (found && buddy_scrub_slice(&idle_scrub, 1u)) {
        buddy_give(buddy_scrub_end(&idle_scrub), idle_scrub.order, true);
    }
    spin_unlock(&heap_lock);
    atomic_store_release(&busy, 0u);
    return found;
}

uint64_t buddy_alloc(unsigned int order, paddr_t limit, enum buddy_want want, bool *clean)
{
    int zone = buddy_zone_below(limit);

    for (int floor = spared;; floor = 0) {
        uint64_t frame = buddy_take(order, floor, zone, want, clean);

        if (frame == BUDDY_NO_FRAME && buddy_scrub_give_back(floor, zone)) {
            frame = buddy_take(order, floor, zone, want, clean);
        }
        if (frame != BUDDY_NO_FRAME || floor == 0) {
            return frame;
        }
    }
}

int buddy_alloc_clean(struct buddy_scrub *s, unsigned int order, paddr_t limit, uint64_t *frame)
{
    int zone = buddy_zone_below(limit);
    bool clean;

    for (int floor = spared;; floor = 0) {
        *frame = buddy_take(order, floor, zone, BUDDY_CLEAN, &clean);
        if (*frame != BUDDY_NO_FRAME) {
            return 0;
        }
        if (buddy_scrub_find(s, order, floor, zone) ||
            (buddy_scrub_give_back(floor, zone) && buddy_scrub_find(s, order, floor, zone))) {
            break;
        }
        if (floor == 0) {
            return -ENOMEM;
        }
    }
    if (s->next != s->start + (1ull << s->order)) {
        (void)buddy_scrub_slice(s, SLICE_PAGES);
        return -ERESTART;
    }
    *frame = buddy_scrub_hand_out(s, order);
    return 0;
}

/* What follows uses none of the statics above, so that release builds stay as they are without it. */

/* Its buddy is free at the same order only if the two must not merge. */
static bool buddy_sound(const struct free_block *b, uint64_t frame, unsigned int order, bool clean)
{
    uint64_t bit = GIB_PAGES - (GIB_PAGES >> order) + ((frame & (GIB_PAGES - 1u)) >> (order + 1u));
    const struct free_block *buddy = arch_pa_to_va((frame ^ 1ull << order) << PAGE_SHIFT);
    bool both = order < BUDDY_MAX_ORDER &&
                (buddies[frame >> BUDDY_MAX_ORDER][bit / 64u] >> bit % 64u & 1u) == 0;

    return b->magic == BLOCK_MAGIC && b->order == order && (b->clean != 0) == clean &&
           is_aligned(frame, 1ull << order) && (b->next == NULL || b->next->prev == b) &&
           (!both || (order >= CHUNK_ORDER && (buddy->clean != 0) != clean));
}

static bool buddy_list_each(const struct zone *z, unsigned int order, bool clean,
                            buddy_block_fn *fn)
{
    bool listed = (z->orders[clean] >> order & 1u) != 0, more = true;

    for (const struct free_block *b = z->head[clean][order]; b != NULL && more; b = b->next) {
        uint64_t frame = arch_va_to_pa(b) >> PAGE_SHIFT;

        more = fn(frame, order,
                  listed && z == &zones[buddy_zone(frame)] && buddy_sound(b, frame, order, clean));
    }
    return more;
}

struct buddy_scrub buddy_each(buddy_block_fn *fn)
{
    bool more = true;

    for (unsigned int i = 0; i < NR_ZONES * NR_ORDERS && more; i++) {
        const struct zone *z = &zones[i / NR_ORDERS];

        more = buddy_list_each(z, i % NR_ORDERS, false, fn) &&
               buddy_list_each(z, i % NR_ORDERS, true, fn);
    }
    return idle_scrub;
}
