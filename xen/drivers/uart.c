/* SPDX-License-Identifier: Apache-2.0 */
/* Which UART is the console's, and bytes to and from it. The devices themselves are xen/drivers. */
#include <arch/cpu.h>
#include <arch/domain.h>
#include <xen/cpu.h>
#include <xen/dt.h>
#include <xen/irq.h>
#include <xen/opt.h>
#include <xen/printk.h>
#include <xen/string.h>
#include <xen/uart.h>

static int (*const probes[])(const struct dt_node *node, struct uart *u) = {uart_pl011_probe,
                                                                            uart_ns16550_probe};

static struct uart uart; /* putc NULL: not found, or lost */
static const struct dt_node *console_node;
static unsigned int uart_irq; /* 0: polled */
static bool silent;           /* console=none */
static bool without_tree;     /* the earliest console is what the port knows by itself */
static bool answered;         /* the driver's UART took a character once: who stops it may go on */
static bool stalled;          /* it has been waited for in vain since */
static uint32_t refused;      /* tries of guests in a row that it took nothing of */
static void (*input)(char c); /* who gets what comes in */
static const struct cpu *writer;
bool (*console_early_putc)(char c);

/* The console in use does not answer: take the next one. */
static void uart_lose(void)
{
    if (uart.putc != NULL) {
        uart.putc = NULL;
        return;
    }
    console_early_putc = NULL;
    if (!without_tree) {
        without_tree = true;
        arch_early_console(NULL);
    }
}

/* false: it never answered. What a UART does not take that has answered before is lost: its reader
 * has stopped, and nobody waits for him twice. */
static bool uart_send_driver(char c)
{
    bool ok;

    if (stalled && !uart.ready(&uart)) {
        return true;
    }
    ok = (c != '\n' || uart.putc(&uart, '\r')) && uart.putc(&uart, c);
    stalled = answered && !ok;
    answered |= ok;
    return answered;
}

/* true, too, when there is no console any more. */
static bool uart_send(char c)
{
    if (uart.putc != NULL) {
        return uart_send_driver(c);
    }
    return console_early_putc == NULL || console_early_putc(c);
}

static void uart_send_all(const char *text, size_t n)
{
    static const char note[] = "\n(XEN) The console before does not answer: correct "
                               "/chosen/stdout-path, or give dtuart=\n(XEN) ";

    for (size_t i = 0; i < n; i++) {
        if (!uart_send(text[i])) {
            uart_lose();
            uart_send_all(note, sizeof(note) - 1u); /* deeper once for each console there is */
            i--;
        }
    }
}

static void uart_put(const char *text, size_t n)
{
    if (!silent) {
        writer = this_cpu();
        uart_send_all(text, n);
        writer = NULL;
    }
}

size_t uart_try(const char *text, size_t n)
{
    size_t done = 0;

    if (silent) {
        return n;
    }
    writer = this_cpu();
    while (done < n && (uart.putc == NULL || uart.ready(&uart))) {
        uart_send_all(text + done++, 1);
    }
    refused = done != 0 ? 0 : refused + 1u;
    if (refused == UART_REFUSALS) {
        uart_send_all(text, 1); /* waits once, and then knows that it is dead or stalled */
        done = 1;
        refused = 0;
    }
    writer = NULL;
    return done;
}

static bool uart_fault(void)
{
    if (writer != this_cpu()) {
        return false;
    }
    writer = NULL;
    uart_lose();
    return true;
}

static const struct printk_sink uart_sink = {uart_put, uart_fault};

void uart_init_early(void)
{
    printk_sink = &uart_sink;
}

/* The host interrupt of a node, 0: none that is usable, so it is only written to. */
static unsigned int uart_irq_of(const struct dt_node *node)
{
    struct dt_irq irq;
    bool edge;
    int number = dt_irq(&dt_host, node, 0, &irq);

    if (number == 0) {
        number = arch_dt_irq(irq.cells, irq.count, &edge);
    }
    return number > 0 ? (unsigned int)number : 0;
}

static bool uart_probe(const struct dt_node *node)
{
    for (unsigned int i = 0; node != NULL && dt_available(&dt_host, node) && i < ARRAY_SIZE(probes);
         i++) {
        struct uart found = {0};

        if (probes[i](node, &found) == 0) {
            uart = found;
            console_node = node;
            uart_irq = uart_irq_of(node);
            return true;
        }
    }
    return false;
}

/* dtuart=<path or alias>[:<options>] */
static const struct dt_node *uart_named(const char *name)
{
    char path[CMDLINE_VALUE], *options;

    strlcpy(path, name, sizeof(path));
    options = strchr(path, ':');
    if (options != NULL) {
        *options = '\0';
    }
    return dt_path(&dt_host, path);
}

void uart_init(void)
{
    const char *options;

    if (strcmp(opt.console, "none") == 0) {
        silent = true;
        return;
    }
    if (opt.dtuart[0] != '\0') {
        if (uart_probe(uart_named(opt.dtuart))) {
            return;
        }
        printk(XENLOG_WARNING "dtuart=%s: no UART that this build drives (PL011, 16550) has that "
                              "path or alias in the device"
                              " tree; trying stdout-path\n",
               opt.dtuart);
    }
    if (!uart_probe(dt_stdout(&dt_host, &options))) {
        printk(XENLOG_WARNING "No console: name a UART by dtuart= or /chosen/stdout-path; output "
                              "stays on the early one\n");
    }
}

const struct dt_node *uart_node(void)
{
    return console_node;
}

static void uart_received(unsigned int irq __unused, void *data __unused)
{
    int c;

    while ((c = uart.getc(&uart)) >= 0) {
        input((char)c);
    }
}

void uart_init_irq(void (*fn)(char c))
{
    input = fn;
    if (uart.putc == NULL || uart_irq == 0) {
        return;
    }
    if (irq_request(uart_irq, false, uart_received, NULL) != 0) {
        printk(XENLOG_WARNING "%s: interrupt %u is not usable: no console input\n", uart.name,
               uart_irq);
        return;
    }
    uart.enable_rx(&uart);
}
