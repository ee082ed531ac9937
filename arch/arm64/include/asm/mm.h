/* SPDX-License-Identifier: Apache-2.0 */
/* Port side of <arch/mm.h>: the map of EL2's 48-bit space. */
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

    return a >= DIRECTMAP_START ? a - DIRECTMAP_START : a + image_phys_offset;
}

static inline void *arch_image_at(paddr_t pa)
{
    return (void *)(uintptr_t)(pa - image_phys_offset);
}

/* p2m.c. The VTTBR_EL2 value for a domain that this CPU loads; assigns a VMID if needed. */
uint64_t p2m_load(struct arch_p2m *hw);
/* After that, with walks still disabled: vCPU `id` of hw's domain will run here. */
void p2m_vcpu_changed(struct arch_p2m *hw, uint32_t id);

/* Stage-2 registers that are the same for all domains, on each CPU after arch_p2m_init. */
void p2m_init_cpu(void);
