/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Third port: the machine's RAM is one mapping of the test process.
 */
#pragma once

#include <asm/layout.h>

static inline void *arch_pa_to_va(paddr_t pa)
{
    return (void *)((uintptr_t)host_directmap + pa);
}

static inline paddr_t arch_va_to_pa(const void *va)
{
    return (paddr_t)((uintptr_t)va - (uintptr_t)host_directmap);
}

/* Nothing of the hypervisor is where the machine's image is: its variables are the process's. */
static inline void *arch_image_at(paddr_t pa)
{
    return arch_pa_to_va(pa);
}
