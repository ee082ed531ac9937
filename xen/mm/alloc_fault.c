/* SPDX-License-Identifier: Apache-2.0 */
/* Counts allocations, and makes one of them fail: for tests of what comes then. Debug builds. */
#include <xen/alloc_fault.h>
#include <xen/atomic.h>
#include <xen/cpu.h>

static uint64_t fault_left; /* allocations up to the one that fails; 0: none will */
static uint32_t fault_cpu = ALLOC_FAULT_ANY_CPU;
static uint64_t fault_made;

uint64_t alloc_fault_set(uint64_t k, uint32_t cpu)
{
    uint64_t before = atomic_exchange(&fault_left, (uint64_t)0);

    atomic_store(&fault_cpu, cpu);
    /* Release: who counts for this one counts for this CPU. */
    atomic_store_release(&fault_left, k);
    return before;
}

uint64_t alloc_fault_made(void)
{
    return atomic_load(&fault_made);
}

bool alloc_fault_hit(void)
{
    uint64_t left = atomic_load_acquire(&fault_left);
    uint32_t cpu = atomic_load(&fault_cpu);

    atomic_fetch_add(&fault_made, (uint64_t)1);
    if (cpu != ALLOC_FAULT_ANY_CPU && cpu != this_cpu()->id) {
        return false;
    }
    while (left != 0) {
        if (atomic_compare_exchange(&fault_left, &left, left - 1u)) {
            return left == 1u;
        }
    }
    return false;
}
