/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hypervisor's own address space: stacks with guard pages, the direct map of RAM, device
 * mappings, the boot window for the device tree. The image was mapped by the port's boot code.
 * Entries are only ever added, except the boot window's, which are written once more, and the guard
 * pages', which are taken out before other CPUs run.
 */
#include <arch/mm.h>
#include <xen/cpu.h>
#include <xen/hyp_map.h>
#include <xen/lib.h>
#include <xen/memmap.h>
#include <xen/printk.h>
#include <xen/rangeset.h>

#define TABLE_POOL  48u
#define TABLE_SPARE 8u /* what one range of RAM or a device may need */
#define LEVEL_BITS  9u
#define PA_MAX      ((1ul << ARCH_HYP_PA_BITS) - PAGE_SIZE)

static pte_t table_pool[TABLE_POOL][512] __aligned(PAGE_SIZE);
static unsigned int tables_used;
static paddr_t more_tables, more_end; /* taken from RAM, in the direct map */
static uint64_t device_used;          /* bytes of the window */
static spinlock_t device_lock = SPINLOCK_INIT(LOCK_HEAP);

uint8_t cpu_stacks[MAX_CPUS][(PAGE_SIZE << CPU_STACK_ORDER) + PAGE_SIZE] __aligned(PAGE_SIZE)
    __section(".stacks");
/* For faults inside the hypervisor. */
static uint8_t panic_stacks[MAX_CPUS][2048] __aligned(16) __section(".stacks");

void hyp_stacks_init(void)
{
    for (unsigned int i = 0; i < MAX_CPUS; i++) {
        cpus[i].id = i;
        cpus[i].stack_top = cpu_stacks[i] + sizeof(cpu_stacks[i]);
        cpus[i].panic_stack = panic_stacks[i] + sizeof(panic_stacks[i]);
    }
}

/* RAM for tables, when whole chunks of the direct map are there and before the allocator is. What
 * is left of the last chunk is forgotten. */
static void hyp_take_tables(void)
{
    uint64_t left = TABLE_POOL - tables_used + ((more_end - more_tables) >> PAGE_SHIFT);

    if (left < TABLE_SPARE) {
        paddr_t chunk = memmap_take_chunk();

        more_tables = chunk != 0 ? chunk : more_tables;
        more_end = chunk != 0 ? chunk + CHUNK_SIZE : more_end;
    }
}

/* 0: there is none left. */
static paddr_t hyp_new_table(void)
{
    paddr_t pa = more_tables;

    if (tables_used < TABLE_POOL) {
        return arch_va_to_pa(table_pool[tables_used++]);
    }
    if (pa == more_end) {
        return 0;
    }
    more_tables += PAGE_SIZE;
    arch_page_zero(arch_pa_to_va(pa));
    arch_hyp_zeroed();
    return pa;
}

/* The image's own mapping reaches those inside it before the direct map exists. */
static pte_t *hyp_table_at(paddr_t pa)
{
    return pa - arch_image_start() < arch_image_end() - arch_image_start() ? arch_image_at(pa)
                                                                           : arch_pa_to_va(pa);
}

/*
 * The slot for va whose entry maps 1 << shift bytes; tables on the way are made. NULL: there are no
 * more tables, or a leaf is in the way.
 */
static pte_t *hyp_slot(uint64_t va, unsigned int shift)
{
    pte_t *table = arch_hyp_root;

    for (unsigned int s = ARCH_HYP_ROOT_SHIFT; s != shift; s -= LEVEL_BITS) {
        pte_t *slot = &table[va >> s & 511u];
        paddr_t next;

        if (!arch_hyp_is_valid(*slot)) {
            next = hyp_new_table();
            if (next == 0) {
                return NULL;
            }
            arch_hyp_write(slot, arch_hyp_table(next));
        } else if (arch_hyp_is_table(*slot)) {
            next = arch_hyp_table_pa(*slot);
        } else {
            return NULL;
        }
        table = hyp_table_at(next);
    }
    return &table[va >> shift & 511u];
}

/* The largest leaf for an address with no bits set but these, and so much left to map. */
static unsigned int hyp_leaf_shift(uint64_t bits, uint64_t left)
{
    unsigned int shift = ARCH_HYP_LEAF_SHIFT;

    while ((bits & ((1ul << shift) - 1ul)) != 0 || left < 1ul << shift) {
        shift -= LEVEL_BITS;
    }
    return shift;
}

