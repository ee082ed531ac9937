/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small objects of the hypervisor: pages cut into equal pieces, one list of pages with room for
 * each size; larger objects are whole pages. Everything handed out is zero. Who frees an object
 * knows its size.
 */
#include <arch/mm.h>
#include <xen/alloc_fault.h>
#include <xen/bitops.h>
#include <xen/buddy.h>
#include <xen/heap.h>
#include <xen/lib.h>
#include <xen/list.h>
#include <xen/page_alloc.h>
#include <xen/printk.h>
#include <xen/spinlock.h>
#include <xen/string.h>

#define SLAB_MAGIC 0x736c6162u
#define SLAB_HEAD  64u /* bytes at the start of a page before the first piece */

/* Piece sizes: multiples of 16 up to 48, then of ARCH_CACHE_LINE; as many as fit into a page
 * without much waste. */
static const uint16_t sizes[] = {16,  32,  48,  64,  128, 192,  256,
                                 320, 448, 576, 768, 960, 1344, 1984};

struct slab {
    struct list link; /* in slabs[], only while it has room */
    uint32_t magic;
    uint16_t class;
    uint16_t used;
    void *free;     /* pieces that came back, linked through their first word */
    uint16_t fresh; /* offset of the first piece that was never used, 0: none */
};

BUILD_BUG_ON(sizeof(struct slab) > SLAB_HEAD);
BUILD_BUG_ON(ARCH_CACHE_LINE > 64);

static spinlock_t slab_lock = SPINLOCK_INIT(LOCK_HEAP); /* never together with heap_lock */
static struct list slabs[ARRAY_SIZE(sizes)];            /* next NULL: not initialised yet */
static size_t used_bytes;
static size_t slab_pages; /* debug builds */

static unsigned int heap_class_of(size_t size)
{
    unsigned int class = 0;

    while (sizes[class] < size) {
        class++;
    }
    return class;
}

static struct slab *slab_with_room(unsigned int class)
{
    if (slabs[class].next == NULL) {
        list_init(&slabs[class]);
    }
    return list_first(&slabs[class], struct slab, link);
}

/* Lock held. */
static void slab_count(size_t more)
{
    if (XEN_DEBUG) {
        slab_pages += more;
    }
}

size_t heap_slab_pages(void)
{
    return atomic_load(&slab_pages);
}

static bool slab_full(const struct slab *s)
{
    return s->free == NULL && s->fresh == 0;
}

static void *slab_take(struct slab *s)
{
    uint16_t size = sizes[s->class];
    void *p = s->free;

    if (p != NULL) {
        s->free = *(void **)p;
        memset(p, 0, size);
    } else {
        p = (uint8_t *)s + s->fresh;
        s->fresh = s->fresh + 2u * size <= PAGE_SIZE ? (uint16_t)(s->fresh + size) : 0;
    }
    s->used++;
    used_bytes += size;
    if (slab_full(s)) {
        list_del(&s->link);
    }
    return p;
}

static void *heap_small_alloc(unsigned int class)
{
    struct slab *s, *new = NULL;
    void *p = NULL;

    spin_lock(&slab_lock);
    s = slab_with_room(class);
    if (s == NULL) {
        spin_unlock(&slab_lock);
        new = page_alloc(0);
        spin_lock(&slab_lock);
        s = slab_with_room(class); /* another CPU may have brought one */
        if (s == NULL && new != NULL) {
            s = new;
            *s = (struct slab){.magic = SLAB_MAGIC, .class = (uint16_t)class, .fresh = SLAB_HEAD};
            list_add_head(&slabs[class], &s->link);
            slab_count(1);
            new = NULL;
        }
    }
    if (s != NULL) {
        p = slab_take(s);
    }
    spin_unlock(&slab_lock);
    if (new != NULL) {
        page_free(new, 0);
    }
    return p;
}

