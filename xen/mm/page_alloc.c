/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole pages for the hypervisor's own use, and sharing them with domains. At boot: what describes
 * RAM, and the free memory for the allocator. Who has which page is in page.c, free blocks are in
 * buddy.c.
 */
#include <arch/mm.h>
#include <xen/alloc_fault.h>
#include <xen/errno.h>
#include <xen/lib.h>
#include <xen/memmap.h>
#include <xen/page.h>
#include <xen/page_alloc.h>
#include <xen/printk.h>
#include <xen/rangeset.h>

static void page_zero_range(void *va, uint64_t nr)
{
    for (uint64_t i = 0; i < nr; i++) {
        arch_page_zero((uint8_t *)va + i * PAGE_SIZE);
    }
}

static void __noreturn page_blame_fragments(void)
{
    panic("/reserved-memory leaves too many fragments of free RAM: join some of its ranges\n");
}

/* What describes a GiB, out of the highest free memory that holds it: chunks, buddies. 48 KiB. */
static void page_describe(struct rangeset *free, uint64_t gib)
{
    uint64_t chunks = MEM_CHUNKS_PER_GIB * sizeof(struct chunk), start;
    uint64_t size = round_up(chunks + BUDDY_GIB_SIZE, PAGE_SIZE);

    if (rangeset_place(free, size, PAGE_SIZE, 0, UINT64_MAX, true, &start) != 0) {
        panic("Not enough free RAM in /memory for the page allocator: %lu KiB per GiB are needed\n",
              size >> 10);
    }
    if (rangeset_remove(free, start, start + size) != 0) {
        page_blame_fragments();
    }
    mem_chunks[gib] = arch_pa_to_va(start);
    page_zero_range(mem_chunks[gib], size >> PAGE_SHIFT);
    buddy_add_gib(gib, &mem_chunks[gib][MEM_CHUNKS_PER_GIB]);
}

void page_alloc_init(void (*take)(struct rangeset *free))
{
    static struct range ranges[2u * (MAX_MEM_BANKS + MAX_RESERVED_BANKS) + 64u];
    struct rangeset free = RANGESET_INIT(ranges);

    if (memmap_free(&free) != 0) {
        page_blame_fragments();
    }
    for (uint32_t i = 0; i < host_memmap.ram.count; i++) {
        const struct range *b = &host_memmap.ram.ranges[i];

        for (uint64_t gib = b->start >> MEM_GIB_SHIFT; gib << MEM_GIB_SHIFT < b->end; gib++) {
            if (mem_chunks[gib] == NULL) {
                page_describe(&free, gib);
            }
        }
    }
    take(&free);
    spin_lock(&heap_lock);
    if (host_memmap.nr_reach != 0) {
        buddy_spare_below(host_memmap.reach[0].end);
    }
    for (uint32_t i = 0; i < free.count; i++) {
        buddy_give_range(free.ranges[i].start >> PAGE_SHIFT, free.ranges[i].end >> PAGE_SHIFT,
                         false);
    }
    if (XEN_DEBUG) {
        page_hold(memmap_ram_pages() - buddy_free_pages(0));
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
    page_let_go((end - start) >> PAGE_SHIFT);
    spin_unlock(&heap_lock);
}

void *page_alloc(unsigned int order)
{
    uint64_t frame;
    bool clean;
    void *va;

    if (alloc_fault()) {
        return NULL;
    }
    spin_lock(&heap_lock);
    frame = buddy_alloc(order, 0, BUDDY_ANY_CLEAN_FIRST, &clean);
    page_hold(frame != BUDDY_NO_FRAME ? 1ull << order : 0);
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

/* Is the page still referenced as a shared one? Then the last reference frees it. */
static bool page_free_later(uint64_t frame)
{
    struct chunk *c = chunk_of_pa(frame << PAGE_SHIFT);
    struct page *pg = c->state == CHUNK_SPLIT ? page_at(frame) : NULL;

    /* The flag stays until page_last runs: a count of 0 only means that it waits for the lock we
     * hold. */
    if (pg == NULL || (pg->tag & PAGE_XEN) == 0) {
        return false;
    }
    atomic_store(&pg->tag, pg->tag | PAGE_FREE_LATE);
    return true;
}

void page_free(void *va, unsigned int order)
{
    uint64_t frame = arch_va_to_pa(va) >> PAGE_SHIFT;

    spin_lock(&heap_lock);
    if (order != 0 || !page_free_later(frame)) {
        buddy_give(frame, order, false);
        page_let_go(1ull << order);
    }
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
    pages = buddy_free_pages(limit);
    spin_unlock(&heap_lock);
    return pages;
}

int page_share(void *va, struct domain *d)
{
    uint64_t frame = arch_va_to_pa(va) >> PAGE_SHIFT;
    struct page *pg;

    spin_lock(&heap_lock);
    pg = page_begin(frame, 1);
    if (pg != NULL) {
        pg->tag = (uint32_t)frame << PAGE_TAG_FRAME | PAGE_XEN;
        pg->owner = d;
        pg->user = 0;
        /* Release: as in page.c. */
        atomic_store_release(&pg->count, 1u);
    }
    spin_unlock(&heap_lock);
    return pg != NULL ? 0 : -ENOMEM;
}

void page_unshare(void *va)
{
    struct page *pg;

    spin_lock(&heap_lock);
    pg = page_peek((mfn_t){arch_va_to_pa(va) >> PAGE_SHIFT});
    if (pg != NULL && (pg->tag & PAGE_XEN) != 0) {
        atomic_store(&pg->owner, (struct domain *)NULL);
        page_drop(pg);
    }
    spin_unlock(&heap_lock);
}
