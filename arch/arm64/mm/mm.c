/* SPDX-License-Identifier: Apache-2.0 */
/* Where the image is, and the switch of a CPU to the final tables of xen/mm/hyp_map.c. */
#include <arch/hyp_map.h>
#include <arch/mm.h>
#include <asm/sysregs.h>

extern char _start_image[], _end_image[];

uint64_t image_phys_offset;

paddr_t arch_image_start(void)
{
    return arch_va_to_pa(_start_image);
}

paddr_t arch_image_end(void)
{
    return arch_va_to_pa(_end_image);
}

/* Each entry was complete when it was written, and no CPU remembers that there was none [Arm ARM
 * D8.14.2]. */
void arch_hyp_sync(uint64_t va __unused, uint64_t size __unused)
{
}

void arch_hyp_switch(void)
{
    WRITE_SYSREG(arch_va_to_pa(arch_hyp_root), ttbr0_el2);
    isb(); /* the new root before the TLB is cleared of the old one's entries */
    __asm__ volatile("tlbi alle2" ::: "memory");
    dsb(nsh); /* TLB clear is complete */
    isb();    /* for the instructions that follow, too */
}
