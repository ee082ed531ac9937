/* SPDX-License-Identifier: Apache-2.0 */
/*
 * VMIDs: the numbers under which CPUs keep translations of domains apart. For ports: each domain's
 * struct arch_p2m has a `uint64_t vmid`, 0 at first.
 */
#pragma once

#include <arch/types.h>
#include <xen/atomic.h>
#include <xen/compiler.h>
#include <xen/config.h>
#include <xen/cpu.h>

#define VMID_MASK 0xfffful /* of the number in arch_p2m.vmid; above it: its generation */

/* vmid.c, for vmid_use only */
extern uint64_t vmid_generation;       /* the current one, a multiple of VMID_MASK + 1 */
extern uint64_t vmid_active[MAX_CPUS]; /* what each CPU has loaded; 0: none since the rollover */
uint64_t vmid_renew(struct arch_p2m *hw);

/* Boot CPU, once: the CPUs have numbers of so many bits. false: too few, vmid_use must not be
 * called and a CPU forgets everything when it changes the domain. */
bool __must_check vmid_init(unsigned int bits);

/*
 * `c`, the calling CPU, will translate for hw's domain: under which number? It is below 256, and
 * the domain's on every CPU, until this CPU calls it for another domain.
 */
static inline uint64_t vmid_use(struct arch_p2m *hw, const struct cpu *c)
{
    uint64_t now = atomic_load(&hw->vmid);

    /* A rollover takes what it finds in vmid_active: after it there is a 0 for this CPU, too. */
    if (unlikely((now & ~VMID_MASK) != atomic_load(&vmid_generation)) ||
        unlikely(atomic_exchange(&vmid_active[c->id], now) == 0)) {
        now = vmid_renew(hw);
    }
    return now & VMID_MASK;
}
