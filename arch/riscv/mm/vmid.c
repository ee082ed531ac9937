/*
 * VMIDs, recycled by generation: a domain keeps its VMID until all are used up; then a new
 * generation begins, the TLBs of all CPUs are cleared, and each domain takes a new one when it next
 * runs. VMIDs that run on some CPU at that moment are carried over. Harts without VMIDs, which is
 * allowed, forget everything when they change the domain.
 */
#include <arch/p2m.h>
#include <asm/csr.h>
#include <asm/hfence.h>
#include <xen/atomic.h>
#include <xen/bitops.h>
#include <xen/cpu.h>
#include <xen/lib.h>
#include <xen/spinlock.h>

#define VMID_SHIFT 44u
#define VMID_WIDTH 14u /* the most that hgatp can have */
#define VMID_MASK  ((1ul << VMID_WIDTH) - 1ul)
#define GENERATION (1ul << VMID_WIDTH)
#define VMIDS      256u /* in use at once, recycled beyond; a bitmap of this size is kept */

static spinlock_t lock = SPINLOCK_INIT(LOCK_HEAP);
static uint64_t generation = GENERATION;
static uint64_t used[VMIDS / 64] = {1}; /* 0 is never given out */
static uint64_t active[MAX_CPUS]; /* generation | VMID that each CPU has loaded; 0: after a rollover
                                   */
static uint64_t reserved[MAX_CPUS];
static unsigned int bits, vmids;

void vmid_init(void)
{
    uint64_t hgatp = (uint64_t)ATP_MODE_39 << ATP_MODE_SHIFT | VMID_MASK << VMID_SHIFT;

    csr_write(CSR_HGATP, hgatp);
    bits = ctz64(~HGATP_VMID(csr_read(CSR_HGATP))); /* low ones first */
    vmids = bits < 8 ? 1u << bits : VMIDS;
    if (vmids <= nr_cpus + 1u) {
        bits = 0; /* 0 is nobody's, and each CPU may keep one into a new generation: none is left */
    }
    csr_write(CSR_HGATP, 0);
}

unsigned int vmid_bits(void)
{
    return bits;
}

uint64_t vmid_number(const struct arch_p2m *hw)
{
    return bits != 0 ? hw->vmid & VMID_MASK : 0;
}

static bool is_active(uint64_t vmid)
{
    return (vmid & ~VMID_MASK) == atomic_load(&generation);
}

static void mark(uint64_t vmid)
{
    used[(vmid & VMID_MASK) / 64] |= 1ul << (vmid & 63u);
}

static void rollover(void)
{
    generation += GENERATION;
    for (unsigned int i = 0; i < VMIDS / 64; i++) {
        used[i] = i == 0;
    }
    for (unsigned int i = 0; i < MAX_CPUS; i++) {
        uint64_t now = atomic_exchange(&active[i], 0);

        if (now != 0) {
            reserved[i] = now;
        }
        mark(reserved[i]);
    }
    /* No translation of the old generation may survive under a VMID that gets a new owner. */
    rfence_all();
}

/* A VMID of this generation for hw, which has none. Lock held. */
static void assign(struct arch_p2m *hw)
{
    uint64_t old = hw->vmid, same = generation | (old & VMID_MASK);

    /* Runs somewhere since the last generation: it keeps its number. On each CPU: one that does not
     * load it again until the next generation must keep it then, too. */
    for (unsigned int i = 0; old != 0 && i < MAX_CPUS; i++) {
        if (reserved[i] == old) {
            reserved[i] = same;
            hw->vmid = same;
        }
    }
    if (hw->vmid != old) {
        mark(old);
        return;
    }
    for (;;) {
        for (unsigned int i = 0; i < vmids; i++) {
            if ((used[i / 64] >> (i & 63u) & 1u) == 0) {
                mark(i);
                hw->vmid = generation | i;
                return;
            }
        }
        rollover();
    }
}

/* A rollover went by since this CPU last loaded one. */
static __noinline uint64_t vmid_renew(struct arch_p2m *hw, const struct cpu *c)
{
    uint64_t vmid;

    spin_lock(&lock);
    if (!is_active(hw->vmid)) {
        assign(hw);
    }
    vmid = hw->vmid;
    atomic_store(&active[c->id], vmid);
    spin_unlock(&lock);
    smp_mb(); /* the number is visible before anything is translated under it (arch_p2m_flush) */
    return vmid;
}

static uint64_t current_vmid(struct arch_p2m *hw, const struct cpu *c)
{
    uint64_t vmid = hw->vmid;

    if (unlikely(!is_active(vmid)) || unlikely(atomic_exchange(&active[c->id], vmid) == 0)) {
        vmid = vmid_renew(hw, c);
    }
    return vmid & VMID_MASK;
}

/* Translate by hw's tables from here on. */
static void vmid_enter(struct arch_p2m *hw, const struct cpu *c)
{
    uint64_t hgatp = (uint64_t)ATP_MODE_39 << ATP_MODE_SHIFT | hw->root >> PAGE_SHIFT;
    uint32_t self = 1u << c->id;
    uint64_t vmid;

    (void)atomic_fetch_or(&hw->running, self);
    smp_mb(); /* visible before we look what to drop: pairs with flush_begin */
    if (bits == 0) {
        csr_write(CSR_HGATP, hgatp);
        hfence_gvma_all(); /* what others left under the only VMID there is */
        return;
    }
    vmid = current_vmid(hw, c);
    if ((atomic_load(&hw->stale) & self) != 0) {
        (void)atomic_fetch_and(&hw->stale, ~self);
        hfence_gvma_vmid(vmid); /* what changed while it ran others, before it walks again */
    }
    csr_write(CSR_HGATP, hgatp | vmid << VMID_SHIFT);
}

void vmid_unload(struct arch_p2m *hw)
{
    csr_write(CSR_HGATP, 0);
    /* Release: what the guest did here comes before what a flush that skips this CPU allows. */
    (void)atomic_fetch_and(&hw->running, ~(1u << this_cpu()->id));
}

void vmid_load(struct arch_p2m *hw, uint32_t id)
{
    const struct cpu *c = this_cpu();
    /* In full order after v->running: either we find that the place was taken away by a fence that
     * another vCPU has asked for, or it finds v running here (vsbi/rfence.c). */
    uint32_t where = atomic_exchange(&hw->where[id], c->id + 1u);
    bool again = hw->last[c->id] == id + 1u && where == c->id + 1u;

    vmid_enter(hw, c);
    /*
     * Another vCPU of the domain ran here meanwhile, or this one elsewhere, where alone it dropped
     * what it changed of its tables and fetched the instructions that it changed: what this hart
     * remembers of both may not be its own.
     */
    if (!again || bits == 0) {
        hfence_vvma_all();                        /* translations */
        __asm__ volatile("fence.i" ::: "memory"); /* instructions */
        hw->last[c->id] = (uint16_t)(id + 1u);
    }
}
