/* SPDX-License-Identifier: Apache-2.0 */
/* Where the image is, and when harts see new entries of the tables of xen/mm/hyp_map.c. */
#include <arch/hyp_map.h>
#include <arch/mm.h>
#include <asm/isa.h>
#include <asm/sbi.h>
#include <xen/cpu.h>

extern char _start_image[], _end_image[];

uint64_t image_phys_offset, hyp_device_bits;

void mm_init(void)
{
    hyp_device_bits = isa_has(ISA_SVPBMT) ? PTE_PBMT_IO : 0;
}

paddr_t arch_image_start(void)
{
    return arch_va_to_pa(_start_image);
}

paddr_t arch_image_end(void)
{
    return arch_va_to_pa(_end_image);
}

void arch_hyp_sync(uint64_t va, uint64_t size)
{
    arch_hyp_switch();
    /* The first secondary maps its devices before it counts. */
    if (nr_cpus_online > 1 || this_cpu()->id != 0) {
        /* Other harts may have cached that nothing is there [RVPRIV SFENCE.VMA]. */
        (void)sbi_call(SBI_EXT_RFENCE, SBI_RFENCE_SFENCE_VMA, 0, SBI_ALL_HARTS, va, size, 0);
    }
}

/* There is only one root. */
void arch_hyp_switch(void)
{
    /* Walks see the entries written before; those cached, negative ones too, are dropped. */
    __asm__ volatile("sfence.vma" ::: "memory");
}
