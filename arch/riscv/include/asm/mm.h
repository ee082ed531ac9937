/* SPDX-License-Identifier: Apache-2.0 */
/* Port side of <arch/mm.h>: the map of HS-mode's Sv39 space. */
#pragma once

#include <asm/layout.h>
#include <asm/types.h>
#include <xen/types.h>

static inline void *arch_pa_to_va(paddr_t pa)
{
    return (void *)(uintptr_t)(pa + DIRECTMAP_START);
}

extern uint64_t image_phys_offset; /* physical minus linked address, set by the boot code */

static inline paddr_t arch_va_to_pa(const void *va)
{
    uint64_t a = (uint64_t)(uintptr_t)va;

    return a >= IMAGE_START ? a + image_phys_offset : a - DIRECTMAP_START;
}

static inline void *arch_image_at(paddr_t pa)
{
    return (void *)(uintptr_t)(pa - image_phys_offset);
}

/* Choose how devices are mapped; after isa_discover. */
void mm_init(void);
/* Choose the ways of cache maintenance; after isa_discover. */
void cache_init(void);
