/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Port side of <arch/p2m.h>: guest-stage translation by Sv39x4: 41-bit guest addresses, a root of
 * four pages [RVPRIV 18.5.1]. Every leaf has A and D set, so no hart ever has to, and U, because
 * guest-stage accesses count as user's.
 */
#pragma once

#include <asm/csr.h>
#include <xen/atomic.h>
#include <xen/config.h>

#define GPTE_VALID      (1ul << 0)
#define GPTE_READ       (1ul << 1)
#define GPTE_WRITE      (1ul << 2)
#define GPTE_EXEC       (1ul << 3)
#define GPTE_USER       (1ul << 4)
#define GPTE_ACCESSED   (1ul << 6)
#define GPTE_DIRTY      (1ul << 7)
#define GPTE_KIND_SHIFT 8 /* bits 9:8 are for software */
#define GPTE_PPN_SHIFT  10
#define GPTE_PPN        ((1ul << 44) - 1ul)
#define GPTE_PBMT_IO    (2ul << 61) /* Svpbmt: device memory */

/* GPTE_PBMT_IO; 0 without Svpbmt: then the machine's own attributes of the address hold, which are
 * right for it. */
extern uint64_t p2m_device_bits;

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

static inline pte_t arch_pte_leaf(const struct p2m_leaf *leaf, unsigned int level __unused)
{
    pte_t pte = leaf->mfn.n << GPTE_PPN_SHIFT | (uint64_t)leaf->kind << GPTE_KIND_SHIFT |
                GPTE_VALID | GPTE_READ | GPTE_USER | GPTE_ACCESSED | GPTE_DIRTY;

    pte |= (leaf->flags & P2M_WRITE) != 0 ? GPTE_WRITE : 0;
    pte |= (leaf->flags & P2M_EXEC) != 0 ? GPTE_EXEC : 0;
    pte |= leaf->kind == P2M_MMIO && (leaf->flags & P2M_CACHED) == 0 ? p2m_device_bits : 0;
    return pte;
}

static inline pte_t arch_pte_table(paddr_t table)
{
    return table >> PAGE_SHIFT << GPTE_PPN_SHIFT | GPTE_VALID;
}

static inline bool arch_pte_valid(pte_t pte)
{
    return (pte & GPTE_VALID) != 0;
}

static inline bool arch_pte_is_table(pte_t pte, unsigned int level)
{
    return level < ARCH_P2M_LEVELS - 1u &&
           (pte & (GPTE_VALID | GPTE_READ | GPTE_WRITE | GPTE_EXEC)) == GPTE_VALID;
}

static inline paddr_t arch_pte_table_pa(pte_t pte)
{
    return (pte >> GPTE_PPN_SHIFT & GPTE_PPN) << PAGE_SHIFT;
}

static inline struct p2m_leaf arch_pte_parse(pte_t pte, unsigned int level __unused)
{
    struct p2m_leaf leaf = {.mfn = {pte >> GPTE_PPN_SHIFT & GPTE_PPN},
                            .kind = (uint8_t)(pte >> GPTE_KIND_SHIFT & 3u)};

    leaf.flags = (uint8_t)(((pte & GPTE_WRITE) != 0 ? P2M_WRITE : 0) |
                           ((pte & GPTE_EXEC) != 0 ? P2M_EXEC : 0));
    if (leaf.kind == P2M_MMIO && (pte & GPTE_PBMT_IO) == 0) {
        leaf.flags |= P2M_CACHED;
    }
    return leaf;
}

/*
 * No fence: a hart may remember that an entry was not valid, and then its guest faults although the
 * new entry is there; the trap handler drops what the hart remembers and lets it try again
 * (vcpu/access.c). Valid entries change only through 0 and a flush.
 */
static inline void arch_pte_write(pte_t *slot, pte_t pte)
{
    __atomic_store_n(slot, pte, __ATOMIC_RELAXED);
}

/*
 * guest_walk.c: through the running guest's own tables and the second stage. The kernel's right to
 * user memory (SUM) counts as given: it can take it itself.
 */
bool __must_check guest_walk(uint64_t gva, bool write, paddr_t *pa);
/* The first stage only, with any right: for faults whose guest-physical address is not known. */
bool __must_check guest_walk_gpa(uint64_t gva, paddr_t *gpa);

static inline bool arch_gva_to_pa(const struct arch_p2m *hw __unused, uint64_t gva, bool write,
                                  paddr_t *pa)
{
    /* Earlier stores are visible before the walk begins: guest_copy.c relies on it. */
    fence(rw, rw);
    return guest_walk(gva, write, pa);
}

static inline void arch_vmid_taken(void)
{
    smp_mb(); /* the number is visible before anything is translated under it (arch_p2m_flush) */
}

/* mm/p2m.c. Let this CPU translate for the vCPU `id` of hw's domain; vsatp is 0 (bare). */
void p2m_load(struct arch_p2m *hw, uint32_t id);
/* The CPU translates for nobody any more; vsatp is 0. */
void p2m_unload(struct arch_p2m *hw);
/* This CPU drops what it remembers of one guest page of the domain that is loaded. */
void p2m_forget(paddr_t gpa);
/* Which modes of vsatp the harts have: bit per mode. */
extern uint16_t p2m_vsatp_modes;
