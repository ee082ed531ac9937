/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Page tables of a guest, Sv39 [RVPRIV 10.4]: every gigabyte at its own address, the image once
 * more at its link address, windows of 4 KiB pages for tests and for user mode. Everything can be
 * executed. Built with paging off: no pointer stored in data may be used here before mmu_enable.
 */
#include <guest/memory.h>
#include <port/riscv.h>

#define PTE_VALID   0x01UL
#define PTE_READ    0x02UL
#define PTE_WRITE   0x04UL
#define PTE_EXECUTE 0x08UL
#define PTE_USER    0x10UL
#define PTE_AD      0xc0UL
#define PTE_LEAF    (PTE_VALID | PTE_READ | PTE_EXECUTE | PTE_AD)

#define SATP_SV39 (8UL << 60)

enum {
    GIB_SHIFT = 30,
    MIB2_SHIFT = 21,
    IDENTITY_GIB = 128,
    TABLE_SLOT = 129,
    IMAGE_SLOT = 511,  /* the link address */
    WINDOW_SLOT = 511, /* last 2 MiB of it */
    USER_PAGE = 256    /* in the window: what is for user mode */
};

const uint64_t port_unmapped = 0x2000000000UL;
const uint64_t port_ram_base = 0x80000000UL;

static uint64_t mmu_level2[512] __attribute__((aligned(PAGE_SIZE)));
static uint64_t mmu_level1[512] __attribute__((aligned(PAGE_SIZE)));
static uint64_t mmu_level0[512] __attribute__((aligned(PAGE_SIZE)));
static uint64_t mmu_load_address;

extern char guest_image[], guest_image_end[];
void mmu_build(void);
void mmu_enable(void);

/* Where the image runs now: the difference to the link address while paging is off. */
static uint64_t mmu_here(const void *object)
{
    uint64_t address = (uint64_t)(uintptr_t)object;
    /* The compiler must not put it off until the address is another one. */
    __asm__ volatile("" : "+r"(address));
    return address;
}

static uint64_t mmu_entry(uint64_t physical, uint64_t flags)
{
    return physical >> PAGE_SHIFT << 10 | flags;
}

static uint64_t mmu_link_address(void)
{
    return ~0UL << (GIB_SHIFT + 9) | (uint64_t)IMAGE_SLOT << GIB_SHIFT;
}

static void mmu_flush(void)
{
    /* Entries as they were written, for whatever comes next. */
    __asm__ volatile("sfence.vma" ::: "memory");
}

void mmu_build(void)
{
    uint64_t begin = mmu_here(guest_image);
    uint64_t size = mmu_here(guest_image_end) - begin;
    mmu_load_address = begin;
    for (uint64_t gib = 0; gib < IDENTITY_GIB; gib++) {
        mmu_level2[gib] = mmu_entry(gib << GIB_SHIFT, PTE_LEAF | PTE_WRITE);
    }
    for (uint64_t i = 0; i << MIB2_SHIFT < size; i++) {
        mmu_level1[i] = mmu_entry(begin + (i << MIB2_SHIFT), PTE_LEAF | PTE_WRITE);
    }
    mmu_level1[WINDOW_SLOT] = mmu_entry(mmu_here(mmu_level0), PTE_VALID);
    mmu_level2[IMAGE_SLOT] = mmu_entry(mmu_here(mmu_level1), PTE_VALID);
}

void mmu_enable(void)
{
    /* By position, not by pointer: right in either mapping. */
    uint64_t root = port_physical(mmu_level2);
    mmu_flush();
    CSR_WRITE(satp, SATP_SV39 | root >> PAGE_SHIFT);
    mmu_flush();
}

uint64_t port_physical(const void *virtual_address)
{
    uint64_t address = (uint64_t)(uintptr_t)virtual_address;
    return address < (uint64_t)IDENTITY_GIB << GIB_SHIFT
               ? address
               : address - mmu_link_address() + mmu_load_address;
}

static void *mmu_map(unsigned int page, uint64_t entry)
{
    mmu_level0[page] = entry;
    mmu_flush();
    return (void *)(uintptr_t)(mmu_link_address() + ((uint64_t)WINDOW_SLOT << MIB2_SHIFT) +
                               (uint64_t)page * PAGE_SIZE);
}

void *port_map(unsigned int slot, uint64_t physical, bool writable)
{
    return mmu_map(slot, mmu_entry(physical, PTE_LEAF | (writable ? PTE_WRITE : 0)));
}

void *user_map(unsigned int slot, uint64_t physical)
{
    return mmu_map(USER_PAGE + slot, mmu_entry(physical, PTE_LEAF | PTE_WRITE | PTE_USER));
}

uint64_t table_map(uint64_t physical)
{
    mmu_level2[TABLE_SLOT] = mmu_entry(physical, PTE_VALID);
    mmu_flush();
    return (uint64_t)TABLE_SLOT << GIB_SHIFT;
}
