/* SPDX-License-Identifier: Apache-2.0 */
/* The earliest output: a UART that only sends, polled. Usable before any driver, and with address
 * translation off. */
#pragma once

#include <xen/uart_regs.h>

struct dt;

struct early_uart {
    struct uart_regs regs;
    bool pl011; /* else a 16550 */
};

/* Find the console's UART: stdout-path, or the first PL011 or 16550 of the tree. */
bool early_uart_find(const struct dt *t, struct early_uart *uart);
/* false: the UART does not answer. */
bool early_uart_putc(const struct early_uart *uart, char c);
void early_uart_puts(const struct early_uart *uart, const char *text);

/*
 * Set console_early_putc from the tree, or from what the board says when there is no tree (t NULL)
 * or its UART lies in RAM or beyond all addresses. false: no UART is known. Translation is on.
 */
bool early_uart_console(const struct dt *t);
