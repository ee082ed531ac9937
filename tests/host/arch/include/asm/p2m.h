/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Third port: second-stage tables of three levels with a root of two pages, 40 bits of
 * guest-physical address.
 */
#pragma once

#include <xen/config.h>

bool host_gva_to_pa(uint64_t gva, bool write, paddr_t *pa);
void host_pte_write(pte_t *slot, pte_t pte);

extern _Thread_local uint64_t host_pte_looks; /* at entries, by this thread */

static inline bool arch_gva_to_pa(const struct arch_p2m *hw __unused, uint64_t gva, bool write,
                                  paddr_t *pa)
{
    return host_gva_to_pa(gva, write, pa);
}

static inline void arch_vmid_taken(void)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static inline unsigned int arch_p2m_order(unsigned int level)
{
    return 9u * (ARCH_P2M_LEVELS - 1u - level);
}

static inline unsigned int arch_p2m_index(gfn_t gfn, unsigned int level)
{
    uint64_t index = gfn.n >> arch_p2m_order(level);

    return (unsigned int)(level == 0 ? index : index % 512);
}

static inline bool arch_p2m_leaf_allowed(unsigned int level)
{
    return level < ARCH_P2M_LEVELS;
}

static inline pte_t arch_pte_leaf(const struct p2m_leaf *leaf, unsigned int level __unused)
{
    return (pte_t){
        .valid = 1,
        .kind = leaf->kind & 3u,
        .flags = leaf->flags & 7u,
        .frame = leaf->mfn.n & ((UINT64_C(1) << 52) - 1),
    };
}

static inline pte_t arch_pte_table(paddr_t table)
{
    return (pte_t){
        .valid = 1, .table = 1, .frame = table >> PAGE_SHIFT & ((UINT64_C(1) << 52) - 1)};
}

static inline bool arch_pte_valid(pte_t pte)
{
    host_pte_looks++;
    return pte.valid;
}

static inline bool arch_pte_is_table(pte_t pte, unsigned int level __unused)
{
    return pte.valid && pte.table;
}

static inline paddr_t arch_pte_table_pa(pte_t pte)
{
    return (paddr_t)pte.frame << PAGE_SHIFT;
}

static inline struct p2m_leaf arch_pte_parse(pte_t pte, unsigned int level __unused)
{
    return (struct p2m_leaf){
        .mfn = {pte.frame},
        .kind = (uint8_t)pte.kind,
        .flags = (uint8_t)pte.flags,
    };
}

static inline void arch_pte_write(pte_t *slot, pte_t pte)
{
    host_pte_write(slot, pte);
}
