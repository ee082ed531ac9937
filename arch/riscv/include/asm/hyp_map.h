/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Port side of <arch/hyp_map.h>: HS-mode's Sv39 space [RVPRIV Sv39, Svpbmt]. A and D are set from
 * the start: nobody looks at them here.
 */
#pragma once

#include <asm/layout.h>
#include <xen/atomic.h>

#define ARCH_HYP_ROOT_SHIFT 30u
#define ARCH_HYP_LEAF_SHIFT 30u
#define ARCH_HYP_PA_BITS    56u /* [RVPRIV 12.4.1] */

#define PTE_V       (1ul << 0)
#define PTE_R       (1ul << 1)
#define PTE_W       (1ul << 2)
#define PTE_X       (1ul << 3)
#define PTE_A       (1ul << 6)
#define PTE_D       (1ul << 7)
#define PTE_PBMT_IO (2ul << 61) /* only with Svpbmt */

#define PTE_TEXT   (PTE_V | PTE_A | PTE_R | PTE_X)
#define PTE_RODATA (PTE_V | PTE_A | PTE_R)
#define PTE_DATA   (PTE_V | PTE_A | PTE_D | PTE_R | PTE_W)
#define PTE_LEAF   (PTE_R | PTE_W | PTE_X) /* none of them: a pointer to a table */

#define PTE_PPN ((1ul << 54) - (1ul << 10))

/* mm/mm.c: PTE_PBMT_IO from mm_init on, where harts have Svpbmt. Else the memory type is the one
 * that the machine gives the address (PMA), which is right for every device. */
extern uint64_t hyp_device_bits;

static inline pte_t arch_hyp_leaf(paddr_t pa, enum hyp_kind kind, unsigned int shift __unused)
{
    static const pte_t attr[] = {[HYP_TEXT] = PTE_TEXT,
                                 [HYP_RODATA] = PTE_RODATA,
                                 [HYP_DATA] = PTE_DATA,
                                 [HYP_DEVICE] = PTE_DATA};

    return pa >> 12 << 10 | attr[kind] | (kind == HYP_DEVICE ? hyp_device_bits : 0);
}

static inline pte_t arch_hyp_table(paddr_t table)
{
    return table >> 12 << 10 | PTE_V;
}

static inline bool arch_hyp_is_valid(pte_t pte)
{
    return (pte & PTE_V) != 0;
}

static inline bool arch_hyp_is_table(pte_t pte)
{
    return (pte & (PTE_V | PTE_LEAF)) == PTE_V;
}

static inline paddr_t arch_hyp_table_pa(pte_t pte)
{
    return (pte & PTE_PPN) >> 10 << 12;
}

static inline void arch_hyp_write(pte_t *slot, pte_t pte)
{
    WRITE_ONCE(*slot, pte);
}

static inline void arch_hyp_zeroed(void)
{
    smp_wmb(); /* zeros are visible before the entry that leads to them */
}
