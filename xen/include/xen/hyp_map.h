/* SPDX-License-Identifier: Apache-2.0 */
/* The hypervisor's own address space. */
#pragma once

#include <arch/hyp_map.h>
#include <xen/compiler.h>
#include <xen/config.h>
#include <xen/types.h>

/* A stack for each CPU, which grows down to an unmapped page. */
extern uint8_t cpu_stacks[MAX_CPUS][(PAGE_SIZE << CPU_STACK_ORDER) + PAGE_SIZE];

/* Before everything else: numbers and stacks in the descriptors of CPUs. */
void hyp_stacks_init(void);
/* The direct map of every RAM bank of memmap, without an alias of the image; guard pages. Boot CPU,
 * once. Panics with the reason if there is more than can be mapped. */
void hyp_map_init(void);

/* Map `size` bytes of device memory (strongly ordered, not executable). NULL when the window is
 * full, when the range is RAM in part (once memmap knows it), or when no address is as long. Never
 * unmapped. */
void *hyp_map_device(paddr_t pa, size_t size);
/* The same, but RAM, too: for a word there that is read with caches off. */
void *hyp_map_uncached(paddr_t pa, size_t size);
/* Map `size` bytes read-only and cached before hyp_map_init (device tree at boot). NULL if out of
 * reach. */
const void *hyp_map_early(paddr_t pa, size_t size);

extern char _start_image[], _end_text[], _end_rodata[], _end_image[];

/* Fill the table of the image's pages, by its rights. For the port's first tables, so it may run at
 * the physical address: it calls nothing and reads no pointers. */
static inline void hyp_image_map(pte_t *table, paddr_t image)
{
    uint64_t text = (uint64_t)(_end_text - _start_image);
    uint64_t rodata = (uint64_t)(_end_rodata - _start_image);
    uint64_t size = (uint64_t)(_end_image - _start_image);

    for (uint64_t offset = 0; offset < size; offset += PAGE_SIZE) {
        enum hyp_kind kind = offset < text ? HYP_TEXT : offset < rodata ? HYP_RODATA : HYP_DATA;

        table[offset >> PAGE_SHIFT] = arch_hyp_leaf(image + offset, kind, PAGE_SHIFT);
    }
}
