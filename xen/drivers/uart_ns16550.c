/* 16550 and its relatives (8250, Broadcom's mini-UART): line settings stay as the firmware left
 * them [16550 data sheet]. */
#include <arch/domain.h>
#include <arch/mm.h>
#include <xen/dt.h>
#include <xen/errno.h>
#include <xen/uart.h>

enum {
    RBR = 0,
    THR = 0,
    IER = 1,
    FCR = 2,
    LSR = 5
};

#define IER_RX     1u
#define FCR_ENABLE 1u
#define LSR_DATA   1u
#define LSR_THRE   (1u << 5)

static uint32_t read_reg(const struct uart *u, unsigned int reg)
{
    uintptr_t a = (uintptr_t)u->regs + ((uintptr_t)reg << u->reg_shift);

    return u->reg_width == 4 ? *(volatile uint32_t *)a : *(volatile uint8_t *)a;
}

static void write_reg(const struct uart *u, unsigned int reg, uint8_t value)
{
    uintptr_t a = (uintptr_t)u->regs + ((uintptr_t)reg << u->reg_shift);

    if (u->reg_width == 4) {
        *(volatile uint32_t *)a = value;
    } else {
        *(volatile uint8_t *)a = value;
    }
}

static bool ready(struct uart *u)
{
    uint8_t status = (uint8_t)read_reg(u, LSR);

    return status != UINT8_MAX && (status & LSR_THRE) != 0; /* all ones: nothing is there */
}

static bool put(struct uart *u, char c)
{
    uint32_t left = UART_PATIENCE;

    while (!ready(u)) {
        if (left-- == 0) {
            return false;
        }
    }
    write_reg(u, THR, (uint8_t)c);
    return true;
}

static int get(struct uart *u)
{
    uint8_t status = (uint8_t)read_reg(u, LSR);

    return status == UINT8_MAX || (status & LSR_DATA) == 0 ? -1 : (int)(read_reg(u, RBR) & 0xffu);
}

static void enable_rx(struct uart *u)
{
    write_reg(u, FCR, FCR_ENABLE);
    write_reg(u, IER, IER_RX);
}

int uart_ns16550_probe(const struct dt_node *node, struct uart *u)
{
    static const char *const compatible[] = {"ns16550a", "ns16550", "snps,dw-apb-uart",
                                             "brcm,bcm2835-aux-uart", NULL};
    uint32_t offset = 0, width = 1, shift = 0;
    struct dt_range reg;
    struct dt_irq irq;
    bool edge;
    int number;

    if (!dt_compatible_any(&dt_host, node, compatible) || dt_reg(&dt_host, node, 0, &reg) != 0) {
        return -ENODEV;
    }
    if (dt_compatible(&dt_host, node, "brcm,bcm2835-aux-uart")) {
        shift = 2; /* [BCM2711 peripherals 2.2]: the binding has no reg-shift */
        width = 4;
    }
    (void)dt_u32(&dt_host, node, "reg-shift", &shift);
    (void)dt_u32(&dt_host, node, "reg-io-width", &width);
    (void)dt_u32(&dt_host, node, "reg-offset", &offset);
    if (shift > 3 || (width != 1 && width != 4) || (8ul << shift) + offset > reg.size ||
        ((reg.start + offset) & (width - 1u)) != 0) {
        return -EINVAL;
    }
    *u = (struct uart){.name = "16550",
                       .putc = put,
                       .ready = ready,
                       .getc = get,
                       .enable_rx = enable_rx,
                       .reg_shift = shift,
                       .reg_width = width};
    u->regs = arch_map_device(reg.start + offset, 8ul << shift);
    if (u->regs == NULL) {
        return -ENOMEM;
    }
    number =
        dt_irq(&dt_host, node, 0, &irq) == 0 ? arch_dt_irq(irq.cells, irq.count, &edge) : -ENOENT;
    u->irq = number > 0 ? (unsigned int)number : 0;
    write_reg(u, IER, 0);
    return 0;
}
