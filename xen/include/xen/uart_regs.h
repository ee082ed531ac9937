/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registers of a UART, for its driver and for the earliest output: how they are reached. Which
 * there are say <xen/uart_pl011.h> and <xen/uart_ns16550.h>.
 */
#pragma once

#include <xen/compiler.h>
#include <xen/types.h>

/* In a device tree reg-shift and reg-io-width. */
struct uart_regs {
    uintptr_t base; /* mapped; physical as found in a tree, or while translation is off */
    uint32_t shift; /* distance of registers as a power of two */
    uint32_t width; /* bytes per access: 1 or 4 */
};

/* How often a UART is asked whether it takes a character: longer than any line is that slow. */
#define UART_PATIENCE 1000000u

static __always_inline uint32_t uart_read(const struct uart_regs *r, unsigned int reg)
{
    uintptr_t at = r->base + ((uintptr_t)reg << r->shift);

    return r->width == 4 ? *(volatile uint32_t *)at : *(volatile uint8_t *)at;
}

static __always_inline void uart_write(const struct uart_regs *r, unsigned int reg, uint32_t value)
{
    uintptr_t at = r->base + ((uintptr_t)reg << r->shift);

    if (r->width == 4) {
        *(volatile uint32_t *)at = value;
    } else {
        *(volatile uint8_t *)at = (uint8_t)value;
    }
}
