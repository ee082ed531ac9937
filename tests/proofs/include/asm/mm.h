/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proofs' side of <arch/mm.h>: each harness has objects of its own where the machine has RAM, so
 * that the checker knows their bounds.
 */
#pragma once

void *proof_va(paddr_t pa);
paddr_t proof_pa(const void *va);

static inline void *arch_pa_to_va(paddr_t pa)
{
    return proof_va(pa);
}

static inline paddr_t arch_va_to_pa(const void *va)
{
    return proof_pa(va);
}

static inline void *arch_image_at(paddr_t pa)
{
    return proof_va(pa);
}
