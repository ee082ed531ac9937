/* SPDX-License-Identifier: Apache-2.0 */
/* UARTs: what a driver gives, which one is the console's, and bytes to and from it. */
#pragma once

#include <xen/types.h>
#include <xen/uart_regs.h>

struct dt_node;

/* A UART as a driver gives it. All functions work with interrupts masked and from any CPU (console
 * lock held). */
struct uart {
    const char *name;
    bool (*putc)(struct uart *u, char c); /* waits while the device is full; false: for too long */
    bool (*ready)(struct uart *u);        /* it is not full */
    int (*getc)(struct uart *u);          /* -1: nothing there */
    void (*enable_rx)(struct uart *u);    /* interrupt on input */
    struct uart_regs regs;
};

/* Every driver: 0 and *u filled if the node is its device. */
int uart_pl011_probe(const struct dt_node *node, struct uart *u);
int uart_ns16550_probe(const struct dt_node *node, struct uart *u);

/* How often in a row a domain's text is refused before one character of it is waited for. */
#define UART_REFUSALS 100000u
/* The earliest output, set by the port before anything else: one character, no locks; false: it
 * does not answer. NULL: none. */
extern bool (*console_early_putc)(char c);

/* Messages go to the early hook from now on. Before all others. */
void uart_init_early(void);
/* Find the console's UART (console=, dtuart=, stdout-path) and use it for output. */
void uart_init(void);
/* Device tree node of the console's UART (hidden from dom0), NULL if none. */
const struct dt_node *uart_node(void);
/* Characters that come in go to `input`, from the UART's interrupt; after arch_irq_init. */
void uart_init_irq(void (*input)(char c));
/* Write up to n bytes of a domain: how many there is room for. At most one character is waited for.
 * "\n" becomes "\r\n". console_lock held. */
size_t uart_try(const char *text, size_t n);
