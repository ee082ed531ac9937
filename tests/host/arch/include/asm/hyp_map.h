/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Third port: the hypervisor's tables have four levels and entries of the same form as those of the
 * second stage. The process's memory follows them where it can (port/hyp_map.c).
 */
#pragma once

#include <asm/layout.h>
#include <xen/config.h>

#define ARCH_HYP_ROOT_SHIFT 39u
#define ARCH_HYP_LEAF_SHIFT 30u
#define ARCH_HYP_PA_BITS    52u

#define HOST_FRAME(pa) ((pa) >> PAGE_SHIFT & ((UINT64_C(1) << 52) - 1))

static inline pte_t arch_hyp_leaf(paddr_t pa, enum hyp_kind kind, unsigned int shift __unused)
{
    return (pte_t){.valid = 1, .kind = kind & 3u, .frame = HOST_FRAME(pa)};
}

static inline pte_t arch_hyp_table(paddr_t table)
{
    return (pte_t){.valid = 1, .table = 1, .frame = HOST_FRAME(table)};
}

static inline bool arch_hyp_is_valid(pte_t pte)
{
    return pte.valid;
}

static inline bool arch_hyp_is_table(pte_t pte)
{
    return pte.valid && pte.table;
}

static inline paddr_t arch_hyp_table_pa(pte_t pte)
{
    return (paddr_t)pte.frame << PAGE_SHIFT;
}

static inline void arch_hyp_write(pte_t *slot, pte_t pte)
{
    __atomic_store(slot, &pte, __ATOMIC_RELEASE);
}

static inline void arch_hyp_zeroed(void)
{
    __atomic_thread_fence(__ATOMIC_RELEASE);
}
