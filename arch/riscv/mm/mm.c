/*
 * The hypervisor's own address space: one root table for all CPUs, the direct map of RAM, device
 * mappings, the boot window for the device tree. Entries are only ever added, except the boot
 * window's, which is written once, and the guard pages'.
 */
#include <arch/mm.h>
#include <asm/boot.h>
#include <asm/csr.h>
#include <asm/isa.h>
#include <asm/mm.h>
#include <asm/mmu.h>
#include <asm/sbi.h>
#include <xen/config.h>
#include <xen/cpu.h>
#include <xen/lib.h>
#include <xen/memmap.h>
#include <xen/printk.h>
#include <xen/rangeset.h>
#include <xen/spinlock.h>

#define TABLE_POOL 48u

extern char _start_image[], _end_image[];
extern pte_t xen_root[512];

uint64_t image_phys_offset;
static pte_t table_pool[TABLE_POOL][512] __aligned(PAGE_SIZE);
static unsigned int tables_used;
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

/* The table below an entry, made if there is none; NULL: the pool is empty or a leaf is in the way.
 */
static pte_t *next_table(pte_t *slot)
{
    paddr_t pa = pte_pa(*slot);

    if ((*slot & PTE_V) == 0) {
        if (tables_used == TABLE_POOL) {
            return NULL;
        }
        pa = arch_va_to_pa(table_pool[tables_used++]);
        WRITE_ONCE(*slot, pte_make(pa, PTE_V));
    } else if ((*slot & PTE_LEAF) != 0) {
        return NULL;
    }
    /* All tables are inside the image, so its own mapping reaches them before the direct map
     * exists. */
    return (pte_t *)(uintptr_t)(pa - image_phys_offset);
}

static void flush_local(void)
{
    /* Walks see the entries written before; negative ones that were cached are dropped. */
    __asm__ volatile("sfence.vma" ::: "memory");
}

/* Map [va, va + size) to pa with the largest leaves; page aligned. false: out of tables. */
static bool map(uint64_t va, paddr_t pa, uint64_t size, pte_t attr)
{
    while (size != 0) {
        pte_t *table = xen_root;
        unsigned int shift = 30;

        for (;;) {
            uint64_t block = 1ul << shift;
            pte_t *slot = &table[va >> shift & 511u];

            if (shift == PAGE_SHIFT || (((va | pa) & (block - 1)) == 0 && size >= block)) {
                WRITE_ONCE(*slot, pte_make(pa, attr));
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
    flush_local();
    return true;
}

static void guard_stacks(void)
{
    pte_t *l1 = next_table(&xen_root[IMAGE_START >> 30 & 511u]);
    pte_t *l0 = next_table(&l1[IMAGE_START >> 21 & 511u]);

    for (unsigned int i = 0; i < MAX_CPUS; i++) {
        WRITE_ONCE(l0[(uint64_t)(uintptr_t)cpu_stacks[i] >> PAGE_SHIFT & 511u], 0);
    }
    flush_local();
}

void arch_mm_init(void)
{
    static struct range storage[MAX_MEM_BANKS + MAX_RESERVED_BANKS];
    struct rangeset rs = RANGESET_INIT(storage);

    memmap_direct(&rs);
    for (uint32_t i = 0; i < rs.count; i++) {
        const struct range *r = &rs.ranges[i];

        if (r->end > DIRECTMAP_SIZE) {
            panic("RAM %#lx-%#lx lies above %#lx, where the hypervisor's Sv39 space ends: take it "
                  "out of the device tree's /memory\n",
                  r->start, r->end, DIRECTMAP_SIZE);
        }
        if (!map(DIRECTMAP_START + r->start, r->start, r->end - r->start, PTE_DATA)) {
            panic("Cannot map RAM %#lx-%#lx: too many fragments, raise TABLE_POOL\n", r->start,
                  r->end);
        }
    }
    guard_stacks();
}

/*
 * Before the ISA is known the memory type is the one that the machine gives the address (PMA),
 * which is right for every device; afterwards Svpbmt says it, too.
 */
void *arch_map_device(paddr_t pa, size_t size)
{
    paddr_t start = pa & PAGE_MASK;
    uint64_t length = round_up(pa + size, PAGE_SIZE) - start, va;
    pte_t attr = PTE_DATA | (isa_has(ISA_SVPBMT) ? PTE_PBMT_IO : 0);
    bool ok;

    spin_lock(&device_lock);
    va = device_next;
    ok = length <= DEVICE_START + DEVICE_SIZE - va && map(va, start, length, attr);
    device_next += ok ? length : 0;
    spin_unlock(&device_lock);
    if (ok && nr_cpus_online > 1) {
        /* Other harts may have cached that nothing is there [RVPRIV SFENCE.VMA]. */
        (void)sbi_call(SBI_EXT_RFENCE, SBI_RFENCE_SFENCE_VMA, 0, SBI_ALL_HARTS, va, length, 0);
    }
    return ok ? (void *)(uintptr_t)(va + (pa - start)) : NULL;
}

/* 2 MiB leaves over the range; one use (the device tree), so the window is simply indexed by the
 * offset in its GiB. */
const void *arch_map_early(paddr_t pa, size_t size)
{
    paddr_t start = pa & ~(CHUNK_SIZE - 1ul);
    uint64_t length = round_up(pa + size, CHUNK_SIZE) - start;

    if (pa == 0 || pa >= DIRECTMAP_SIZE || length > EARLY_SIZE ||
        !map(EARLY_START, start, length, PTE_RODATA)) {
        return NULL;
    }
    return (const void *)(uintptr_t)(EARLY_START + (pa - start));
}
