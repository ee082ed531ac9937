/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first page tables, made with paging off: the image at its linked address with its final
 * rights. Nothing else is mapped: the hart comes to the linked address by the fault of the fetch
 * after paging is on. Runs at the physical address: no pointers from data, no calls outside this
 * file.
 */
#include <asm/boot.h>
#include <asm/csr.h>
#include <xen/hyp_map.h>

/* The hypervisor's root table, for good. */
pte_t arch_hyp_root[512] __aligned(PAGE_SIZE);
uint64_t xen_satp; /* for the CPUs that come later */
static pte_t image_l1[512] __aligned(PAGE_SIZE);
static pte_t image_l0[512] __aligned(PAGE_SIZE);

uint64_t boot_map(paddr_t image)
{
    hyp_image_map(image_l0, image);
    /* With paging off the address of an object is its physical one (auipc). */
    image_l1[IMAGE_START >> 21 & 511u] = arch_hyp_table((uintptr_t)image_l0);
    arch_hyp_root[IMAGE_START >> 30 & 511u] = arch_hyp_table((uintptr_t)image_l1);
    xen_satp = (uint64_t)ATP_MODE_39 << ATP_MODE_SHIFT | (uintptr_t)arch_hyp_root >> PAGE_SHIFT;
    return xen_satp;
}
