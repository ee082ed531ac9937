/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Third port: the hypervisor's own tables. In the window for devices the process has zeroed memory,
 * in the one for the device tree the machine's RAM, read-only; the direct map is there as a whole.
 */
#define _GNU_SOURCE

#include "state.h"

#include <arch/hyp_map.h>
#include <arch/mm.h>
#include <xen/hyp_map.h>

#include <stdlib.h>
#include <sys/mman.h>

#define WINDOWS     GIB(1)
#define BOOT_TABLES 6u /* two of each level below the root */

pte_t arch_hyp_root[512] __aligned(PAGE_SIZE);
uint8_t *host_windows;

/* Before the variables are copied, so that all machines have the same. */
__attribute__((constructor(101))) static void host_reserve_windows(void)
{
    uint8_t *at =
        mmap(NULL, 2 * WINDOWS, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (at == MAP_FAILED) {
        abort();
    }
    host_windows = (uint8_t *)round_up((uintptr_t)at, WINDOWS);
}

static void host_map(uint64_t va, uint64_t size, int protection)
{
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED;

    if (mmap((void *)va, size, protection, flags, -1, 0) == MAP_FAILED) {
        abort();
    }
}

/* As boot code does: pages, for the stacks. The tables are as good as new. */
static void host_map_stacks(void)
{
    static pte_t tables[BOOT_TABLES][512] __aligned(PAGE_SIZE);
    unsigned int used = 0;

    for (size_t at = 0; at < sizeof(cpu_stacks); at += PAGE_SIZE) {
        uint64_t va = (uintptr_t)cpu_stacks + at;
        pte_t *table = arch_hyp_root;

        for (unsigned int shift = ARCH_HYP_ROOT_SHIFT; shift != PAGE_SHIFT; shift -= 9) {
            pte_t *slot = &table[va >> shift & 511u];

            if (!slot->valid) {
                *slot = arch_hyp_table(arch_va_to_pa(tables[used++]));
            }
            table = arch_pa_to_va(arch_hyp_table_pa(*slot));
        }
        table[va >> PAGE_SHIFT & 511u] =
            arch_hyp_leaf(arch_va_to_pa((void *)va), HYP_DATA, PAGE_SHIFT);
    }
}

void host_new_tables(void)
{
    host_map(DEVICE_START, WINDOWS, PROT_NONE);
    host_map_stacks();
}

bool host_hyp_walk(uint64_t va, uint64_t *pa, unsigned int *kind, unsigned int *shift)
{
    const pte_t *table = arch_hyp_root;

    for (*shift = ARCH_HYP_ROOT_SHIFT;; *shift -= 9) {
        pte_t pte = table[va >> *shift & 511u];

        if (!pte.valid) {
            return false;
        }
        if (*shift == PAGE_SHIFT || !pte.table) {
            *kind = pte.kind;
            *pa = arch_hyp_table_pa(pte) + (va & ((1ul << *shift) - 1));
            return true;
        }
        table = arch_pa_to_va(arch_hyp_table_pa(pte));
    }
}

/* A 16550 is ready to send, as a PL011 is, at all distances of its registers. */
static void host_map_device(uint64_t va, uint64_t size)
{
    host_map(va, size, PROT_READ | PROT_WRITE);
    for (unsigned int i = 0; i < 4; i++) {
        ((uint8_t *)va)[5u << i] = 0x60;
    }
}

/* What of it is RAM. */
static void host_map_early(uint64_t va, uint64_t size)
{
    unsigned int kind, shift;
    uint64_t pa;

    host_map(va, size, PROT_READ);
    if (!host_hyp_walk(va, &pa, &kind, &shift)) {
        return;
    }
    for (uint64_t end = pa + size; pa < end; pa += PAGE_SIZE, va += PAGE_SIZE) {
        uint64_t left = host_state.ram_start + host_state.ram_size - pa;
        uint64_t here = left < end - pa ? left : end - pa;

        if (pa - host_state.ram_start < host_state.ram_size) {
            if (mremap(arch_pa_to_va(pa), 0, here, MREMAP_MAYMOVE | MREMAP_FIXED, (void *)va) ==
                    MAP_FAILED ||
                mprotect((void *)va, here, PROT_READ) != 0) {
                abort();
            }
            return;
        }
    }
}

void arch_hyp_sync(uint64_t va, uint64_t size)
{
    if (va - DEVICE_START < DEVICE_SIZE) {
        host_map_device(va, size);
    } else if (va - EARLY_START < EARLY_SIZE) {
        host_map_early(va, size);
    }
}

void arch_hyp_switch(void)
{
}
