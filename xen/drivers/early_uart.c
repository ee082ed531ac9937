/*
 * The earliest output: a polled UART found in the device tree before any driver. Usable with
 * address translation off, so nothing here follows a pointer that the linker put into data.
 */
#include <arch/mm.h>
#include <xen/board.h>
#include <xen/config.h>
#include <xen/dt.h>
#include <xen/early_uart.h>
#include <xen/fdt.h>
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

static uint32_t cells_of(const struct fdt *f, fdt_node_t node, const char *name, uint32_t fallback)
{
    uint32_t value;

    return fdt_get_u32(f, node, name, &value) && value >= 1 && value <= 2 ? value : fallback;
}

/* Translate an address through the ranges of all parents. */
static bool to_cpu(const struct fdt *f, fdt_node_t node, uint64_t *address)
{
    for (fdt_node_t bus = fdt_parent(f, node); bus > 0 && bus != fdt_root(f);
         bus = fdt_parent(f, bus)) {
        uint32_t child = cells_of(f, bus, "#address-cells", 2),
                 size = cells_of(f, bus, "#size-cells", 1);
        uint32_t parent = cells_of(f, fdt_parent(f, bus), "#address-cells", 2),
                 row = child + parent + size;
        struct fdt_prop p;
        bool found = false;

        if (!fdt_available(f, bus) || !fdt_get_prop(f, bus, "ranges", &p)) {
            return false;
        }
        for (uint32_t i = 0; i + row <= fdt_cell_count(&p) && !found; i += row) {
            uint64_t start = fdt_cells(&p, i, child);

            if (*address - start < fdt_cells(&p, i + child + parent, size)) {
                *address = *address - start + fdt_cells(&p, i + child, parent);
                found = true;
            }
        }
        if (!found && fdt_cell_count(&p) != 0) {
            return false;
        }
    }
    return true;
}

static bool fill(const struct fdt *f, fdt_node_t node, struct early_uart *uart)
{
    struct fdt_prop reg;
    uint64_t address;
    uint32_t cells;

    if (!fdt_available(f, node)) {
        return false; /* without a clock it would never be ready to send */
    }
    uart->pl011 = fdt_compatible(f, node, "arm,pl011");
    uart->regs.shift = uart->pl011 ? 2 : 0;
    uart->regs.width = uart->pl011 ? 4 : 1;
    if (!uart->pl011) {
        if (fdt_compatible(f, node, "brcm,bcm2835-aux-uart")) {
            uart->regs.shift = 2;
            uart->regs.width = 4;
        } else if (!fdt_compatible(f, node, "ns16550a") && !fdt_compatible(f, node, "ns16550") &&
                   !fdt_compatible(f, node, "snps,dw-apb-uart")) {
            return false;
        }
        (void)fdt_get_u32(f, node, "reg-shift", &uart->regs.shift);
        (void)fdt_get_u32(f, node, "reg-io-width", &uart->regs.width);
    }
    cells = cells_of(f, fdt_parent(f, node), "#address-cells", 2);
    if (!fdt_get_prop(f, node, "reg", &reg) || fdt_cell_count(&reg) < cells ||
        uart->regs.shift > 3 || (uart->regs.width != 1 && uart->regs.width != 4)) {
        return false;
    }
    address = fdt_cells(&reg, 0, cells);
    if (!to_cpu(f, node, &address)) {
        return false;
    }
    uart->regs.base = address;
    return true;
}

bool early_uart_find(const struct fdt *f, struct early_uart *uart)
{
    fdt_node_t chosen = fdt_path(f, "/chosen");
    const char *path = chosen >= 0 ? fdt_get_string(f, chosen, "stdout-path") : NULL;
    int depth = 0;

    if (path != NULL) {
        fdt_node_t node = fdt_path(f, path);

        if (node >= 0 && fill(f, node, uart)) {
            return true;
        }
    }
    for (fdt_node_t node = fdt_root(f); node >= 0; node = fdt_next_node(f, node, &depth)) {
        if (fill(f, node, uart)) {
            return true;
        }
    }
    return false;
}

static bool console_putc(char c)
{
    return (c != '\n' || early_uart_putc(&console, '\r')) && early_uart_putc(&console, c);
}

static int lies_in(void *uart, const char *what __unused, uint64_t start, uint64_t end)
{
    uint64_t base = ((const struct early_uart *)uart)->regs.base;

    return base >= start && base < end;
}

/* From the physical address of its registers to one that works. */
static bool map_regs(struct uart_regs *r)
{
    r->base = (uintptr_t)(r->base != 0 ? arch_map_device(r->base, PAGE_SIZE) : NULL);
    return r->base != 0;
}

bool early_uart_console(const struct fdt *f)
{
    static struct early_uart board = BOARD_EARLY_UART; /* without a usable tree */
    static bool mapped; /* beforehand: who needs it may hold any lock */
    struct early_uart found;

    mapped = mapped || map_regs(&board.regs);
    if (f != NULL && early_uart_find(f, &found) && dt_walk_memory(&dt_host, lies_in, &found) <= 0 &&
        map_regs(&found.regs)) {
        console = found;
    } else if (mapped) {
        console = board;
    } else {
        return false;
    }
    console_early_putc = console_putc;
    return true;
}
