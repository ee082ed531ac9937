/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a guest's virtual address to the machine's, in software: by the tables that vsatp names and
 * the domain's second stage. Every value read is the guest's choice. No lock is taken
 * (guest_copy.c): while cpu.copying is odd neither tables nor pages that were found go away.
 */
#include <arch/mm.h>
#include <arch/p2m.h>
#include <asm/csr.h>
#include <asm/isa.h>
#include <xen/cpu.h>
#include <xen/domain.h>
#include <xen/guest_atomic.h>
#include <xen/page.h>

/* Entries of the first stage [RVPRIV 12.4.1, 13, 14]. */
#define PTE_V        (1ul << 0)
#define PTE_R        (1ul << 1)
#define PTE_W        (1ul << 2)
#define PTE_X        (1ul << 3)
#define PTE_U        (1ul << 4)
#define PTE_A        (1ul << 6)
#define PTE_D        (1ul << 7)
#define PTE_PPN(pte) ((pte) >> 10 & ((1ul << 44) - 1ul))
#define PTE_RESERVED (0x7ful << 54)
#define PTE_PBMT     (3ul << 61)
#define PTE_N        (1ul << 63)

#define NAPOT_BITS 4u /* of a frame number, 64 KiB; the only size there is [RVPRIV 13] */

struct access {
    bool write;
    bool any; /* permissions do not matter */
};

/* U does not matter: see guest_walk in <asm/p2m.h>. */
static bool guest_leaf_allows(uint64_t pte, const struct access *a)
{
    bool readable = (pte & PTE_R) != 0;

    if (a->any) {
        return true;
    }
    if (!readable && (pte & PTE_X) != 0) {
        readable = (csr_read(CSR_VSSTATUS) & SSTATUS_MXR) != 0;
    }
    return a->write ? (pte & PTE_W) != 0 : readable;
}

/* A leaf at `level` (0: a page): its frame, with the low bits from the address. */
static bool guest_leaf_address(uint64_t pte, unsigned int level, uint64_t gva, paddr_t *gpa)
{
    uint64_t ppn = PTE_PPN(pte), low = (1ul << 9u * level) - 1ul;

    if ((ppn & low) != 0) {
        return false;
    }
    if ((pte & PTE_N) != 0) {
        low = (1ul << NAPOT_BITS) - 1ul;
        if (level != 0 || (ppn & low) != 1ul << (NAPOT_BITS - 1u)) {
            return false;
        }
        ppn &= ~low;
    }
    *gpa = (ppn | (gva >> PAGE_SHIFT & low)) << PAGE_SHIFT | (gva & ~PAGE_MASK);
    return true;
}

/* Where the guest's table has the entry at `gpa`; NULL: nowhere, or not for writing. */
static uint64_t *guest_entry_at(const struct p2m *p2m, paddr_t gpa, bool write)
{
    paddr_t pa;

    if (!p2m_translate(p2m, gpa, write, &pa) || !page_is_guest_ram(pa)) {
        return NULL;
    }
    return arch_pa_to_va(pa);
}

/*
 * A, and D for a write, as hardware has them: set by it with Svadu, else the guest has to
 * [RVPRIV 12.3.1]. false: the guest may not, or has just changed the entry.
 */
static bool guest_leaf_touch(const struct p2m *p2m, paddr_t at, uint64_t pte,
                             const struct access *a)
{
    uint64_t need = PTE_A | (a->write ? PTE_D : 0), *entry;

    if ((pte & need) == need || a->any) {
        return true;
    }
    entry = isa_has(ISA_SVADU) ? guest_entry_at(p2m, at, true) : NULL;
    /* The guest may write to the entry meanwhile, so tries are counted. */
    for (unsigned int i = 0; entry != NULL && i < GUEST_ATOMIC_TRIES; i++) {
        uint64_t found = pte;

        if (arch_try_cas64(entry, &found, pte | need)) {
            return true;
        }
        if (found != pte) {
            break;
        }
    }
    return false;
}

/* First stage: Sv39, Sv48, Sv57 have 3, 4, 5 levels. */
static bool guest_first_stage(const struct p2m *p2m, uint64_t gva, const struct access *a,
                              paddr_t *gpa)
{
    uint64_t vsatp = csr_read(CSR_VSATP), table = vsatp & ATP_PPN;
    unsigned int mode = (unsigned int)(vsatp >> ATP_MODE_SHIFT), level, unused;

    if (mode == ATP_MODE_BARE) {
        *gpa = gva;
        return true;
    }
    level = mode - ATP_MODE_39 + 3u;
    unused = 64u - PAGE_SHIFT - 9u * level;
    if ((uint64_t)((int64_t)(gva << unused) >> unused) != gva) {
        return false;
    }
    while (level-- != 0) {
        uint64_t index = gva >> (PAGE_SHIFT + 9u * level) & 511u;
        paddr_t at = (table << PAGE_SHIFT) + index * sizeof(uint64_t);
        const uint64_t *entry = guest_entry_at(p2m, at, false);
        uint64_t pte = entry != NULL ? atomic_load(entry) : 0;

        if ((pte & PTE_V) == 0 || (pte & (PTE_R | PTE_W)) == PTE_W || (pte & PTE_RESERVED) != 0) {
            return false;
        }
        if ((pte & (PTE_R | PTE_X)) != 0) {
            return guest_leaf_allows(pte, a) && guest_leaf_address(pte, level, gva, gpa) &&
                   guest_leaf_touch(p2m, at, pte, a);
        }
        if ((pte & (PTE_A | PTE_D | PTE_U | PTE_PBMT | PTE_N)) != 0) {
            return false;
        }
        table = PTE_PPN(pte);
    }
    return false;
}

bool guest_walk(uint64_t gva, bool write, paddr_t *pa)
{
    const struct p2m *p2m = &current_vcpu()->d->p2m;
    const struct access a = {.write = write};
    paddr_t gpa;

    return guest_first_stage(p2m, gva, &a, &gpa) && p2m_translate(p2m, gpa, write, pa);
}

bool guest_walk_gpa(uint64_t gva, paddr_t *gpa)
{
    const struct access a = {.any = true};
    struct cpu *c = this_cpu();
    bool found;

    /* As guest_copy.c does around a translation: the guest's tables stay while they are read. */
    atomic_store(&c->copying, c->copying + 1u);
    smp_mb(); /* visible before the walk begins */
    found = guest_first_stage(&c->current->d->p2m, gva, &a, gpa);
    atomic_store_release(&c->copying, c->copying + 1u);
    return found;
}
