/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first page tables, made with the MMU off: the image at its linked address with its final
 * rights, and an identity map of the code that turns the MMU on. Runs at the physical address: no
 * pointers from data, no calls outside this file.
 */
#include <xen/hyp_map.h>

/* Kept for the start of secondary CPUs: root with the identity map. */
pte_t boot_l0[512] __aligned(PAGE_SIZE);
/* The final root, without that. */
pte_t arch_hyp_root[512] __aligned(PAGE_SIZE);
/* Slot 1 of both: image, devices, early window. */
static pte_t image_l1[512] __aligned(PAGE_SIZE);
static pte_t image_l2[512] __aligned(PAGE_SIZE);
static pte_t image_l3[512] __aligned(PAGE_SIZE);
static pte_t identity_l1[512] __aligned(PAGE_SIZE);

paddr_t boot_map(paddr_t image);

/* In: where the image is. Out: the root table's physical address. */
paddr_t boot_map(paddr_t image)
{
    hyp_image_map(image_l3, image);
    /* With the MMU off the address of an object is its physical one (adrp). */
    image_l2[IMAGE_START >> 21 & 511u] = (paddr_t)(uintptr_t)image_l3 | PTE_TABLE;
    image_l1[IMAGE_START >> 30 & 511u] = (paddr_t)(uintptr_t)image_l2 | PTE_TABLE;
    boot_l0[IMAGE_START >> 39] = (paddr_t)(uintptr_t)image_l1 | PTE_TABLE;
    arch_hyp_root[IMAGE_START >> 39] = boot_l0[IMAGE_START >> 39];
    /* 1 GiB around the image, read-only and executable. An image that is longer than that GiB's end
     * is not: 2 MiB aligned. */
    identity_l1[image >> 30 & 511u] = (image >> 30 << 30) | PTE_TEXT | PTE_BLOCK;
    boot_l0[image >> 39] = (paddr_t)(uintptr_t)identity_l1 | PTE_TABLE;
    return (paddr_t)(uintptr_t)boot_l0;
}
