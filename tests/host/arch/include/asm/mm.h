/*
 * Third port: the machine's RAM is one mapping of the test process.
 */
#pragma once

extern uint8_t *host_directmap; /* address of physical address 0, which is not mapped itself */

static inline void *arch_pa_to_va(paddr_t pa)
{
    return (void *)((uintptr_t)host_directmap + pa);
}

static inline paddr_t arch_va_to_pa(const void *va)
{
    return (paddr_t)((uintptr_t)va - (uintptr_t)host_directmap);
}
