/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's memory map: RAM banks and what in them is taken, collected once at boot from the
 * device tree, the image and what the boot reserves. Who gets the rest is page_alloc's business.
 */
#include <arch/mm.h>
#include <xen/buddy.h>
#include <xen/dt.h>
#include <xen/errno.h>
#include <xen/lib.h>
#include <xen/memmap.h>
#include <xen/printk.h>
#include <xen/string.h>

static struct range ram_storage[MAX_MEM_BANKS], reserved_storage[MAX_RESERVED_BANKS];

struct memmap host_memmap = {
    .ram = RANGESET_INIT(ram_storage),
    .reserved = RANGESET_INIT(reserved_storage),
};

/* One bank of RAM: its whole pages, as far as the direct map and the tables of page_alloc reach. */
static int memmap_add_ram(void *context __unused, const char *what, uint64_t start, uint64_t end)
{
    const uint64_t limit = (uint64_t)MEM_MAX_GIBS << MEM_GIB_SHIFT;

    if (end > limit) {
        printk(XENLOG_WARNING "RAM of %s at %#lx-%#lx: what lies above %#lx stays unused\n", what,
               start, end, limit);
        end = limit;
    }
    start = min_u64(start, limit);
    start = round_up(start, PAGE_SIZE);
    end = round_down(end, PAGE_SIZE);
    if (start < end && rangeset_add(&host_memmap.ram, start, end) != 0) {
        printk(XENLOG_WARNING "RAM of %s at %#lx stays unused: more than %u banks\n", what, start,
               MAX_MEM_BANKS);
    }
    return 0;
}

/* The whole pages that a range touches. */
static void memmap_whole_pages(uint64_t *start, uint64_t *end)
{
    *start = round_down(*start, PAGE_SIZE);
    *end = round_up_overflows(*end, PAGE_SIZE) ? round_down(*end, PAGE_SIZE)
                                               : round_up(*end, PAGE_SIZE);
}

static int memmap_reserve(paddr_t start, paddr_t end, const char *what)
{
    int rc;

    memmap_whole_pages(&start, &end);
    rc = rangeset_add(&host_memmap.reserved, start, end);
    if (rc != 0) {
        printk(XENLOG_ERR "Cannot reserve %s at %#lx-%#lx: more than %u separate ranges are "
                          "reserved\n",
               what, start, end, MAX_RESERVED_BANKS);
    }
    return rc;
}

static int memmap_add_reserved(void *context __unused, const char *what, uint64_t start,
                               uint64_t end)
{
    return memmap_reserve(start, end, what);
}

bool memmap_unreserve(paddr_t start, paddr_t end)
{
    return rangeset_contains(&host_memmap.reserved, start, end) &&
           rangeset_remove(&host_memmap.reserved, start, end) == 0;
}

uint64_t memmap_common(paddr_t start, paddr_t end, const struct range *banks, unsigned int nr)
{
    uint64_t sum = 0;

    for (; nr != 0; nr--, banks++) {
        paddr_t low = max_u64(start, banks->start), high = min_u64(end, banks->end);

        sum += low < high ? high - low : 0;
    }
    return sum;
}

/* One more limit, in its place among the others. */
static void memmap_add_reach(const struct dt_node *bus, paddr_t end)
{
    struct memmap *m = &host_memmap;
    unsigned int i = 0;

    while (i < m->nr_reach && m->reach[i].end < end) {
        i++;
    }
    if (i == MAX_REACHES || (i < m->nr_reach && m->reach[i].end == end)) {
        return;
    }
    m->nr_reach = min_u32(m->nr_reach + 1u, MAX_REACHES);
    memmove(&m->reach[i + 1u], &m->reach[i], (m->nr_reach - i - 1u) * sizeof(m->reach[0]));
    m->reach[i] = (struct mem_reach){.end = end, .bus = bus};
}

/* A bus that reaches next to no RAM has memory of its own. */
static void memmap_find_reaches(void)
{
    const struct dt_node *n;

    dt_for_each_node(&dt_host, n) {
        paddr_t end = dt_dma_end(&dt_host, n);

        if (end < memmap_max_frame() << PAGE_SHIFT &&
            memmap_common(0, end, host_memmap.ram.ranges, host_memmap.ram.count) >= DMA_ROOM) {
            memmap_add_reach(n, end);
        }
    }
}

