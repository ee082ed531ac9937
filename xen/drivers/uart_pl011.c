/* Arm PL011, as the firmware left it: line settings are not changed [PL011 TRM]. */
#include <arch/domain.h>
#include <arch/mm.h>
#include <xen/dt.h>
#include <xen/errno.h>
#include <xen/uart.h>

enum {
    DR = 0x00 / 4,
    FR = 0x18 / 4,
    CR = 0x30 / 4,
    IMSC = 0x38 / 4,
    ICR = 0x44 / 4
};

#define REGS_SIZE 0x48u /* up to the last register used */
#define FR_RXFE   (1u << 4)
#define FR_TXFF   (1u << 5)
#define CR_ENABLE (1u << 0 | 1u << 8 | 1u << 9) /* UARTEN, TXE, RXE */
#define INT_RX    (1u << 4 | 1u << 6)           /* receive, receive timeout */

static bool ready(struct uart *u)
{
    volatile uint32_t *regs = u->regs;

    return (regs[FR] & FR_TXFF) == 0;
}

static bool put(struct uart *u, char c)
{
    volatile uint32_t *regs = u->regs;
    uint32_t left = UART_PATIENCE;

    while (!ready(u)) {
        if (left-- == 0) {
            return false;
        }
    }
    regs[DR] = (uint8_t)c;
    return true;
}

static int get(struct uart *u)
{
    volatile uint32_t *regs = u->regs;

    return (regs[FR] & FR_RXFE) != 0 ? -1 : (int)(regs[DR] & 0xffu);
}

static void enable_rx(struct uart *u)
{
    volatile uint32_t *regs = u->regs;

    regs[ICR] = 0x7ff;
    regs[IMSC] = INT_RX;
}

int uart_pl011_probe(const struct dt_node *node, struct uart *u)
{
    struct dt_range reg;
    struct dt_irq irq;
    bool edge;
    int number;

    if (!dt_compatible(&dt_host, node, "arm,pl011") || dt_reg(&dt_host, node, 0, &reg) != 0) {
        return -ENODEV;
    }
    if (reg.size < REGS_SIZE || (reg.start & 3u) != 0) {
        return -EINVAL;
    }
    *u = (struct uart){
        .name = "PL011", .putc = put, .ready = ready, .getc = get, .enable_rx = enable_rx};
    u->regs = arch_map_device(reg.start, REGS_SIZE);
    if (u->regs == NULL) {
        return -ENOMEM;
    }
    number =
        dt_irq(&dt_host, node, 0, &irq) == 0 ? arch_dt_irq(irq.cells, irq.count, &edge) : -ENOENT;
    u->irq = number > 0 ? (unsigned int)number : 0;
    ((volatile uint32_t *)u->regs)[IMSC] = 0;
    ((volatile uint32_t *)u->regs)[CR] = CR_ENABLE;
    return 0;
}
