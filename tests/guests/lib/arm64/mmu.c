/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Page tables of a guest: every gigabyte at its own address, RAM cacheable and the rest as device,
 * the image once more at its link address, and a window of 4 KiB pages for tests. Built with the
 * MMU off: no pointer stored in data may be used here before mmu_enable.
 */
#include <guest/dt.h>
#include <guest/memory.h>
#include <port/arm64.h>

#define PTE_BLOCK     0x1UL
#define PTE_TABLE     0x3UL
#define PTE_PAGE      0x3UL
#define PTE_AF        0x400UL
#define PTE_INNER     0x300UL
#define PTE_READ_ONLY 0x80UL
#define PTE_USER      0x40UL
#define PTE_XN        (3UL << 53)
#define PTE_DEVICE    (0UL << 2 | PTE_XN)
#define PTE_NORMAL    (1UL << 2 | PTE_INNER)

#define MAIR      0xff04UL /* 0: device nGnRE, 1: normal write-back */
/* 39-bit addresses, 4 KiB granule, inner shareable write-back walks, no TTBR1, 40-bit output. */
#define TCR       (25UL | 1UL << 8 | 1UL << 10 | 3UL << 12 | 1UL << 23 | 2UL << 32)
#define SCTLR_OFF 0x30d00800UL
#define SCTLR_ON  (SCTLR_OFF | 1UL << 0 | 1UL << 2 | 1UL << 12)

enum {
    GIB_SHIFT = 30,
    MIB2_SHIFT = 21,
    IDENTITY_GIB = 256,
    IMAGE_SLOT = 511,  /* the link address */
    WINDOW_SLOT = 511, /* last 2 MiB of it */
    USER_PAGE = 256    /* in the window: what is for user mode */
};

const uint64_t port_unmapped = 0x7000000000UL;
const uint64_t port_ram_base = 0x40000000UL;

static uint64_t mmu_level1[512] __attribute__((aligned(PAGE_SIZE)));
static uint64_t mmu_level2[512] __attribute__((aligned(PAGE_SIZE)));
static uint64_t mmu_level3[512] __attribute__((aligned(PAGE_SIZE)));
static uint64_t mmu_load_address;

extern char guest_image[], guest_image_end[];
void mmu_build(const void *blob);
void mmu_enable(void);

/* Where the image runs now: the difference to the link address while the MMU is off. */
static uint64_t mmu_here(const void *object)
{
    uint64_t address = (uint64_t)(uintptr_t)object;
    /* The compiler must not put it off until the address is another one. */
    __asm__ volatile("" : "+r"(address));
    return address;
}

static void mmu_mark_ram(uint64_t address, uint64_t size)
{
    for (uint64_t gib = address >> GIB_SHIFT; gib <= (address + size - 1) >> GIB_SHIFT; gib++) {
        if (gib < IDENTITY_GIB) {
            mmu_level1[gib] = gib << GIB_SHIFT | PTE_NORMAL | PTE_AF | PTE_BLOCK;
        }
    }
}

void mmu_build(const void *blob)
{
    mmu_load_address = mmu_here(guest_image);
    dt_use(blob);
    for (uint64_t gib = 0; gib < IDENTITY_GIB; gib++) {
        mmu_level1[gib] = gib << GIB_SHIFT | PTE_DEVICE | PTE_AF | PTE_BLOCK;
    }
    for (dt_node node = NULL; (node = dt_of_type(node, "memory")) != NULL;) {
        uint64_t address;
        uint64_t size;
        for (unsigned int i = 0; dt_reg(node, i, &address, &size); i++) {
            if (size != 0) {
                mmu_mark_ram(address, size);
            }
        }
    }
    uint64_t blocks = ((mmu_here(guest_image_end) - mmu_load_address) >> MIB2_SHIFT) + 1;
    for (uint64_t i = 0; i < blocks; i++) {
        mmu_level2[i] = (mmu_load_address + (i << MIB2_SHIFT)) | PTE_NORMAL | PTE_AF | PTE_BLOCK;
    }
    mmu_level2[WINDOW_SLOT] = mmu_here(mmu_level3) | PTE_TABLE;
    mmu_level1[IMAGE_SLOT] = mmu_here(mmu_level2) | PTE_TABLE;
}

void mmu_enable(void)
{
    WRITE_SYSREG(mair_el1, MAIR);
    WRITE_SYSREG(tcr_el1, TCR);
    /* By position, not by pointer: right in either mapping. */
    WRITE_SYSREG(ttbr0_el1, port_physical(mmu_level1));
    /* No translation from before, and the tables as they were written. */
    __asm__ volatile("dsb sy\n\ttlbi vmalle1\n\tdsb sy\n\tisb" ::: "memory");
    WRITE_SYSREG(sctlr_el1, SCTLR_ON);
}

uint64_t port_physical(const void *virtual_address)
{
    uint64_t address = (uint64_t)(uintptr_t)virtual_address;
    return address < (uint64_t)IDENTITY_GIB << GIB_SHIFT
               ? address
               : address - ((uint64_t)IMAGE_SLOT << GIB_SHIFT) + mmu_load_address;
}

static void *mmu_map(unsigned int page, uint64_t entry)
{
    uint64_t address = ((uint64_t)IMAGE_SLOT << GIB_SHIFT) + ((uint64_t)WINDOW_SLOT << MIB2_SHIFT) +
                       (uint64_t)page * PAGE_SIZE;
    /* Break before make. */
    mmu_level3[page] = 0;
    __asm__ volatile("dsb ish\n\ttlbi vmalle1is\n\tdsb ish\n\tisb" ::: "memory");
    mmu_level3[page] = entry | PTE_AF | PTE_PAGE;
    /* The entry is in place before the caller uses the address. */
    __asm__ volatile("dsb ish\n\tisb" ::: "memory");
    return (void *)(uintptr_t)address;
}

void *port_map(unsigned int slot, uint64_t physical, bool writable)
{
    uint64_t gib = physical >> GIB_SHIFT;
    uint64_t kind = gib < IDENTITY_GIB ? mmu_level1[gib] & (PTE_XN | 0x3fcUL) : PTE_DEVICE;
    return mmu_map(slot, physical | kind | (writable ? 0 : PTE_READ_ONLY));
}

void *user_map(unsigned int slot, uint64_t physical)
{
    return mmu_map(USER_PAGE + slot, physical | PTE_NORMAL | PTE_READ_ONLY | PTE_USER);
}
