/* SPDX-License-Identifier: Apache-2.0 */
/* 16550 and its relatives: line settings stay as the firmware left them. */
#include <xen/errno.h>
#include <xen/hyp_map.h>
#include <xen/uart.h>
#include <xen/uart_ns16550.h>

static bool uart_ns16550_ready(struct uart *u)
{
    return ns16550_ready(&u->regs);
}

static bool uart_ns16550_put(struct uart *u, char c)
{
    uint32_t left = UART_PATIENCE;

    while (!uart_ns16550_ready(u)) {
        if (left-- == 0) {
            return false;
        }
    }
    uart_write(&u->regs, NS16550_THR, (uint8_t)c);
    return true;
}

static int uart_ns16550_get(struct uart *u)
{
    uint8_t status = (uint8_t)uart_read(&u->regs, NS16550_LSR);
    bool empty = status == UINT8_MAX || (status & NS16550_LSR_DATA) == 0;

    return empty ? -1 : (int)(uart_read(&u->regs, NS16550_RBR) & 0xffu);
}

static void uart_ns16550_enable_rx(struct uart *u)
{
    uart_write(&u->regs, NS16550_FCR, NS16550_FCR_ENABLE);
    uart_write(&u->regs, NS16550_IER, NS16550_IER_RX);
}

bool ns16550_find(const struct dt *t, const struct dt_node *n, struct uart_regs *r)
{
    bool aux = dt_compatible(t, n, "brcm,bcm2835-aux-uart");
    uint32_t offset = 0;
    struct dt_range reg;

    if (!aux && !dt_compatible(t, n, "ns16550a") && !dt_compatible(t, n, "ns16550") &&
        !dt_compatible(t, n, "snps,dw-apb-uart")) {
        return false;
    }
    if (dt_reg(t, n, 0, &reg) != 0) {
        return false;
    }
    /* The binding of Broadcom's has no reg-shift [BCM2711 peripherals 2.2]. */
    r->shift = aux ? 2 : 0;
    r->width = aux ? 4 : 1;
    (void)dt_u32(t, n, "reg-shift", &r->shift);
    (void)dt_u32(t, n, "reg-io-width", &r->width);
    (void)dt_u32(t, n, "reg-offset", &offset);
    r->base = reg.start + offset;
    return r->shift <= 3 && (r->width == 1 || r->width == 4) && (r->base & (r->width - 1u)) == 0 &&
           offset + ((uint64_t)NS16550_COUNT << r->shift) <= reg.size;
}

int uart_ns16550_probe(const struct dt_node *node, struct uart *u)
{
    *u = (struct uart){.name = "16550",
                       .putc = uart_ns16550_put,
                       .ready = uart_ns16550_ready,
                       .getc = uart_ns16550_get,
                       .enable_rx = uart_ns16550_enable_rx};
    if (!ns16550_find(&dt_host, node, &u->regs)) {
        return -ENODEV;
    }
    u->regs.base = (uintptr_t)hyp_map_device(u->regs.base, NS16550_COUNT << u->regs.shift);
    if (u->regs.base == 0) {
        return -ENOMEM;
    }
    uart_write(&u->regs, NS16550_IER, 0);
    return 0;
}
