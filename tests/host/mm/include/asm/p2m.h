/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The third port's second stage, watched: every store of an entry is checked for break-before-make
 * by port.c, and looks at entries are counted.
 */
#pragma once

#define arch_pte_write host_unwatched_pte_write
#define arch_pte_valid host_unwatched_pte_valid
#include_next <asm/p2m.h>
#undef arch_pte_write
#undef arch_pte_valid

extern __thread uint64_t watch_looks;

void watch_pte_write(pte_t *slot, pte_t pte);

static inline void arch_pte_write(pte_t *slot, pte_t pte)
{
    watch_pte_write(slot, pte);
}

static inline bool arch_pte_valid(pte_t pte)
{
    watch_looks++;
    return host_unwatched_pte_valid(pte);
}
