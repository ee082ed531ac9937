/* SPDX-License-Identifier: Apache-2.0 */
/* Contract: addresses of the hypervisor, and cache maintenance. */
#pragma once

#include <arch/types.h>
#include <xen/compiler.h>
#include <xen/types.h>

/* Direct map: all RAM at one fixed offset. pa must be RAM known to memmap (or the image). */
static inline void *arch_pa_to_va(paddr_t pa);
static inline paddr_t arch_va_to_pa(const void *va);

/* The image's extent in physical memory, page aligned: [start, end). Includes bss and boot
 * stacks. */
paddr_t arch_image_start(void);
paddr_t arch_image_end(void);
/* Where the image's own mapping has a physical address of that extent. */
static inline void *arch_image_at(paddr_t pa);

/* Write a range of the direct map back to the point of coherency; ..._invalidate also drops it. */
void arch_cache_clean(const void *va, size_t size);
void arch_cache_clean_invalidate(const void *va, size_t size);
/* Make instructions written to the range fetchable by guests on every CPU. */
void arch_icache_sync(const void *va, size_t size);

/* Zero one page of the direct map by the fastest way the CPU has. */
void arch_page_zero(void *va);

#include <asm/mm.h>
