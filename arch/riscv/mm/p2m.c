/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest stage as hardware wants it: what hgatp and vsatp can do, loading a domain's, and TLB
 * maintenance by VMID. Other harts are asked through the firmware, which answers when they have
 * done it [RVSBI 8]. Harts without VMIDs, which is allowed, forget everything when they change the
 * domain.
 */
#include <arch/p2m.h>
#include <asm/csr.h>
#include <asm/hfence.h>
#include <asm/isa.h>
#include <asm/sbi.h>
#include <xen/atomic.h>
#include <xen/bitops.h>
#include <xen/cpu.h>
#include <xen/domain.h>
#include <xen/printk.h>
#include <xen/vmid.h>

#define IPA_BITS         41u
#define FLUSH_SINGLE_MAX 64u /* pages flushed one by one; more: the whole VMID */

#define RFENCE_GVMA_VMID 3u /* functions of SBI_EXT_RFENCE */
#define RFENCE_GVMA      4u

uint16_t p2m_vsatp_modes;
uint64_t p2m_device_bits;
static bool p2m_has_vmids; /* else the only one is 0 */

static void p2m_probe_vsatp(void)
{
    static const uint8_t modes[] = {ATP_MODE_BARE, ATP_MODE_39, ATP_MODE_48, ATP_MODE_57};

    for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
        csr_write(CSR_VSATP, (uint64_t)modes[i] << ATP_MODE_SHIFT);
        if (csr_read(CSR_VSATP) >> ATP_MODE_SHIFT == modes[i]) {
            p2m_vsatp_modes |= (uint16_t)(1u << modes[i]);
        }
    }
    csr_write(CSR_VSATP, 0);
}

static unsigned int p2m_probe_vmid_bits(void)
{
    uint64_t ones = HGATP_VMID(UINT64_MAX) << HGATP_VMID_SHIFT;
    unsigned int bits;

    csr_write(CSR_HGATP, (uint64_t)ATP_MODE_39 << ATP_MODE_SHIFT | ones);
    bits = ctz64(~HGATP_VMID(csr_read(CSR_HGATP))); /* low ones first */
    csr_write(CSR_HGATP, 0);
    return bits;
}

void arch_p2m_init(void)
{
    unsigned int bits;

    csr_write(CSR_HGATP, (uint64_t)ATP_MODE_39 << ATP_MODE_SHIFT);
    if (csr_read(CSR_HGATP) >> ATP_MODE_SHIFT != ATP_MODE_39) {
        panic("The CPU does not translate guest addresses by Sv39x4\n");
    }
    p2m_probe_vsatp();
    bits = p2m_probe_vmid_bits();
    p2m_has_vmids = vmid_init(bits);
    p2m_device_bits = isa_has(ISA_SVPBMT) ? GPTE_PBMT_IO : 0;
    printk("P2M: %u-bit guest addresses, %u-bit VMID, device memory %s\n", IPA_BITS,
           p2m_has_vmids ? bits : 0, isa_has(ISA_SVPBMT) ? "by Svpbmt" : "as the machine has it");
}

unsigned int arch_p2m_root_order(void)
{
    return ARCH_P2M_ROOT_ORDER;
}

unsigned int arch_p2m_ipa_bits(void)
{
    return IPA_BITS;
}

void arch_p2m_setup(struct arch_p2m *hw, paddr_t root)
{
    *hw = (struct arch_p2m){.root = root};
}

/* One call per group of 64 harts. size UINT64_MAX: everything. */
static void p2m_rfence(uint64_t function, uint32_t set, uint64_t start, uint64_t size,
                       uint64_t vmid)
{
    while (set != 0) {
        uint64_t base = cpus[ctz64(set)].arch.hartid, mask = 0;
        struct sbi_result r;

        for (uint32_t rest = set; rest != 0; rest &= rest - 1u) {
            unsigned int i = ctz64(rest);
            uint64_t distance = cpus[i].arch.hartid - base;

            if (distance < 64) {
                mask |= 1ul << distance;
                set &= ~(1u << i);
            }
        }
        r = sbi_call(SBI_EXT_RFENCE, function, mask, base, start, size, vmid);
        if (r.error != 0) {
            panic("The firmware does not flush TLBs of other CPUs: error %ld\n", r.error);
        }
    }
}

/*
 * Which CPUs must drop translations at once. The others do it when they load the domain: either one
 * of them finds its bit of `stale`, or we find it running (p2m_load). *before: who has not done
 * it since an earlier flush.
 */
static uint32_t p2m_flush_begin(struct arch_p2m *hw, uint32_t *before)
{
    *before = atomic_exchange(&hw->stale, UINT32_MAX);
    smp_mb(); /* the changed entries and `stale` are visible before we look who runs */
    /* Acquire: what a guest did on a CPU that has left it comes before what follows the flush. */
    return atomic_load_acquire(&hw->running);
}

