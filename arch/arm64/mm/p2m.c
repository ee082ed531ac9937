/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stage 2 as hardware wants it: VTCR_EL2, and TLB maintenance by VMID.
 */
#include <arch/mm.h>
#include <arch/p2m.h>
#include <asm/mm.h>
#include <asm/sysregs.h>
#include <xen/cpu.h>
#include <xen/domain.h>
#include <xen/printk.h>
#include <xen/vmid.h>

#define VTCR_RES1       (1ul << 31)
#define VTCR_WALK       (3ul << 12 | 1ul << 10 | 1ul << 8) /* inner shareable, write-back */
#define VTCR_SL0_LEVEL1 (1ul << 6)
#define VMID_BITS       8u /* the smallest that the architecture has */

static uint64_t vtcr;
static unsigned int ipa_bits;

void arch_p2m_init(void)
{
    static const uint8_t bits[] = {32, 36, 40, 42, 44, 48}; /* PARange [Arm ARM D17.2.64] */
    uint64_t range = READ_SYSREG(id_aa64mmfr0_el1) & 15u;

    range = range < ARRAY_SIZE(bits) ? range : ARRAY_SIZE(bits) - 1u;
    /* 40 bits with a root of two pages: three levels instead of four, and room for every address of
     * supported machines. */
    ipa_bits = bits[range] < 40 ? bits[range] : 40;
    vtcr = VTCR_RES1 | range << 16 | VTCR_WALK | VTCR_SL0_LEVEL1 | (64ul - ipa_bits);
    if (!vmid_init(VMID_BITS)) {
        panic("There are too many CPUs for %u-bit VMIDs\n", VMID_BITS);
    }
    printk("P2M: %u-bit guest addresses, %u-bit VMID, VTCR %#lx\n", ipa_bits, VMID_BITS, vtcr);
}

unsigned int arch_p2m_root_order(void)
{
    return ipa_bits > 39 ? ipa_bits - 39u : 0;
}

unsigned int arch_p2m_ipa_bits(void)
{
    return ipa_bits;
}

void arch_p2m_setup(struct arch_p2m *hw, paddr_t root)
{
    hw->root = root;
    hw->vmid = 0;
}

void p2m_init_cpu(void)
{
    WRITE_SYSREG(vtcr, vtcr_el2);
    WRITE_SYSREG(0, vttbr_el2);
    isb(); /* both before the TLB is cleared of what a boot loader left */
    __asm__ volatile("tlbi alle1" ::: "memory");
    dsb(nsh); /* complete */
    isb();    /* before anything is translated */
}

static uint64_t p2m_vttbr(const struct arch_p2m *hw, uint64_t vmid)
{
    return hw->root | vmid << 48;
}

uint64_t p2m_load(struct arch_p2m *hw)
{
    return p2m_vttbr(hw, vmid_use(hw, this_cpu()));
}

/*
 * vCPUs of a domain share its VMID, but each may have translations of its own under the same ASID:
 * what another one left in this CPU's TLB is not this one's. What the guest itself drops, it drops
 * on all CPUs (HCR_EL2.FB).
 */
void p2m_vcpu_changed(struct arch_p2m *hw, uint32_t id)
{
    uint8_t *last = &hw->last[this_cpu()->id];

    if (*last != id + 1u) {
        __asm__ volatile("tlbi vmalle1" ::: "memory"); /* of the VMID that is loaded */
        dsb(nsh);                                      /* complete on this CPU ... */
        isb();                                         /* ... before it translates again */
        *last = (uint8_t)(id + 1u);
    }
}

/* What was in force before select_vmid, if it changed anything. */
struct regime {
    uint64_t vttbr, tcr;
    bool changed;
};

/*
 * TLBI by VMID works on the one in VTTBR_EL2: put hw's there. hw's number is used even if its
 * generation is over: then it may still run under it somewhere, or the number is another domain's
 * and flushing that one costs only time. The tables of the guest that was interrupted here are not
 * walked meanwhile: something speculative would enter its translations under hw's number (Arm
 * errata 1319367 and 1319537).
 */
static struct regime p2m_select_vmid(const struct arch_p2m *hw)
{
    struct regime now = {.vttbr = READ_SYSREG(vttbr_el2)};
    uint64_t vttbr = p2m_vttbr(hw, hw->vmid & VMID_MASK);

    now.changed = now.vttbr != vttbr;
    if (now.changed) {
        now.tcr = READ_SYSREG(tcr_el1);
        WRITE_SYSREG(now.tcr | TCR_EPD0 | TCR_EPD1, tcr_el1);
        isb(); /* no walk from here on */
        WRITE_SYSREG(vttbr, vttbr_el2);
        isb(); /* before the TLBI that uses it */
    }
    return now;
}

static void p2m_restore_vmid(struct regime old)
{
    if (old.changed) {
        WRITE_SYSREG(old.vttbr, vttbr_el2);
        isb(); /* the running guest's again, before its tables may be walked */
        WRITE_SYSREG(old.tcr, tcr_el1);
        isb(); /* before AT or return */
    }
}

void arch_p2m_flush_all(void)
{
    __asm__ volatile("tlbi alle1is" ::: "memory");
    dsb(ish); /* complete on all CPUs */
}

void arch_p2m_flush(struct arch_p2m *hw)
{
    struct regime old;

    if (hw->vmid == 0) {
        return; /* it never ran: nothing can be cached */
    }
    old = p2m_select_vmid(hw);
    dsb(ishst); /* the changed entries are visible before the TLB forgets the old ones */
    __asm__ volatile("tlbi vmalls12e1is" ::: "memory");
    dsb(ish); /* complete on all CPUs */
    isb();    /* nothing fetched through it remains here */
    p2m_restore_vmid(old);
}

/*
 * All of the VMID goes: what combines both stages must, and then "tlbi ipas2e1is" for each frame
 * before it [Arm ARM D8.13.5] would be a second round of messages to all CPUs, and a second wait,
 * to save the walks of stage 2 alone.
 */
void arch_p2m_flush_range(struct arch_p2m *hw, gfn_t gfn __unused, uint64_t nr __unused)
{
    arch_p2m_flush(hw);
}

/*
 * AT for a write through both stages ends QEMU 10 where the second stage refuses the write. So the
 * instruction checks the first stage, and the second is walked here.
 */
uint64_t p2m_at_write(uint64_t gva)
{
    uint64_t par = P2M_AT(s1e1w, gva);
    paddr_t pa;

    if ((par & 1u) == 0 && p2m_translate(&current_vcpu()->d->p2m, par & S2_ADDRESS, true, &pa)) {
        return pa;
    }
    return 1;
}