/* After a walk over memory of the tree that failed. */
static void __noreturn memmap_blame(int rc)
{
    char path[128];

    if (rc == -ENOSPC) {
        panic("/reserved-memory and the boot modules are more than %u separate ranges: join some\n",
              MAX_RESERVED_BANKS);
    }
    panic("%s: reg is malformed: whole entries of #address-cells and #size-cells of the node above "
          "are wanted, whose end is below 2^64\n",
          dt_full_path(&dt_host, dt_reading, path, sizeof(path)));
}

void memmap_keep(paddr_t start, paddr_t end, const char *what)
{
    int rc = memmap_reserve(start, end, what);

    if (rc != 0) {
        memmap_blame(rc);
    }
}

void memmap_init(paddr_t fdt, uint64_t fdt_size)
{
    int rc = dt_walk_memory(&dt_host, memmap_add_ram, NULL);

    if (rc != 0) {
        memmap_blame(rc);
    }
    if (host_memmap.ram.count == 0) {
        panic("The device tree describes no usable RAM (/memory): check the firmware or the boot "
              "script\n");
    }
    rc = dt_walk_reserved(&dt_host, memmap_add_reserved, NULL);
    if (rc != 0) {
        memmap_blame(rc);
    }
    memmap_find_reaches();
    /* Frame 0 stands for "none" in the allocator's links. */
    memmap_keep(0, PAGE_SIZE, "page 0");
    memmap_keep(arch_image_start(), arch_image_end(), "the hypervisor");
    memmap_keep(fdt, fdt + fdt_size, "the device tree");
}

int memmap_free(struct rangeset *set)
{
    int rc = rangeset_copy(set, &host_memmap.ram);

    return rc == 0 ? rangeset_subtract(set, &host_memmap.reserved) : rc;
}

static int memmap_remove(void *set, const char *what __unused, uint64_t start, uint64_t end)
{
    memmap_whole_pages(&start, &end);
    return rangeset_remove(set, start, end);
}

void memmap_direct(struct rangeset *set)
{
    if (rangeset_copy(set, &host_memmap.ram) != 0 ||
        rangeset_remove(set, arch_image_start(), arch_image_end()) != 0 ||
        dt_walk_no_map(&dt_host, memmap_remove, set) != 0) {
        panic("/reserved-memory has more than %u separate ranges with no-map: join some\n",
              MAX_RESERVED_BANKS);
    }
}

paddr_t memmap_take_chunk(void)
{
    for (uint32_t i = host_memmap.ram.count; i-- != 0;) {
        const struct range *r = &host_memmap.ram.ranges[i];
        paddr_t end = round_down(r->end, CHUNK_SIZE);

        for (; end >= r->start + CHUNK_SIZE; end -= CHUNK_SIZE) {
            paddr_t start = end - CHUNK_SIZE;

            if (!rangeset_overlaps(&host_memmap.reserved, start, end)) {
                return memmap_reserve(start, end, "page tables") == 0 ? start : 0;
            }
        }
    }
    return 0;
}

static int memmap_explain_range(void *context, const char *what, uint64_t start, uint64_t end)
{
    const paddr_t *pa = context;

    if (*pa >= start && *pa < end) {
        printk(XENLOG_ERR "Physical address %#lx is in %s, %#lx-%#lx, of the device tree\n", *pa,
               what, start, end);
    }
    return 0;
}

void memmap_explain(uint64_t va)
{
    for (uint32_t i = 0; i < host_memmap.ram.count; i++) {
        const struct range *r = &host_memmap.ram.ranges[i];
        paddr_t pa = r->start + (va - (uintptr_t)arch_pa_to_va(r->start));

        if (pa >= r->start && pa < r->end) {
            (void)!dt_walk_memory(&dt_host, memmap_explain_range, &pa);
            (void)!dt_walk_reserved(&dt_host, memmap_explain_range, &pa);
        }
    }
}

bool memmap_has_ram(paddr_t start, paddr_t end)
{
    return rangeset_overlaps(&host_memmap.ram, start, end);
}

bool memmap_is_ram(paddr_t start, paddr_t end)
{
    return rangeset_contains(&host_memmap.ram, start, end);
}

uint64_t memmap_ram_pages(void)
{
    return rangeset_total(&host_memmap.ram) >> PAGE_SHIFT;
}

uint64_t memmap_max_frame(void)
{
    return host_memmap.ram.count != 0
               ? host_memmap.ram.ranges[host_memmap.ram.count - 1u].end >> PAGE_SHIFT
               : 0;
}