/* Map [va, va + size) to pa with the largest leaves; page aligned. false: out of tables. */
static bool hyp_map(uint64_t va, paddr_t pa, uint64_t size, enum hyp_kind kind)
{
    uint64_t at = va, end = va + size;

    while (at != end) {
        unsigned int shift = hyp_leaf_shift(at | pa, end - at);
        uint64_t block = 1ul << shift;
        pte_t *slot = hyp_slot(at, shift);

        if (slot == NULL) {
            return false;
        }
        do { /* up to the end of this table no larger leaf fits */
            arch_hyp_write(slot++, arch_hyp_leaf(pa, kind, shift));
            at += block;
            pa += block;
        } while ((at >> shift & 511u) != 0 && end - at >= block);
    }
    arch_hyp_sync(va, size);
    return true;
}

static void hyp_guard_stacks(void)
{
    for (unsigned int i = 0; i < MAX_CPUS; i++) {
        pte_t *slot = hyp_slot((uintptr_t)cpu_stacks[i], PAGE_SHIFT);

        if (slot == NULL) {
            panic("The boot code has mapped the stacks by larger leaves than pages\n");
        }
        arch_hyp_write(slot, (pte_t){0});
    }
}

static bool hyp_map_direct(paddr_t start, paddr_t end)
{
    return hyp_map(DIRECTMAP_START + start, start, end - start, HYP_DATA);
}

/* The whole chunks of a range of RAM, or its ends: these need tables. */
static bool hyp_map_ram(const struct range *r, bool ends)
{
    uint64_t first = round_up(r->start, CHUNK_SIZE), last = round_down(r->end, CHUNK_SIZE);

    if (first >= last) {
        return !ends || hyp_map_direct(r->start, r->end);
    }
    if (!ends) {
        return hyp_map_direct(first, last);
    }
    return hyp_map_direct(r->start, first) && hyp_map_direct(last, r->end);
}

static void hyp_map_all(const struct rangeset *rs, bool ends)
{
    for (uint32_t i = 0; i < rs->count; i++) {
        const struct range *r = &rs->ranges[i];

        if (ends) {
            hyp_take_tables();
        }
        if (!hyp_map_ram(r, ends)) {
            panic("Cannot map RAM %#lx-%#lx: too many fragments for the tables of the direct map; "
                  "join ranges in /memory or /reserved-memory\n",
                  r->start, r->end);
        }
    }
}

void hyp_map_init(void)
{
    static struct range storage[MAX_MEM_BANKS + MAX_RESERVED_BANKS];
    struct rangeset rs = RANGESET_INIT(storage);

    memmap_direct(&rs);
    if (memmap_max_frame() > DIRECTMAP_SIZE >> PAGE_SHIFT) {
        panic("RAM above %#lx, where the hypervisor's address space ends: take it out of /memory\n",
              DIRECTMAP_SIZE);
    }
    hyp_guard_stacks();
    hyp_map_all(&rs, false);
    arch_hyp_switch(); /* so that tables can be in what was mapped */
    hyp_map_all(&rs, true);
    hyp_take_tables(); /* for devices */
}

void *hyp_map_uncached(paddr_t pa, size_t size)
{
    paddr_t start = pa & PAGE_MASK;
    uint64_t length = round_up(pa + size, PAGE_SIZE) - start, va;
    bool ok;

    if (pa > PA_MAX || size > PA_MAX - pa) {
        return NULL;
    }
    spin_lock(&device_lock);
    va = DEVICE_START + device_used;
    ok = length <= DEVICE_SIZE - device_used && hyp_map(va, start, length, HYP_DEVICE);
    device_used += ok ? length : 0;
    spin_unlock(&device_lock);
    return ok ? (void *)(uintptr_t)(va + (pa - start)) : NULL;
}

void *hyp_map_device(paddr_t pa, size_t size)
{
    return size <= PA_MAX && memmap_has_ram(pa, pa + size) ? NULL : hyp_map_uncached(pa, size);
}

/* By whole chunks; one use (the device tree), so each begins at the window's start. */
const void *hyp_map_early(paddr_t pa, size_t size)
{
    paddr_t start = pa & ~(CHUNK_SIZE - 1ul);
    uint64_t length = round_up(pa + size, CHUNK_SIZE) - start;

    if (pa == 0 || pa >= DIRECTMAP_SIZE || length > EARLY_SIZE ||
        !hyp_map(EARLY_START, start, length, HYP_RODATA)) {
        return NULL;
    }
    return (const void *)(uintptr_t)(EARLY_START + (pa - start));
}
