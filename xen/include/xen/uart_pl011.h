/* SPDX-License-Identifier: Apache-2.0 */
/* Registers of Arm's PL011 [PL011 TRM 3.2]: 32 bits each, a word apart. */
#pragma once

#include <xen/dt.h>
#include <xen/uart_regs.h>

/* Word offsets. */
#define PL011_DR   (0x00u / 4)
#define PL011_FR   (0x18u / 4)
#define PL011_ILPR (0x20u / 4)
#define PL011_IBRD (0x24u / 4)
#define PL011_FBRD (0x28u / 4)
#define PL011_LCRH (0x2cu / 4)
#define PL011_CR   (0x30u / 4)
#define PL011_IFLS (0x34u / 4)
#define PL011_IMSC (0x38u / 4)
#define PL011_RIS  (0x3cu / 4)
#define PL011_MIS  (0x40u / 4)
#define PL011_ICR  (0x44u / 4)
#define PL011_SIZE 0x48u        /* bytes, up to the last one of these */
#define PL011_ID   (0xfe0u / 4) /* eight registers */

#define PL011_FR_BUSY   (1u << 3)
#define PL011_FR_RXFE   (1u << 4)
#define PL011_FR_TXFF   (1u << 5)
#define PL011_FR_RXFF   (1u << 6)
#define PL011_FR_TXFE   (1u << 7)
#define PL011_LCRH_FEN  (1u << 4)
#define PL011_CR_ENABLE (1u << 0 | 1u << 8 | 1u << 9) /* UARTEN, TXE, RXE */
#define PL011_INT_RX    (1u << 4)
#define PL011_INT_TX    (1u << 5)
#define PL011_INT_RT    (1u << 6) /* receive timeout */
#define PL011_INT_ALL   0x7ffu

static inline bool pl011_ready(const struct uart_regs *r)
{
    return (uart_read(r, PL011_FR) & PL011_FR_TXFF) == 0;
}

/* Is the node one? Then *r is where. Also with address translation off. */
bool pl011_find(const struct dt *t, const struct dt_node *n, struct uart_regs *r);
