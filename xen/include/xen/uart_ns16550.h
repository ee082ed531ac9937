/* SPDX-License-Identifier: Apache-2.0 */
/* Registers of the 16550 and its relatives: 8250, Broadcom's mini-UART [16550 data sheet]. */
#pragma once

#include <xen/dt.h>
#include <xen/uart_regs.h>

#define NS16550_RBR   0u
#define NS16550_THR   0u
#define NS16550_IER   1u
#define NS16550_FCR   2u
#define NS16550_LSR   5u
#define NS16550_COUNT 8u

#define NS16550_IER_RX     1u
#define NS16550_FCR_ENABLE 1u
#define NS16550_LSR_DATA   1u
#define NS16550_LSR_THRE   (1u << 5)

static inline bool ns16550_ready(const struct uart_regs *r)
{
    uint8_t status = (uint8_t)uart_read(r, NS16550_LSR);

    return status != UINT8_MAX && (status & NS16550_LSR_THRE) != 0; /* all ones: nothing is there */
}

/* Is the node one? Then *r is where. Also with address translation off. */
bool ns16550_find(const struct dt *t, const struct dt_node *n, struct uart_regs *r);
