/*
 * The first page tables, made with paging off: the image at its linked address with its final
 * rights. Nothing else is mapped: the hart comes to the linked address by the fault of the fetch
 * after paging is on. Runs at the physical address: no pointers from data, no calls outside this
 * file.
 */
#include <asm/boot.h>
#include <asm/csr.h>
#include <asm/layout.h>
#include <asm/mmu.h>
#include <xen/compiler.h>
#include <xen/config.h>
#include <xen/types.h>

extern char _start_image[], _end_text[], _end_rodata[], _end_image[];

/* The hypervisor's root table, for good. */
pte_t xen_root[512] __aligned(PAGE_SIZE);
uint64_t xen_satp; /* for the CPUs that come later */
static pte_t image_l1[512] __aligned(PAGE_SIZE);
static pte_t image_l0[512] __aligned(PAGE_SIZE);

uint64_t boot_map(paddr_t image)
{
    uint64_t text = (uint64_t)(_end_text - _start_image);
    uint64_t rodata = (uint64_t)(_end_rodata - _start_image);
    uint64_t size = (uint64_t)(_end_image - _start_image);

    for (uint64_t offset = 0; offset < size; offset += PAGE_SIZE) {
        pte_t attr = offset < text ? PTE_TEXT : offset < rodata ? PTE_RODATA : PTE_DATA;

        image_l0[offset >> PAGE_SHIFT] = pte_make(image + offset, attr);
    }
    /* With paging off the address of an object is its physical one (auipc). */
    image_l1[IMAGE_START >> 21 & 511u] = pte_make((paddr_t)(uintptr_t)image_l0, PTE_V);
    xen_root[IMAGE_START >> 30 & 511u] = pte_make((paddr_t)(uintptr_t)image_l1, PTE_V);
    xen_satp = (uint64_t)ATP_MODE_39 << ATP_MODE_SHIFT | (uintptr_t)xen_root >> PAGE_SHIFT;
    return xen_satp;
}
