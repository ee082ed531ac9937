/*
 * EL2's own address space: the final root table, the direct map of RAM, device mappings, the boot
 * window for the device tree. Entries are only ever added, except the boot window's, which is
 * written once.
 */
#include <arch/mm.h>
#include <asm/boot.h>
#include <asm/mm.h>
#include <asm/mmu.h>
#include <asm/sysregs.h>
#include <xen/config.h>
#include <xen/cpu.h>
#include <xen/lib.h>
#include <xen/memmap.h>
#include <xen/printk.h>
#include <xen/rangeset.h>

#define TABLE_POOL  48u
#define TABLE_SPARE 8u                        /* what one range of RAM or a device may need */
#define PA_MAX      ((1ul << 48) - PAGE_SIZE) /* of an address in an entry [Arm ARM D8.3] */

extern char _start_image[], _end_image[];
extern pte_t boot_l0[512];

uint64_t image_phys_offset;
static pte_t xen_l0[512] __aligned(PAGE_SIZE);
static pte_t table_pool[TABLE_POOL][512] __aligned(PAGE_SIZE);
static unsigned int tables_used;
static paddr_t more_tables, more_end; /* taken from RAM, in the direct map */
static uint64_t device_next = DEVICE_START;
static spinlock_t device_lock = SPINLOCK_INIT(LOCK_HEAP);

/* A stack for each CPU with an unmapped page below it, and a small one for faults inside the
 * hypervisor. */
uint8_t cpu_stacks[MAX_CPUS][(PAGE_SIZE << CPU_STACK_ORDER) + PAGE_SIZE] __aligned(PAGE_SIZE)
    __section(".stacks");
static uint8_t panic_stacks[MAX_CPUS][2048] __aligned(16) __section(".stacks");

void mm_set_image(paddr_t image)
{
    image_phys_offset = image - (uint64_t)(uintptr_t)_start_image;
    for (unsigned int i = 0; i < MAX_CPUS; i++) {
        cpus[i].id = i;
        cpus[i].stack_top = cpu_stacks[i] + sizeof(cpu_stacks[i]);
        cpus[i].arch.panic_stack = (uint64_t)(uintptr_t)(panic_stacks[i] + sizeof(panic_stacks[i]));
    }
}

paddr_t arch_image_start(void)
{
    return arch_va_to_pa(_start_image);
}

paddr_t arch_image_end(void)
{
    return arch_va_to_pa(_end_image);
}

static void entry_write(pte_t *slot, pte_t pte)
{
    WRITE_ONCE(*slot, pte);
    dsb(ish); /* table walkers of all CPUs see the entry ... */
    isb();    /* ... and so do the instructions that follow here */
}

/* RAM for tables, when whole chunks of the direct map are there and before the allocator is. What
 * is left of the last chunk is forgotten. */
static void take_tables(void)
{
    uint64_t left = TABLE_POOL - tables_used + ((more_end - more_tables) >> PAGE_SHIFT);

    if (left < TABLE_SPARE) {
        paddr_t chunk = memmap_take_chunk();

        more_tables = chunk != 0 ? chunk : more_tables;
        more_end = chunk != 0 ? chunk + CHUNK_SIZE : more_end;
    }
}

/* 0: there is none left. */
static paddr_t new_table(void)
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
    dsb(ishst); /* zeros are visible before the entry that leads to them */
    return pa;
}

/* The image's own mapping reaches those inside it before the direct map exists. */
static pte_t *table_at(paddr_t pa)
{
    return pa - arch_image_start() < arch_image_end() - arch_image_start()
               ? (pte_t *)(uintptr_t)(pa - image_phys_offset)
               : arch_pa_to_va(pa);
}

/* The table below an entry, made if there is none; NULL: no table is left or a block is in the way.
 */
static pte_t *next_table(pte_t *slot)
{
    paddr_t pa = *slot & PTE_ADDRESS;

    if ((*slot & PTE_VALID) == 0) {
        pa = new_table();
        if (pa == 0) {
            return NULL;
        }
        entry_write(slot, pa | PTE_TABLE);
    } else if ((*slot & PTE_TABLE) != PTE_TABLE) {
        return NULL;
    }
    return table_at(pa);
}

/* Map [va, va + size) to pa with the largest entries; page aligned. false: out of tables. */
static bool map(pte_t *root, uint64_t va, paddr_t pa, uint64_t size, pte_t attr)
{
    while (size != 0) {
        pte_t *table = root;
        unsigned int shift = 39;

        for (;;) {
            uint64_t block = 1ul << shift;
            pte_t *slot = &table[va >> shift & 511u];

            if (shift == PAGE_SHIFT ||
                (shift <= 30 && ((va | pa) & (block - 1)) == 0 && size >= block)) {
                entry_write(slot, pa | attr | (shift == PAGE_SHIFT ? PTE_PAGE : PTE_BLOCK));
                va += block;
                pa += block;
                size -= block;
                break;
            }
            table = next_table(slot);
            if (table == NULL) {
                return false;
            }
            shift -= 9;
        }
    }
    return true;
}

