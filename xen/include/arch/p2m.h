/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contract: second-stage translation. The walker is xen/mm/p2m.c; the port gives the format of an
 * entry, the maintenance of the TLB and the translation of a guest virtual address.
 */
#pragma once

#include <arch/types.h>
#include <xen/compiler.h>
#include <xen/types.h>

struct domain;
struct p2m;

/* What a leaf maps (2 bits in hardware entries of every port) and how (flags). */
enum p2m_kind {
    P2M_RAM,     /* the domain's own page, or a page of the hypervisor shared with it */
    P2M_MMIO,    /* device memory */
    P2M_FOREIGN, /* another domain's page: holds a reference */
    P2M_GRANT,   /* a page mapped by grant: holds a reference through the grant */
};

#define P2M_WRITE  (1u << 0)
#define P2M_EXEC   (1u << 1)
#define P2M_CACHED (1u << 2) /* MMIO only: normal cached memory instead of device */

struct p2m_leaf {
    mfn_t mfn;
    uint8_t kind;  /* enum p2m_kind */
    uint8_t flags; /* P2M_* */
};

/*
 * Levels count up from the root: a leaf of level L maps 1 << arch_p2m_order(L) pages; level
 * ARCH_P2M_LEVELS - 1 maps one page.
 */
static inline unsigned int arch_p2m_order(unsigned int level);
/* Index into the table of `level` for gfn. Level 0 may exceed 511 when the root is concatenated. */
static inline unsigned int arch_p2m_index(gfn_t gfn, unsigned int level);
/* May a leaf stand at this level? */
static inline bool arch_p2m_leaf_allowed(unsigned int level);

static inline pte_t arch_pte_leaf(const struct p2m_leaf *leaf, unsigned int level);
static inline pte_t arch_pte_table(paddr_t table);
static inline bool arch_pte_valid(pte_t pte);
static inline bool arch_pte_is_table(pte_t pte, unsigned int level);
static inline paddr_t arch_pte_table_pa(pte_t pte);
static inline struct p2m_leaf arch_pte_parse(pte_t pte, unsigned int level);
/* Store an entry with single-copy atomicity and make it visible to table walkers of all CPUs. */
static inline void arch_pte_write(pte_t *slot, pte_t pte);

/* Choose the format from the CPU's features (IPA size, levels) - once, on the boot CPU, before the
 * first domain. */
void arch_p2m_init(void);
/* Number of pages (order) of the root table and number of bits of a guest physical address. */
unsigned int arch_p2m_root_order(void);
unsigned int arch_p2m_ipa_bits(void);
/* Bind a zeroed root table to the hardware view. */
void arch_p2m_setup(struct arch_p2m *hw, paddr_t root);

/* Drop this domain's cached translations, all of them or of nr pages from gfn, on every CPU: no
 * vCPU of it uses them after the return. One caller at a time: the p2m lock, or the last user. */
void arch_p2m_flush(struct arch_p2m *hw);
void arch_p2m_flush_range(struct arch_p2m *hw, gfn_t gfn, uint64_t nr);

/* VMIDs (<xen/vmid.h>). Every CPU drops all translations of all domains. */
void arch_p2m_flush_all(void);
/* This CPU has just given a domain a number. Whoever flushes that domain from here on sees it, or
 * else what he changed is seen here by the first translation. */
static inline void arch_vmid_taken(void);

/*
 * Guest virtual to physical address through both stages, with the access rights of the running
 * guest's kernel. Only for the vCPU whose state is loaded on this CPU; hw: its domain's. false: the
 * guest's tables do not allow it. This CPU's earlier stores are visible to the others before the
 * translation begins (guest_copy.c). Inline: every hypercall with an argument makes it.
 */
static inline bool __must_check arch_gva_to_pa(const struct arch_p2m *hw, uint64_t gva, bool write,
                                               paddr_t *pa);

#include <asm/p2m.h>
