/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proofs' side of <arch/p2m.h>: three levels, tables of two entries, eight guest frames. Entries
 * are the third port's (tests/host/arch).
 */
#pragma once

#include <xen/config.h>

void proof_pte_write(pte_t *slot, pte_t pte);

static inline bool arch_gva_to_pa(const struct arch_p2m *hw __unused, uint64_t gva __unused,
                                  bool write __unused, paddr_t *pa __unused)
{
    return false;
}

static inline void arch_vmid_taken(void)
{
}

static inline unsigned int arch_p2m_order(unsigned int level)
{
    return ARCH_P2M_LEVELS - 1u - level;
}

static inline unsigned int arch_p2m_index(gfn_t gfn, unsigned int level)
{
    return (unsigned int)(gfn.n >> arch_p2m_order(level)) & 1u;
}

static inline bool arch_p2m_leaf_allowed(unsigned int level)
{
    return level < ARCH_P2M_LEVELS;
}

static inline pte_t arch_pte_leaf(const struct p2m_leaf *leaf, unsigned int level __unused)
{
    return (pte_t){
        .valid = 1, .kind = leaf->kind & 3u, .flags = leaf->flags & 7u, .frame = leaf->mfn.n};
}

static inline pte_t arch_pte_table(paddr_t table)
{
    return (pte_t){.valid = 1, .table = 1, .frame = table >> PAGE_SHIFT};
}

static inline bool arch_pte_valid(pte_t pte)
{
    return pte.valid;
}

static inline bool arch_pte_is_table(pte_t pte, unsigned int level)
{
    return pte.valid && pte.table && level < ARCH_P2M_LEVELS - 1u;
}

static inline paddr_t arch_pte_table_pa(pte_t pte)
{
    return (paddr_t)pte.frame << PAGE_SHIFT;
}

static inline struct p2m_leaf arch_pte_parse(pte_t pte, unsigned int level __unused)
{
    return (struct p2m_leaf){
        .mfn = {pte.frame}, .kind = (uint8_t)pte.kind, .flags = (uint8_t)pte.flags};
}

static inline void arch_pte_write(pte_t *slot, pte_t pte)
{
    proof_pte_write(slot, pte);
}
