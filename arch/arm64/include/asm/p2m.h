/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Port side of <arch/p2m.h>: stage 2, 4 KiB granule, walks that start at level 1 with a
 * concatenated root [Arm ARM D8.2.7, D8.3.2]. Level numbers of the core are 0..2 for the
 * architecture's 1..3.
 */
#pragma once

#include <asm/sysregs.h>
#include <xen/config.h>

#define S2_VALID       (1ul << 0)
#define S2_TABLE       (1ul << 1)   /* table at levels 1, 2; page at level 3; clear: block */
#define S2_ATTR_NORMAL (0xful << 2) /* write-back cacheable */
#define S2_ATTR_DEVICE (0x1ul << 2) /* Device-nGnRE */
#define S2_READ        (1ul << 6)
#define S2_WRITE       (1ul << 7)
#define S2_SH_INNER    (3ul << 8)
#define S2_SH_OUTER    (2ul << 8)
#define S2_AF          (1ul << 10)
#define S2_XN          (1ul << 54)
#define S2_KIND_SHIFT  55 /* bits 58:55 are for software */
#define S2_ADDRESS     0x0000fffffffff000ul

static inline unsigned int arch_p2m_order(unsigned int level)
{
    return 9u * (ARCH_P2M_LEVELS - 1u - level);
}

static inline unsigned int arch_p2m_index(gfn_t gfn, unsigned int level)
{
    uint64_t index = gfn.n >> arch_p2m_order(level);

    return (unsigned int)(level == 0 ? index : index & 511u);
}

static inline bool arch_p2m_leaf_allowed(unsigned int level)
{
    return level < ARCH_P2M_LEVELS;
}

static inline pte_t arch_pte_leaf(const struct p2m_leaf *leaf, unsigned int level)
{
    pte_t pte = leaf->mfn.n << PAGE_SHIFT | S2_VALID | S2_READ | S2_AF |
                (uint64_t)leaf->kind << S2_KIND_SHIFT;
    bool device = leaf->kind == P2M_MMIO && (leaf->flags & P2M_CACHED) == 0;

    pte |= device ? S2_ATTR_DEVICE | S2_SH_OUTER : S2_ATTR_NORMAL | S2_SH_INNER;
    pte |= (leaf->flags & P2M_WRITE) != 0 ? S2_WRITE : 0;
    pte |= (leaf->flags & P2M_EXEC) != 0 ? 0 : S2_XN;
    return level == ARCH_P2M_LEVELS - 1u ? pte | S2_TABLE : pte;
}

static inline pte_t arch_pte_table(paddr_t table)
{
    return table | S2_VALID | S2_TABLE;
}

static inline bool arch_pte_valid(pte_t pte)
{
    return (pte & S2_VALID) != 0;
}

static inline bool arch_pte_is_table(pte_t pte, unsigned int level)
{
    return level < ARCH_P2M_LEVELS - 1u && (pte & (S2_VALID | S2_TABLE)) == (S2_VALID | S2_TABLE);
}

static inline paddr_t arch_pte_table_pa(pte_t pte)
{
    return pte & S2_ADDRESS;
}

static inline struct p2m_leaf arch_pte_parse(pte_t pte, unsigned int level __unused)
{
    struct p2m_leaf leaf = {.mfn = {(pte & S2_ADDRESS) >> PAGE_SHIFT},
                            .kind = (uint8_t)(pte >> S2_KIND_SHIFT & 3u)};

    leaf.flags =
        (uint8_t)(((pte & S2_WRITE) != 0 ? P2M_WRITE : 0) | ((pte & S2_XN) == 0 ? P2M_EXEC : 0));
    if (leaf.kind == P2M_MMIO && (pte & (0xful << 2)) == S2_ATTR_NORMAL) {
        leaf.flags |= P2M_CACHED;
    }
    return leaf;
}

static inline void arch_pte_write(pte_t *slot, pte_t pte)
{
    __atomic_store_n(slot, pte, __ATOMIC_RELAXED);
    /* Table walkers of all CPUs see the entry before anything after this call [Arm ARM D8.14.2]. */
    dsb(ishst);
}

static inline void arch_vmid_taken(void)
{
    dsb(ish); /* the number is stored before anything is translated under it */
}

/* PAR_EL1 after the instruction; the guest may be between its own AT and the read of PAR. */
#define P2M_AT(operation, gva) \
    ({ \
        uint64_t _saved = READ_SYSREG(par_el1), _par; \
\
        __asm__ volatile("at " #operation ", %0" ::"r"(gva) : "memory"); \
        isb(); /* PAR_EL1 is written before it is read */ \
        _par = READ_SYSREG(par_el1); \
        WRITE_SYSREG(_saved, par_el1); \
        _par; \
    })

/* mm/p2m.c: the same for a write, where the second stage may have leaves that are read-only. */
uint64_t p2m_at_write(uint64_t gva);

static inline bool arch_gva_to_pa(const struct arch_p2m *hw, uint64_t gva, bool write, paddr_t *pa)
{
    uint64_t par;

    /* Earlier stores are visible before anything below: guest_copy.c relies on it, and a DMB does
     * not order AT. */
    dsb(ishst);
    if (!write) {
        par = P2M_AT(s12e1r, gva);
    } else if (likely(READ_ONCE(hw->read_only) == 0)) {
        par = P2M_AT(s12e1w, gva);
    } else {
        par = p2m_at_write(gva);
    }
    *pa = (par & S2_ADDRESS) | (gva & (PAGE_SIZE - 1ul));
    return (par & 1u) == 0;
}
