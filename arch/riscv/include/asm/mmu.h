/* Entries of the hypervisor's Sv39 tables [RVPRIV Sv39, Svpbmt]. A and D are set from the start:
 * nobody looks at them here. */
#pragma once

#include <asm/types.h>

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

static inline pte_t pte_make(paddr_t pa, pte_t attr)
{
    return pa >> 12 << 10 | attr;
}

static inline paddr_t pte_pa(pte_t pte)
{
    return (pte & PTE_PPN) >> 10 << 12;
}
