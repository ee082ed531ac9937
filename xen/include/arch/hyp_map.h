/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contract: the hypervisor's own page tables. The walker is xen/mm/hyp_map.c; the port gives the
 * format of an entry, what makes a changed entry take effect, and where everything is mapped:
 * <asm/layout.h> has IMAGE_START, DIRECTMAP_, DEVICE_ and EARLY_ with _START and _SIZE.
 * <asm/hyp_map.h> also has ARCH_HYP_ROOT_SHIFT (an entry of the root maps 1 << that many bytes;
 * each level below has 9 bits less), ARCH_HYP_LEAF_SHIFT (the same of the largest leaf),
 * ARCH_HYP_PA_BITS.
 */
#pragma once

#include <arch/types.h>
#include <xen/compiler.h>
#include <xen/types.h>

/* What a leaf maps. Nothing is writable and executable. */
enum hyp_kind {
    HYP_TEXT,   /* read, execute */
    HYP_RODATA, /* read */
    HYP_DATA,   /* read, write */
    HYP_DEVICE, /* read, write; strongly ordered */
};

/* The root table, which holds the image's mapping since boot. */
extern pte_t arch_hyp_root[512];

static inline pte_t arch_hyp_leaf(paddr_t pa, enum hyp_kind kind, unsigned int shift);
static inline pte_t arch_hyp_table(paddr_t table);
static inline bool arch_hyp_is_valid(pte_t pte);
static inline bool arch_hyp_is_table(pte_t pte);
static inline paddr_t arch_hyp_table_pa(pte_t pte);
/* Store an entry where none was valid, or 0. Walkers of other CPUs see it in any order. */
static inline void arch_hyp_write(pte_t *slot, pte_t pte);
/* A new table was zeroed: walkers see the zeros before an entry that leads to them. */
static inline void arch_hyp_zeroed(void);

/* Entries for [va, va + size) were written where none was valid: all CPUs use them from here on. */
void arch_hyp_sync(uint64_t va, uint64_t size);
/* The calling CPU translates by arch_hyp_root, and forgets what it remembers of other tables and of
 * entries that are gone. */
void arch_hyp_switch(void);

#include <asm/hyp_map.h>