static void guard_stacks(void)
{
    pte_t *l1 = (pte_t *)(uintptr_t)((xen_l0[IMAGE_START >> 39] & PTE_ADDRESS) - image_phys_offset);
    pte_t *l2 = next_table(&l1[IMAGE_START >> 30 & 511u]);
    pte_t *l3 = next_table(&l2[IMAGE_START >> 21 & 511u]);

    for (unsigned int i = 0; i < MAX_CPUS; i++) {
        entry_write(&l3[(uint64_t)(uintptr_t)cpu_stacks[i] >> PAGE_SHIFT & 511u], 0);
    }
}

static bool map_direct(paddr_t start, paddr_t end)
{
    return end <= DIRECTMAP_SIZE &&
           map(xen_l0, DIRECTMAP_START + start, start, end - start, PTE_DATA);
}

/* The whole chunks of a range of RAM, or its ends: these need tables. */
static bool map_ram(const struct range *r, bool ends)
{
    uint64_t first = round_up(r->start, CHUNK_SIZE), last = round_down(r->end, CHUNK_SIZE);

    if (first >= last) {
        return !ends || map_direct(r->start, r->end);
    }
    if (!ends) {
        return map_direct(first, last);
    }
    return map_direct(r->start, first) && map_direct(last, r->end);
}

static void map_all(const struct rangeset *rs, bool ends)
{
    for (uint32_t i = 0; i < rs->count; i++) {
        const struct range *r = &rs->ranges[i];

        if (ends) {
            take_tables();
        }
        if (!map_ram(r, ends)) {
            panic("Cannot map RAM %#lx-%#lx: too many fragments for the tables of the direct map; "
                  "join ranges in /memory or /reserved-memory\n",
                  r->start, r->end);
        }
    }
}

void arch_mm_init(void)
{
    static struct range storage[MAX_MEM_BANKS + MAX_RESERVED_BANKS];
    struct rangeset rs = RANGESET_INIT(storage);

    memmap_direct(&rs);
    xen_l0[IMAGE_START >> 39] = boot_l0[IMAGE_START >> 39];
    guard_stacks();
    map_all(&rs, false);
    mm_init_secondary(); /* so that tables can be in what was mapped */
    map_all(&rs, true);
    take_tables(); /* for devices */
}

void mm_init_secondary(void)
{
    WRITE_SYSREG(arch_va_to_pa(xen_l0), ttbr0_el2);
    isb(); /* the new root before the TLB is cleared of the old one's entries */
    __asm__ volatile("tlbi alle2" ::: "memory");
    dsb(nsh); /* TLB clear is complete */
    isb();    /* for the instructions that follow, too */
}

void *mm_map_device(paddr_t pa, size_t size)
{
    paddr_t start = pa & PAGE_MASK;
    uint64_t length = round_up(pa + size, PAGE_SIZE) - start, va;
    pte_t *root = (xen_l0[IMAGE_START >> 39] & PTE_VALID) != 0 ? xen_l0 : boot_l0;
    bool ok;

    if (pa > PA_MAX || size > PA_MAX - pa) {
        return NULL;
    }

    spin_lock(&device_lock);
    va = device_next;
    ok = length <= DEVICE_START + DEVICE_SIZE - va && map(root, va, start, length, PTE_DEVICE);
    device_next += ok ? length : 0;
    spin_unlock(&device_lock);
    return ok ? (void *)(uintptr_t)(va + (pa - start)) : NULL;
}

void *arch_map_device(paddr_t pa, size_t size)
{
    return size <= PA_MAX && memmap_has_ram(pa, pa + size) ? NULL : mm_map_device(pa, size);
}

/* 2 MiB blocks over the range; one use (the device tree), so the window is simply indexed by the
 * offset in its GiB. */
const void *arch_map_early(paddr_t pa, size_t size)
{
    paddr_t start = pa & ~(CHUNK_SIZE - 1ul);
    uint64_t length = round_up(pa + size, CHUNK_SIZE) - start;

    if (pa == 0 || pa >= DIRECTMAP_SIZE || length > EARLY_SIZE ||
        !map(boot_l0, EARLY_START, start, length, PTE_RODATA)) {
        return NULL;
    }
    return (const void *)(uintptr_t)(EARLY_START + (pa - start));
}
