/* Which UART is the console's, and bytes to and from it. The devices themselves are xen/drivers. */
#include <arch/cpu.h>
#include <xen/console.h>
#include <xen/cpu.h>
#include <xen/dt.h>
#include <xen/irq.h>
#include <xen/opt.h>
#include <xen/printk.h>
#include <xen/ring.h>
#include <xen/string.h>

static int (*const probes[])(const struct dt_node *node, struct uart *u) = {uart_pl011_probe,
                                                                            uart_ns16550_probe};

static struct uart uart; /* putc NULL: not found, or lost */
static const struct dt_node *uart_node;
static bool silent;       /* console=none */
static bool without_tree; /* the earliest console is what the port knows by itself */
static bool answered;     /* the driver's UART took a character once: who stops it may go on */
static bool stalled;      /* it has been waited for in vain since */
static uint32_t refused;  /* tries of guests in a row that it took nothing of */
static const struct cpu *writer;
bool (*console_early_putc)(char c);

/* The console in use does not answer: take the next one. */
static void lose(void)
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
static bool send_uart(char c)
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
static bool send(char c)
{
    if (uart.putc != NULL) {
        return send_uart(c);
    }
    return console_early_putc == NULL || console_early_putc(c);
}

static void send_all(const char *text, size_t n)
{
    static const char note[] = "\n(XEN) The console before does not answer: correct "
                               "/chosen/stdout-path, or give dtuart=\n(XEN) ";

    for (size_t i = 0; i < n; i++) {
        if (!send(text[i])) {
            lose();
            send_all(note, sizeof(note) - 1u); /* deeper once for each console there is */
            i--;
        }
    }
}

void console_uart_put(const char *text, size_t n)
{
    if (!silent) {
        writer = this_cpu();
        send_all(text, n);
        writer = NULL;
    }
}

size_t console_uart_try(const char *text, size_t n)
{
    size_t done = 0;

    if (silent) {
        return n;
    }
    writer = this_cpu();
    while (done < n && (uart.putc == NULL || uart.ready(&uart))) {
        send_all(text + done++, 1);
    }
    refused = done != 0 ? 0 : refused + 1u;
    if (refused == UART_REFUSALS) {
        send_all(text, 1); /* waits once, and then knows that it is dead or stalled */
        done = 1;
        refused = 0;
    }
    writer = NULL;
    return done;
}

bool console_fault(void)
{
    if (writer != this_cpu()) {
        return false;
    }
    writer = NULL;
    lose();
    return true;
}

static bool probe(const struct dt_node *node)
{
    for (unsigned int i = 0; node != NULL && dt_available(&dt_host, node) && i < ARRAY_SIZE(probes);
         i++) {
        struct uart found = {0};

        if (probes[i](node, &found) == 0) {
            uart = found;
            uart_node = node;
            return true;
        }
    }
    return false;
}

/* dtuart=<path or alias>[:<options>] */
static const struct dt_node *named(const char *name)
{
    char path[CMDLINE_VALUE], *options;

    strlcpy(path, name, sizeof(path));
    options = strchr(path, ':');
    if (options != NULL) {
        *options = '\0';
    }
    return dt_path(&dt_host, path);
}

void console_uart_init(void)
{
    const char *options;

    if (strcmp(opt.console, "none") == 0) {
        silent = true;
        return;
    }
    if (opt.dtuart[0] != '\0') {
        if (probe(named(opt.dtuart))) {
            return;
        }
        printk(XENLOG_WARNING "dtuart=%s: no UART that this build drives (PL011, 16550) has that "
                              "path or alias in the device"
                              " tree; trying stdout-path\n",
               opt.dtuart);
    }
    if (!probe(dt_stdout(&dt_host, &options))) {
        printk(XENLOG_WARNING "No console: name a UART by dtuart= or /chosen/stdout-path; output "
                              "stays on the early one\n");
    }
}

const struct dt_node *console_uart_node(void)
{
    return uart_node;
}

static void received(unsigned int irq, void *data)
{
    int c;

    (void)irq;
    (void)data;
    while ((c = uart.getc(&uart)) >= 0) {
        console_input((char)c);
    }
}

void console_uart_init_irq(void)
{
    if (uart.putc == NULL || uart.irq == 0) {
        return;
    }
    if (irq_request(uart.irq, false, received, NULL) != 0) {
        printk(XENLOG_WARNING "%s: interrupt %u is not usable: no console input\n", uart.name,
               uart.irq);
        return;
    }
    uart.enable_rx(&uart);
}
