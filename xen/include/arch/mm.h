/* Contract: the hypervisor's own address space and cache maintenance. */
#pragma once

#include <arch/types.h>
#include <xen/compiler.h>
#include <xen/types.h>

/* Direct map: all RAM at one fixed offset. pa must be RAM known to memmap (or the image). */
static inline void *arch_pa_to_va(paddr_t pa);
static inline paddr_t arch_va_to_pa(const void *va);

/* The image's extent in physical memory, page aligned: [start, end). Includes bss and boot stacks.
 */
paddr_t arch_image_start(void);
paddr_t arch_image_end(void);

/* Build the final tables: direct map of every RAM bank of memmap, W^X for the image, guard pages.
 * Boot CPU, once. */
void arch_mm_init(void);

/* Map `size` bytes of device memory (strongly ordered, not executable). NULL when the window is
 * full, when the range is RAM in part (once memmap knows it), or when no address is as long. Never
 * unmapped. */
void *arch_map_device(paddr_t pa, size_t size);

/* Map `size` bytes read-only and cached before arch_mm_init (device tree at boot). NULL if out of
 * reach. */
const void *arch_map_early(paddr_t pa, size_t size);

/* Write a range of the direct map back to the point of coherency; ..._invalidate also drops it. */
void arch_cache_clean(const void *va, size_t size);
void arch_cache_clean_invalidate(const void *va, size_t size);
/* Make instructions written to the range fetchable by guests on every CPU. */
void arch_icache_sync(const void *va, size_t size);

/* Zero one page of the direct map by the fastest way the CPU has. */
void arch_page_zero(void *va);

#include <asm/mm.h>