static void heap_small_free(void *p, size_t size)
{
    struct slab *s = (struct slab *)((uintptr_t)p & PAGE_MASK), *empty = NULL;

    spin_lock(&slab_lock);
    BUG_ON(s->magic != SLAB_MAGIC || s->used == 0);
    if (XEN_DEBUG) {
        BUG_ON(s->class != heap_class_of(size));
    }
    if (slab_full(s)) {
        list_add_tail(&slabs[s->class], &s->link);
    }
    *(void **)p = s->free;
    s->free = p;
    s->used--;
    used_bytes -= sizes[s->class];
    /* Keep one page per size, so that one object coming and going costs no page. */
    if (s->used == 0 && (s->link.next != &slabs[s->class] || s->link.prev != &slabs[s->class])) {
        list_del(&s->link);
        s->magic = 0;
        slab_count((size_t)-1);
        empty = s;
    }
    spin_unlock(&slab_lock);
    if (empty != NULL) {
        page_free(empty, 0);
    }
}

static void heap_pages_free(uint8_t *va, uint64_t pages)
{
    for (uint64_t i = 0; i < pages; i++) {
        page_free(va + i * PAGE_SIZE, 0);
    }
}

static void heap_large_count(uint64_t bytes)
{
    spin_lock(&slab_lock);
    used_bytes += bytes;
    spin_unlock(&slab_lock);
}

static void *heap_large_alloc(size_t size)
{
    uint64_t pages = div_round_up(size, PAGE_SIZE);
    unsigned int order = log2_up_u64(pages);
    uint8_t *va = page_alloc(order);

    if (va != NULL) {
        heap_pages_free(va + pages * PAGE_SIZE, (1ull << order) - pages);
        heap_large_count(pages * PAGE_SIZE);
    }
    return va;
}

static void heap_large_free(void *p, size_t size)
{
    uint64_t pages = div_round_up(size, PAGE_SIZE);

    BUG_ON(((uintptr_t)p & ~PAGE_MASK) != 0);
    heap_large_count(-(pages * PAGE_SIZE));
    heap_pages_free(p, pages);
}

static bool heap_is_small(size_t size)
{
    return size <= sizes[ARRAY_SIZE(sizes) - 1u];
}

void *heap_alloc(size_t size)
{
    if (size > (PAGE_SIZE << BUDDY_MAX_ORDER) || alloc_fault()) {
        return NULL;
    }
    return heap_is_small(size) ? heap_small_alloc(heap_class_of(size)) : heap_large_alloc(size);
}

void heap_free(void *p, size_t size)
{
    if (p == NULL) {
        return;
    }
    if (heap_is_small(size)) {
        heap_small_free(p, size);
    } else {
        heap_large_free(p, size);
    }
}

size_t heap_used(void)
{
    size_t used;

    spin_lock(&slab_lock);
    used = used_bytes;
    spin_unlock(&slab_lock);
    return used;
}

static bool slab_is_sound(const struct slab *s, unsigned int class)
{
    unsigned int room = (unsigned int)(PAGE_SIZE - SLAB_HEAD) / sizes[class], free = 0;
    const void *const *p;

    for (p = s->free; p != NULL && free <= room; p = *p) {
        if (((uintptr_t)p & PAGE_MASK) != (uintptr_t)s) {
            return false;
        }
        free++;
    }
    if (s->fresh != 0) {
        free += (unsigned int)(PAGE_SIZE - s->fresh) / sizes[class];
    }
    return s->magic == SLAB_MAGIC && s->class == class && s->used + free == room;
}

bool heap_is_sound(void)
{
    const struct slab *s;
    bool sound = true;

    spin_lock(&slab_lock);
    for (unsigned int class = 0; class < ARRAY_SIZE(sizes); class++) {
        if (slabs[class].next != NULL) {
            list_for_each(s, &slabs[class], link) {
                sound = sound && slab_is_sound(s, class);
            }
        }
    }
    spin_unlock(&slab_lock);
    return sound;
}
