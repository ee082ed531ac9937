/* SPDX-License-Identifier: Apache-2.0 */
/* Arm PL011, as the firmware left it: line settings are not changed. */
#include <xen/errno.h>
#include <xen/hyp_map.h>
#include <xen/uart.h>
#include <xen/uart_pl011.h>

static bool uart_pl011_ready(struct uart *u)
{
    return pl011_ready(&u->regs);
}

static bool uart_pl011_put(struct uart *u, char c)
{
    uint32_t left = UART_PATIENCE;

    while (!uart_pl011_ready(u)) {
        if (left-- == 0) {
            return false;
        }
    }
    uart_write(&u->regs, PL011_DR, (uint8_t)c);
    return true;
}

static int uart_pl011_get(struct uart *u)
{
    bool empty = (uart_read(&u->regs, PL011_FR) & PL011_FR_RXFE) != 0;

    return empty ? -1 : (int)(uart_read(&u->regs, PL011_DR) & 0xffu);
}

static void uart_pl011_enable_rx(struct uart *u)
{
    uart_write(&u->regs, PL011_ICR, PL011_INT_ALL);
    uart_write(&u->regs, PL011_IMSC, PL011_INT_RX | PL011_INT_RT);
}

bool pl011_find(const struct dt *t, const struct dt_node *n, struct uart_regs *r)
{
    struct dt_range reg;

    if (!dt_compatible(t, n, "arm,pl011") || dt_reg(t, n, 0, &reg) != 0) {
        return false;
    }
    *r = (struct uart_regs){.base = reg.start, .shift = 2, .width = 4};
    return reg.size >= PL011_SIZE && (reg.start & 3u) == 0;
}

int uart_pl011_probe(const struct dt_node *node, struct uart *u)
{
    *u = (struct uart){.name = "PL011",
                       .putc = uart_pl011_put,
                       .ready = uart_pl011_ready,
                       .getc = uart_pl011_get,
                       .enable_rx = uart_pl011_enable_rx};
    if (!pl011_find(&dt_host, node, &u->regs)) {
        return -ENODEV;
    }
    u->regs.base = (uintptr_t)hyp_map_device(u->regs.base, PL011_SIZE);
    if (u->regs.base == 0) {
        return -ENOMEM;
    }
    uart_write(&u->regs, PL011_IMSC, 0);
    uart_write(&u->regs, PL011_CR, PL011_CR_ENABLE);
    return 0;
}
