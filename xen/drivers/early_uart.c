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

#define PL011_FR         0x18u /* [PL011 TRM 3.3] */
#define PL011_FR_TXFF    (1u << 5)
#define NS16550_LSR      5u /* [16550 data sheet] */
#define NS16550_LSR_THRE (1u << 5)

static struct early_uart console;

static bool is_full(const struct early_uart *uart)
{
    uintptr_t a = uart->base + ((uintptr_t)NS16550_LSR << uart->shift);
    uint8_t status;

    if (uart->pl011) {
        return (((volatile uint32_t *)uart->base)[PL011_FR / 4] & PL011_FR_TXFF) != 0;
    }
    status = uart->width == 4 ? (uint8_t)*(volatile uint32_t *)a : *(volatile uint8_t *)a;
    return (status & NS16550_LSR_THRE) == 0 || status == UINT8_MAX; /* all ones: nothing is there */
}

bool early_uart_putc(const struct early_uart *uart, char c)
{
    volatile uint32_t *reg = (volatile uint32_t *)uart->base;

    for (uint32_t left = UART_PATIENCE; is_full(uart); left--) {
        if (left == 0) {
            return false;
        }
    }
    if (uart->pl011 || uart->width == 4) {
        *reg = (uint8_t)c; /* both have the data register first */
    } else {
        *(volatile uint8_t *)uart->base = (uint8_t)c;
    }
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
    uart->shift = 0;
    uart->width = 1;
    if (!uart->pl011) {
        if (fdt_compatible(f, node, "brcm,bcm2835-aux-uart")) {
            uart->shift = 2;
            uart->width = 4;
        } else if (!fdt_compatible(f, node, "ns16550a") && !fdt_compatible(f, node, "ns16550") &&
                   !fdt_compatible(f, node, "snps,dw-apb-uart")) {
            return false;
        }
        (void)fdt_get_u32(f, node, "reg-shift", &uart->shift);
        (void)fdt_get_u32(f, node, "reg-io-width", &uart->width);
    }
    cells = cells_of(f, fdt_parent(f, node), "#address-cells", 2);
    if (!fdt_get_prop(f, node, "reg", &reg) || fdt_cell_count(&reg) < cells || uart->shift > 3 ||
        (uart->width != 1 && uart->width != 4)) {
        return false;
    }
    address = fdt_cells(&reg, 0, cells);
    if (!to_cpu(f, node, &address)) {
        return false;
    }
    uart->base = address;
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
    uint64_t base = ((const struct early_uart *)uart)->base;

    return base >= start && base < end;
}

/* From the physical address of its registers to one that works. */
static bool map_regs(struct early_uart *uart)
{
    uart->base = (uintptr_t)(uart->base != 0 ? arch_map_device(uart->base, PAGE_SIZE) : NULL);
    return uart->base != 0;
}

bool early_uart_console(const struct fdt *f)
{
    static struct early_uart board = BOARD_EARLY_UART; /* without a usable tree */
    static bool mapped; /* beforehand: who needs it may hold any lock */
    struct early_uart found;

    mapped = mapped || map_regs(&board);
    if (f != NULL && early_uart_find(f, &found) && dt_walk_memory(&dt_host, lies_in, &found) <= 0 &&
        map_regs(&found)) {
        console = found;
    } else if (mapped) {
        console = board;
    } else {
        return false;
    }
    console_early_putc = console_putc;
    return true;
}
