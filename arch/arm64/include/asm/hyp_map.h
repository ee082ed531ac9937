/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Port side of <arch/hyp_map.h>: EL2's 48-bit space, entries of stage 1 [Arm ARM D8.3]. One
 * privilege level: AP[1] is RES1, XN is bit 54.
 */
#pragma once

#include <asm/layout.h>
#include <asm/sysregs.h>
#include <xen/config.h>

#define ARCH_HYP_ROOT_SHIFT 39u
#define ARCH_HYP_LEAF_SHIFT 30u
#define ARCH_HYP_PA_BITS    48u

#define PTE_VALID       0x1ul
#define PTE_BLOCK       0x1ul
#define PTE_TABLE       0x3ul
#define PTE_PAGE        0x3ul
#define PTE_ATTR(index) ((uint64_t)(index) << 2) /* MAIR_EL2, see head.S */
#define PTE_AP1         (1ul << 6)
#define PTE_READONLY    (1ul << 7)
#define PTE_SH_INNER    (3ul << 8)
#define PTE_AF          (1ul << 10)
#define PTE_XN          (1ul << 54)
#define PTE_ADDRESS     0x0000fffffffff000ul

#define PTE_NORMAL (PTE_ATTR(1) | PTE_SH_INNER | PTE_AP1 | PTE_AF)
#define PTE_TEXT   (PTE_NORMAL | PTE_READONLY)
#define PTE_RODATA (PTE_NORMAL | PTE_READONLY | PTE_XN)
#define PTE_DATA   (PTE_NORMAL | PTE_XN)
#define PTE_DEVICE (PTE_ATTR(2) | PTE_AP1 | PTE_AF | PTE_XN)

static inline pte_t arch_hyp_leaf(paddr_t pa, enum hyp_kind kind, unsigned int shift)
{
    static const pte_t attr[] = {[HYP_TEXT] = PTE_TEXT,
                                 [HYP_RODATA] = PTE_RODATA,
                                 [HYP_DATA] = PTE_DATA,
                                 [HYP_DEVICE] = PTE_DEVICE};

    return pa | attr[kind] | (shift == PAGE_SHIFT ? PTE_PAGE : PTE_BLOCK);
}

static inline pte_t arch_hyp_table(paddr_t table)
{
    return table | PTE_TABLE;
}

static inline bool arch_hyp_is_valid(pte_t pte)
{
    return (pte & PTE_VALID) != 0;
}

/* Not of the last level, where these bits say that it is a page. */
static inline bool arch_hyp_is_table(pte_t pte)
{
    return (pte & PTE_TABLE) == PTE_TABLE;
}

static inline paddr_t arch_hyp_table_pa(pte_t pte)
{
    return pte & PTE_ADDRESS;
}

static inline void arch_hyp_write(pte_t *slot, pte_t pte)
{
    WRITE_ONCE(*slot, pte);
    dsb(ish); /* table walkers of all CPUs see the entry ... */
    isb();    /* ... and so do the instructions that follow here */
}

static inline void arch_hyp_zeroed(void)
{
    dsb(ishst); /* zeros are visible before the entry that leads to them */
}
