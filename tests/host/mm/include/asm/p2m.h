/*
 * The third port's second stage, watched: every store of an entry is checked for break-before-make
 * by port.c.
 */
#pragma once

#define arch_pte_write host_unwatched_pte_write
#include_next <asm/p2m.h>
#undef arch_pte_write

void watch_pte_write(pte_t *slot, pte_t pte);

static inline void arch_pte_write(pte_t *slot, pte_t pte)
{
    watch_pte_write(slot, pte);
}