/* They have dropped all that their marks stand for. Nobody else flushes meanwhile, so no other mark
 * of theirs is lost. */
static void p2m_flush_end(struct arch_p2m *hw, uint32_t set)
{
    (void)atomic_fetch_and(&hw->stale, ~set);
}

void arch_p2m_flush_all(void)
{
    uint32_t online = 0;

    for (unsigned int i = 0; i < nr_cpus; i++) {
        online |= cpus[i].online && &cpus[i] != this_cpu() ? 1u << i : 0;
    }
    hfence_gvma_all(); /* this CPU; then the others */
    p2m_rfence(RFENCE_GVMA, online, 0, UINT64_MAX, 0);
}

static uint64_t p2m_vmid(const struct arch_p2m *hw)
{
    return p2m_has_vmids ? hw->vmid & VMID_MASK : 0;
}

/*
 * The number in hw is used even if its generation is over: then it may still run under it
 * somewhere, or the number is another domain's and flushing that one costs only time. It is read
 * after flush_begin: who runs under a newer one began with no translations (vmid_renew).
 */
void arch_p2m_flush(struct arch_p2m *hw)
{
    uint32_t before, set = p2m_flush_begin(hw, &before), self = 1u << this_cpu()->id;
    uint64_t vmid = p2m_vmid(hw);

    if ((set & self) != 0) {
        hfence_gvma_vmid(vmid); /* after the stores to the table */
    }
    p2m_rfence(RFENCE_GVMA_VMID, set & ~self, 0, UINT64_MAX, vmid);
    p2m_flush_end(hw, set);
}

void arch_p2m_flush_range(struct arch_p2m *hw, gfn_t gfn, uint64_t nr)
{
    uint32_t before, set, self = 1u << this_cpu()->id;
    uint64_t vmid;

    if (nr > FLUSH_SINGLE_MAX) {
        arch_p2m_flush(hw);
        return;
    }
    set = p2m_flush_begin(hw, &before);
    vmid = p2m_vmid(hw);
    for (uint64_t i = 0; (set & self) != 0 && i < nr; i++) {
        hfence_gvma_page((gfn.n + i) << PAGE_SHIFT, vmid); /* after the stores to the table */
    }
    p2m_rfence(RFENCE_GVMA_VMID, set & ~self, gfn.n << PAGE_SHIFT, nr << PAGE_SHIFT, vmid);
    p2m_flush_end(hw, set & ~before); /* who is loading it still drops the rest */
}

void p2m_forget(paddr_t gpa)
{
    /* The walk that the guest's next try makes comes after it. */
    hfence_gvma_page(gpa, HGATP_VMID(csr_read(CSR_HGATP)));
}

/* Translate by hw's tables from here on. */
static void p2m_enter(struct arch_p2m *hw, const struct cpu *c)
{
    uint64_t hgatp = (uint64_t)ATP_MODE_39 << ATP_MODE_SHIFT | hw->root >> PAGE_SHIFT;
    uint32_t self = 1u << c->id;
    uint64_t vmid;

    (void)atomic_fetch_or(&hw->running, self);
    smp_mb(); /* visible before we look what to drop: pairs with flush_begin */
    if (!p2m_has_vmids) {
        csr_write(CSR_HGATP, hgatp);
        hfence_gvma_all(); /* what others left under the only VMID there is */
        return;
    }
    vmid = vmid_use(hw, c);
    if ((atomic_load(&hw->stale) & self) != 0) {
        (void)atomic_fetch_and(&hw->stale, ~self);
        hfence_gvma_vmid(vmid); /* what changed while it ran others, before it walks again */
    }
    csr_write(CSR_HGATP, hgatp | vmid << HGATP_VMID_SHIFT);
}

void p2m_unload(struct arch_p2m *hw)
{
    csr_write(CSR_HGATP, 0);
    /* Release: what the guest did here comes before what a flush that skips this CPU allows. */
    (void)atomic_fetch_and(&hw->running, ~(1u << this_cpu()->id));
}

void p2m_load(struct arch_p2m *hw, uint32_t id)
{
    const struct cpu *c = this_cpu();
    /* In full order after v->running: either we find that the place was taken away by a fence that
     * another vCPU has asked for, or it finds v running here (vsbi/rfence.c). */
    uint32_t where = atomic_exchange(&hw->where[id], c->id + 1u);
    bool again = hw->last[c->id] == id + 1u && where == c->id + 1u;

    p2m_enter(hw, c);
    /*
     * Another vCPU of the domain ran here meanwhile, or this one elsewhere, where alone it dropped
     * what it changed of its tables and fetched the instructions that it changed: what this hart
     * remembers of both may not be its own.
     */
    if (!again || !p2m_has_vmids) {
        hfence_vvma_all();                        /* translations */
        __asm__ volatile("fence.i" ::: "memory"); /* instructions */
        hw->last[c->id] = (uint16_t)(id + 1u);
    }
}
