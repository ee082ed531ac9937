/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SBI remote fences [RVSBI 8]: fences of instruction fetch and of guest translations on a domain's
 * vCPUs. On this hart by its own instructions; where another vCPU is loaded, by the firmware, which
 * returns when it is done. One that is loaded nowhere begins with a fence when it is next loaded:
 * its entry in p2m.arch.where is gone then (mm/p2m.c).
 */
#include <asm/hfence.h>
#include <asm/vsbi.h>
#include <xen/cpu.h>
#include <xen/domain.h>
#include <xen/lib.h>

#define ASID_ALL   UINT64_MAX
#define PAGES_MOST 64u /* more pages than that: everything */

static bool rfence_is_all(uint64_t start, uint64_t size)
{
    uint64_t end;

    return size == UINT64_MAX || (start | size) == 0 || add_overflows(start, size, &end) ||
           size > PAGES_MOST * PAGE_SIZE;
}

/* size 0: all. The sum does not wrap. */
static void rfence_here(uint64_t start, uint64_t size, uint64_t asid)
{
    uint64_t first = start / PAGE_SIZE, pages = div_round_up(start + size, PAGE_SIZE) - first;

    if (size == 0 && asid == ASID_ALL) {
        hfence_vvma_all(); /* here and below: the very fence that the guest asks for */
    } else if (size == 0) {
        hfence_vvma_asid(asid);
    }
    for (uint64_t i = 0; i < pages && size != 0; i++) {
        uint64_t gva = (first + i) * PAGE_SIZE;

        if (asid == ASID_ALL) {
            hfence_vvma_page(gva);
        } else {
            hfence_vvma_page_asid(gva, asid);
        }
    }
}

/*
 * CPUs other than this one on which a vCPU of `harts` is loaded. Each of these vCPUs loses its
 * place first: if it is loaded just now, either its new CPU finds that (p2m_load), or we find it
 * running here.
 */
static cpumask_t rfence_cpus(struct vcpu *v, uint64_t harts)
{
    cpumask_t found = 0;

    for (harts &= ~(1ul << v->id); harts != 0; harts &= harts - 1u) {
        unsigned int id = (unsigned int)__builtin_ctzll(harts);
        struct vcpu *t = domain_vcpu(v->d, id);

        if (t == NULL) {
            continue;
        }
        atomic_store(&v->d->p2m.arch.where[id], 0u);
        smp_mb(); /* the place is gone before we look: pairs with p2m_load */
        if (atomic_load_acquire(&t->running) != 0) {
            found |= (cpumask_t)1 << atomic_load(&t->cpu)->id;
        }
    }
    return found;
}

/* The lowest hart id of these CPUs. */
static uint64_t rfence_lowest(cpumask_t cpus_left)
{
    uint64_t lowest = UINT64_MAX;

    for (; cpus_left != 0; cpus_left &= cpus_left - 1u) {
        lowest = min_u64(lowest, cpus[__builtin_ctz(cpus_left)].arch.hartid);
    }
    return lowest;
}

/* The firmware takes hart ids as a word of bits above a base: as many words as it needs. */
static void rfence_remote(cpumask_t left, uint64_t function, uint64_t start, uint64_t size,
                          uint64_t asid)
{
    while (left != 0) {
        uint64_t base = rfence_lowest(left), mask = 0;

        for (cpumask_t look = left; look != 0; look &= look - 1u) {
            unsigned int cpu = (unsigned int)__builtin_ctz(look);
            uint64_t above = cpus[cpu].arch.hartid - base;

            if (above < 64) {
                mask |= 1ul << above;
                left &= ~((cpumask_t)1 << cpu);
            }
        }
        (void)sbi_call(SBI_EXT_RFENCE, function, mask, base, start, size, asid);
    }
}

static void rfence_insn(struct vcpu *v, uint64_t harts)
{
    cpumask_t others = rfence_cpus(v, harts);

    if ((harts >> v->id & 1u) != 0) {
        __asm__ volatile("fence.i" ::: "memory"); /* what the guest asks for, on this hart */
    }
    rfence_remote(others, SBI_RFENCE_FENCE_I, 0, 0, 0);
}

/* Of [start, start + size), of everything if `size` is -1 or both are 0; with `asid` only that. */
static void rfence_vma(struct vcpu *v, uint64_t harts, uint64_t start, uint64_t size, uint64_t asid)
{
    cpumask_t others = rfence_cpus(v, harts);

    if (rfence_is_all(start, size)) {
        start = size = 0;
    }
    if ((harts >> v->id & 1u) != 0) {
        rfence_here(start, size, asid);
    }
    if (asid == ASID_ALL) {
        rfence_remote(others, SBI_RFENCE_HFENCE_VVMA, start, size, 0);
    } else {
        rfence_remote(others, SBI_RFENCE_HFENCE_VVMA_ASID, start, size, asid);
    }
}

long vsbi_rfence(struct vcpu *v, uint64_t function, const uint64_t *args, uint64_t *value __unused)
{
    uint64_t harts;

    if (function > SBI_RFENCE_SFENCE_VMA_ASID) {
        return SBI_ERR_NOT_SUPPORTED; /* a guest has no guests */
    }
    if (!vsbi_harts(v, args[0], args[1], &harts)) {
        return SBI_ERR_INVALID_PARAM;
    }
    switch (function) {
    case SBI_RFENCE_FENCE_I: rfence_insn(v, harts); break;
    case SBI_RFENCE_SFENCE_VMA: rfence_vma(v, harts, args[2], args[3], ASID_ALL); break;
    default: rfence_vma(v, harts, args[2], args[3], (uint16_t)args[4]); break;
    }
    return SBI_SUCCESS;
}
