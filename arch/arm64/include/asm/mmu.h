/* Stage 1 entries of EL2 [Arm ARM D8.3]. One privilege level: AP[1] is RES1, XN is bit 54. */
#pragma once

#include <asm/types.h>

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
