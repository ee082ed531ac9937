/*
 * Memory of the hypervisor: setting the allocator up at boot, whole pages for the hypervisor's own
 * use, the counts that the tools ask for, idle-time scrubbing. What domains own is in page_own.c,
 * free blocks are in buddy.c.
 */
#include <arch/mm.h>
#include <xen/bitops.h>
#include <xen/buddy.h>
#include <xen/lib.h>
#include <xen/memmap.h>
#include <xen/page_own.h>
#include <xen/printk.h>

#define ALL_ZONES buddy_zone_below(0)

/* Free RAM at boot, until the allocator has it. */
static struct range fragments[2u * (MAX_MEM_BANKS + MAX_RESERVED_BANKS) + 64u];
static uint64_t total_pages;
int page_floor;

static void page_zero_range(void *va, uint64_t nr)
{
    for (uint64_t i = 0; i < nr; i++) {
        arch_page_zero((uint8_t *)va + i * PAGE_SIZE);
    }
}

/* The description of one GiB, zeroed, out of the highest free memory that holds it. */
static struct mem_gib *page_gib_create(struct rangeset *set)
{
    uint64_t start, size = round_up(sizeof(struct mem_gib), PAGE_SIZE);
    void *va;

    if (rangeset_place(set, size, PAGE_SIZE, 0, UINT64_MAX, true, &start) != 0) {
        panic("Not enough free RAM in /memory for the page allocator: %lu KiB per GiB are needed\n",
              size >> 10);
    }
    if (rangeset_remove(set, start, start + size) != 0) {
        panic("/reserved-memory leaves too many fragments of free RAM: join some of its ranges\n");
    }
    va = arch_pa_to_va(start);
    page_zero_range(va, size >> PAGE_SHIFT);
    return va;
}

void page_alloc_init(void (*take)(struct rangeset *free))
{
    struct rangeset set = RANGESET_INIT(fragments);

    if (memmap_free(&set) != 0) {
        panic("/reserved-memory leaves too many fragments of free RAM: join some of its ranges\n");
    }
    for (unsigned int i = 0; i < host_memmap.nr_ram; i++) {
        const struct mem_bank *b = &host_memmap.ram[i];

        total_pages += (b->end - b->start) >> PAGE_SHIFT;
        for (uint64_t gib = b->start >> MEM_GIB_SHIFT; gib << MEM_GIB_SHIFT < b->end; gib++) {
            mem_gibs[gib] = mem_gibs[gib] == NULL ? page_gib_create(&set) : mem_gibs[gib];
        }
    }
    if (host_memmap.nr_reach != 0) {
        page_floor = (int)buddy_zone((host_memmap.reach[0].end - 1u) >> PAGE_SHIFT) + 1;
    }
    take(&set);
    spin_lock(&heap_lock);
    for (uint32_t i = 0; i < set.count; i++) {
        buddy_give_range(set.ranges[i].start >> PAGE_SHIFT, set.ranges[i].end >> PAGE_SHIFT, false);
    }
    spin_unlock(&heap_lock);
}

static struct buddy_scrub idle_scrub;

bool page_scrub_give_back(int floor, int zone)
{
    int at = (int)buddy_zone(idle_scrub.start);

    return at >= floor && at <= zone && buddy_scrub_cancel(&idle_scrub);
}

uint64_t page_take(unsigned int order, int zone, enum buddy_want want, bool *clean)
{
    for (int floor = page_floor;; floor = 0) {
        uint64_t frame = buddy_take(order, floor, zone, want, clean);

        if (frame == BUDDY_NO_FRAME && page_scrub_give_back(floor, zone)) {
            frame = buddy_take(order, floor, zone, want, clean);
        }
        if (frame != BUDDY_NO_FRAME || floor == 0) {
            return frame;
        }
    }
}

void *page_alloc(unsigned int order)
{
    uint64_t frame;
    bool clean;
    void *va;

    spin_lock(&heap_lock);
    frame = page_take(order, ALL_ZONES, BUDDY_ANY_CLEAN_FIRST, &clean);
    spin_unlock(&heap_lock);
    if (frame == BUDDY_NO_FRAME) {
        return NULL;
    }
    va = arch_pa_to_va(frame << PAGE_SHIFT);
    if (!clean) {
        page_zero_range(va, 1ull << order);
    }
    return va;
}

void page_free(void *va, unsigned int order)
{
    uint64_t frame = arch_va_to_pa(va) >> PAGE_SHIFT;

    spin_lock(&heap_lock);
    if (order != 0 || !page_free_later(frame)) {
        buddy_give(frame, order, false);
    }
    spin_unlock(&heap_lock);
}

void page_release_reserved(paddr_t start, paddr_t end)
{
    start = round_up(start, PAGE_SIZE);
    end = round_down(end, PAGE_SIZE);
    if (start >= end || !memmap_is_ram(start, end) || !memmap_unreserve(start, end)) {
        return;
    }
    spin_lock(&heap_lock);
    buddy_give_range(start >> PAGE_SHIFT, end >> PAGE_SHIFT, false);
    spin_unlock(&heap_lock);
}

uint64_t page_free_count(void)
{
    return page_free_below(0);
}

uint64_t page_free_below(paddr_t limit)
{
    uint64_t pages;

    spin_lock(&heap_lock);
    pages = buddy_free_pages(buddy_zone_below(limit));
    spin_unlock(&heap_lock);
    return pages;
}

uint64_t page_total_count(void)
{
    return total_pages;
}

bool page_scrub_idle(void)
{
    static uint32_t busy; /* one CPU at a time: two would mostly wait for the lock */
    bool found = false;

    if (!buddy_has_dirty(&idle_scrub) || atomic_exchange(&busy, 1u) != 0) {
        return false;
    }
    spin_lock(&heap_lock);
    /* What was begun, then chunks, then smaller blocks, which are found only at just their order.
     */
    for (int order = idle_scrub.start != 0 ? 0 : (int)CHUNK_ORDER; order >= 0 && !found; order--) {
        found = buddy_scrub(&idle_scrub, (unsigned int)order, 0, ALL_ZONES, 1u, NULL);
    }
    spin_unlock(&heap_lock);
    atomic_store_release(&busy, 0u);
    return found;
}
