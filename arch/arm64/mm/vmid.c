/*
 * VMIDs, recycled by generation: a domain keeps its VMID until all are used up; then a new
 * generation begins, the TLBs of all CPUs are cleared, and each domain takes a new one when it next
 * runs. VMIDs that run on some CPU at that moment are carried over.
 */
#include <arch/p2m.h>
#include <asm/mm.h>
#include <asm/sysregs.h>
#include <xen/atomic.h>
#include <xen/bitops.h>
#include <xen/cpu.h>
#include <xen/spinlock.h>

#define VMID_BITS  8u /* the smallest that the architecture has; enough, since they are recycled */
#define VMIDS      (1u << VMID_BITS)
#define GENERATION (1ul << VMID_BITS)

static spinlock_t lock = SPINLOCK_INIT(LOCK_HEAP);
static uint64_t generation = GENERATION;
static uint64_t used[VMIDS / 64] = {1}; /* 0 is never given out */
static uint64_t active[MAX_CPUS]; /* generation | VMID that each CPU has loaded; 0: after a rollover
                                   */
static uint64_t reserved[MAX_CPUS];

static bool is_active(uint64_t vmid)
{
    return (vmid & ~(GENERATION - 1ul)) == atomic_load(&generation);
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
        used[(reserved[i] & (VMIDS - 1u)) / 64] |= 1ul << (reserved[i] & 63u);
    }
    /* No translation of the old generation may survive under a VMID that gets a new owner. */
    __asm__ volatile("tlbi alle1is" ::: "memory");
    dsb(ish); /* complete on all CPUs */
}

/* A VMID of this generation for hw, which has none. Lock held. */
static void assign(struct arch_p2m *hw)
{
    uint64_t old = hw->vmid, same = generation | (old & (GENERATION - 1ul));

    /* Runs somewhere since the last generation: it keeps its number. On each CPU: one that does not
     * load it again until the next generation must keep it then, too. */
    for (unsigned int i = 0; old != 0 && i < MAX_CPUS; i++) {
        if (reserved[i] == old) {
            reserved[i] = same;
            hw->vmid = same;
        }
    }
    if (hw->vmid != old) {
        used[(old & (VMIDS - 1u)) / 64] |= 1ul << (old & 63u);
        return;
    }
    for (unsigned int pass = 0; pass < 2; pass++) {
        for (unsigned int i = 0; i < VMIDS / 64; i++) {
            if (~used[i] != 0) {
                unsigned int bit = (unsigned int)__builtin_ctzll(~used[i]);

                used[i] |= 1ul << bit;
                hw->vmid = generation | (i * 64u + bit);
                return;
            }
        }
        rollover();
    }
}

uint64_t vmid_vttbr(struct arch_p2m *hw)
{
    struct cpu *c = this_cpu();
    uint64_t vmid = hw->vmid;

    if (!is_active(vmid) || atomic_exchange(&active[c->id], vmid) == 0) {
        spin_lock(&lock);
        if (!is_active(hw->vmid)) {
            assign(hw);
        }
        vmid = hw->vmid;
        atomic_store(&active[c->id], vmid);
        spin_unlock(&lock);
    }
    return hw->root | (vmid & (VMIDS - 1u)) << 48;
}

/*
 * vCPUs of a domain share its VMID, but each may have translations of its own under the same ASID:
 * what another one left in this CPU's TLB is not this one's. What the guest itself drops, it drops
 * on all CPUs (HCR_EL2.FB).
 */
void vmid_changed(struct arch_p2m *hw, uint32_t id)
{
    uint8_t *last = &hw->last[this_cpu()->id];

    if (*last != id + 1u) {
        __asm__ volatile("tlbi vmalle1" ::: "memory"); /* of the VMID that is loaded */
        dsb(nsh);                                      /* complete on this CPU ... */
        isb();                                         /* ... before it translates again */
        *last = (uint8_t)(id + 1u);
    }
}
