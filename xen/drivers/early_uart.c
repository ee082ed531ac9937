/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The earliest output: a polled UART found in the device tree before any driver. Usable with
 * address translation off, so nothing here follows a pointer that the linker put into data.
 */
#include <xen/board.h>
#include <xen/config.h>
#include <xen/dt.h>
#include <xen/early_uart.h>
#include <xen/hyp_map.h>
#include <xen/uart.h>
#include <xen/uart_ns16550.h>
#include <xen/uart_pl011.h>

static struct early_uart console;

bool early_uart_putc(const struct early_uart *uart, char c)
{
    uint32_t left = UART_PATIENCE;

    while (!(uart->pl011 ? pl011_ready(&uart->regs) : ns16550_ready(&uart->regs))) {
        if (left-- == 0) {
            return false;
        }
    }
    uart_write(&uart->regs, uart->pl011 ? PL011_DR : NS16550_THR, (uint8_t)c);
    return true;
}

void early_uart_puts(const struct early_uart *uart, const char *text)
{
    while (*text != '\0' && early_uart_putc(uart, *text)) {
        text++;
    }
}

/* What is off has no clock: it would never be ready to send. */
static bool early_uart_fill(const struct dt *t, const struct dt_node *n, struct early_uart *uart)
{
    if (n == NULL || !dt_available(t, n)) {
        return false;
    }
    uart->pl011 = pl011_find(t, n, &uart->regs);
    return uart->pl011 || ns16550_find(t, n, &uart->regs);
}

bool early_uart_find(const struct dt *t, struct early_uart *uart)
{
    const struct dt_node *n;
    const char *options;

    if (early_uart_fill(t, dt_stdout(t, &options), uart)) {
        return true;
    }
    dt_for_each_node(t, n) {
        if (early_uart_fill(t, n, uart)) {
            return true;
        }
    }
    return false;
}

static bool early_uart_console_putc(char c)
{
    return (c != '\n' || early_uart_putc(&console, '\r')) && early_uart_putc(&console, c);
}

static int early_uart_lies_in(void *uart, const char *what __unused, uint64_t start, uint64_t end)
{
    uint64_t base = ((const struct early_uart *)uart)->regs.base;

    return base >= start && base < end;
}

/* From the physical address of its registers to one that works. */
static bool early_uart_map_regs(struct uart_regs *r)
{
    r->base = (uintptr_t)(r->base != 0 ? hyp_map_device(r->base, PAGE_SIZE) : NULL);
    return r->base != 0;
}

bool early_uart_console(const struct dt *t)
{
    static struct early_uart board = BOARD_EARLY_UART; /* without a usable tree */
    static bool mapped; /* beforehand: who needs it may hold any lock */
    struct early_uart found;

    mapped = mapped || early_uart_map_regs(&board.regs);
    if (t != NULL && early_uart_find(t, &found) &&
        dt_walk_memory(t, early_uart_lies_in, &found) <= 0 && early_uart_map_regs(&found.regs)) {
        console = found;
    } else if (mapped) {
        console = board;
    } else {
        return false;
    }
    console_early_putc = early_uart_console_putc;
    return true;
}
