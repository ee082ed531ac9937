/* SPDX-License-Identifier: Apache-2.0 */
/*
 * VMIDs, recycled by generation. A domain keeps its number until all are used up. Then a new
 * generation begins: the TLBs of all CPUs are cleared, and each domain takes a new number when it
 * next runs. A number that is loaded on some CPU at that moment stays its domain's.
 */
#include <arch/p2m.h>
#include <xen/bitops.h>
#include <xen/lib.h>
#include <xen/spinlock.h>
#include <xen/vmid.h>

#define VMID_BITS  8u /* enough, since numbers are recycled; all supported CPUs can have as many */
#define VMIDS      (1u << VMID_BITS)
#define GENERATION (VMID_MASK + 1ul)

uint64_t vmid_generation = GENERATION;
uint64_t vmid_active[MAX_CPUS];
static spinlock_t vmid_lock = SPINLOCK_INIT(LOCK_HEAP);
static uint64_t vmid_used[VMIDS / 64] = {1}; /* 0 is never given out */
static uint64_t vmid_reserved[MAX_CPUS];     /* what each CPU had loaded at the last rollover */
static unsigned int vmid_count;

bool vmid_init(unsigned int bits)
{
    vmid_count = 1u << min_u32(bits, VMID_BITS);
    /* 0 is nobody's, and each CPU may keep one into a new generation: one must be left. */
    return vmid_count > nr_cpus + 1u;
}

static void vmid_mark(uint64_t vmid)
{
    vmid_used[(vmid & VMID_MASK) / 64] |= 1ul << (vmid & 63u);
}

static void vmid_rollover(void)
{
    vmid_generation += GENERATION;
    for (unsigned int i = 0; i < VMIDS / 64; i++) {
        vmid_used[i] = i == 0;
    }
    for (unsigned int i = 0; i < MAX_CPUS; i++) {
        uint64_t now = atomic_exchange(&vmid_active[i], 0);

        if (now != 0) {
            vmid_reserved[i] = now;
        }
        vmid_mark(vmid_reserved[i]);
    }
    /* No translation of the old generation may survive under a number that gets a new owner. */
    arch_p2m_flush_all();
}

/* The lowest number that is not used; vmid_count or more: none. */
static unsigned int vmid_find(void)
{
    for (unsigned int i = 0; i < VMIDS / 64; i++) {
        if (~vmid_used[i] != 0) {
            return i * 64u + ctz64(~vmid_used[i]);
        }
    }
    return VMIDS;
}

/* Does the domain of `old` run somewhere since the last generation, so that it keeps its number? On
 * each CPU: one that does not load it again must keep it in the next generation, too. */
static bool vmid_keep(uint64_t old)
{
    bool found = false;

    for (unsigned int i = 0; old != 0 && i < MAX_CPUS; i++) {
        if (vmid_reserved[i] == old) {
            vmid_reserved[i] = vmid_generation | (old & VMID_MASK);
            found = true;
        }
    }
    return found;
}

/* A number of this generation. Lock held. */
static uint64_t vmid_assign(uint64_t old)
{
    unsigned int number;

    if (vmid_keep(old)) {
        return vmid_generation | (old & VMID_MASK);
    }
    number = vmid_find();
    if (number >= vmid_count) {
        vmid_rollover();
        number = vmid_find();
    }
    vmid_mark(number);
    return vmid_generation | number;
}

/* This CPU has loaded none since a rollover, or the domain has none of this generation. */
uint64_t vmid_renew(struct arch_p2m *hw)
{
    uint64_t now;

    spin_lock(&vmid_lock);
    if ((hw->vmid & ~VMID_MASK) != vmid_generation) {
        atomic_store(&hw->vmid, vmid_assign(hw->vmid));
    }
    now = hw->vmid;
    atomic_store(&vmid_active[this_cpu()->id], now);
    spin_unlock(&vmid_lock);
    arch_vmid_taken();
    return now;
}
