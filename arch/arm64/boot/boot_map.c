/*
 * The first page tables, made with the MMU off: the image at its linked address with its final
 * rights, and an identity map of the code that turns the MMU on. Runs at the physical address: no
 * pointers from data, no calls outside this file.
 */
#include <asm/layout.h>
#include <asm/mmu.h>
#include <xen/compiler.h>
#include <xen/config.h>
#include <xen/types.h>

extern char _start_image[], _end_text[], _end_rodata[], _end_image[];

/* Kept for the start of secondary CPUs: root with the identity map. */
pte_t boot_l0[512] __aligned(PAGE_SIZE);
/* Slot 1 (image, devices, early window) of the final root, too. */
static pte_t image_l1[512] __aligned(PAGE_SIZE);
static pte_t image_l2[512] __aligned(PAGE_SIZE);
static pte_t image_l3[512] __aligned(PAGE_SIZE);
static pte_t identity_l1[512] __aligned(PAGE_SIZE);

paddr_t boot_map(paddr_t image);

/* In: where the image is. Out: the root table's physical address. */
paddr_t boot_map(paddr_t image)
{
    uint64_t text = (uint64_t)(_end_text - _start_image);
    uint64_t rodata = (uint64_t)(_end_rodata - _start_image);
    uint64_t size = (uint64_t)(_end_image - _start_image);

    for (uint64_t offset = 0; offset < size; offset += PAGE_SIZE) {
        pte_t attr = offset < text ? PTE_TEXT : offset < rodata ? PTE_RODATA : PTE_DATA;

        image_l3[offset >> PAGE_SHIFT] = (image + offset) | attr | PTE_PAGE;
    }
    /* With the MMU off the address of an object is its physical one (adrp). */
    image_l2[IMAGE_START >> 21 & 511u] = (paddr_t)(uintptr_t)image_l3 | PTE_TABLE;
    image_l1[IMAGE_START >> 30 & 511u] = (paddr_t)(uintptr_t)image_l2 | PTE_TABLE;
    boot_l0[IMAGE_START >> 39] = (paddr_t)(uintptr_t)image_l1 | PTE_TABLE;
    /* 1 GiB around the image, read-only and executable. An image that is longer than that GiB's end
     * is not: 2 MiB aligned. */
    identity_l1[image >> 30 & 511u] = (image >> 30 << 30) | PTE_TEXT | PTE_BLOCK;
    boot_l0[image >> 39] = (paddr_t)(uintptr_t)identity_l1 | PTE_TABLE;
    return (paddr_t)(uintptr_t)boot_l0;
}
