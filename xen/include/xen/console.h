/*
 * The console: output to the UART and the ring, input to the hypervisor's debug keys or to a domain
 * (Ctrl-A three times switches), guests' console_io.
 */
#pragma once

#include <xen/types.h>

struct dt_node;
struct domain;
struct vcpu;

/* A UART as a driver gives it. All functions work with interrupts masked and from any CPU (console
 * lock held). */
struct uart {
    const char *name;
    bool (*putc)(struct uart *u, char c); /* waits while the device is full; false: for too long */
    bool (*ready)(struct uart *u);        /* it is not full */
    int (*getc)(struct uart *u);          /* -1: nothing there */
    void (*enable_rx)(struct uart *u);    /* interrupt on input */
    void *regs;                           /* device mapping */
    unsigned int irq;                     /* host interrupt, 0: polled */
    unsigned int reg_shift, reg_width;    /* 8250: distance of registers, bytes per access */
};

/* Every driver: 0 and *u filled if the node is its device. */
int uart_pl011_probe(const struct dt_node *node, struct uart *u);
int uart_ns16550_probe(const struct dt_node *node, struct uart *u);

/* Find the UART (console=, dtuart=, stdout-path), start using it for output; before that output
 * goes to the early hook. */
void console_init(void);
/* Device tree node of the console's UART (hidden from dom0), NULL if none. */
const struct dt_node *console_uart_node(void);
/* Interrupt-driven input; after arch_irq_init. */
void console_init_irq(void);
/* How often a UART is asked whether it takes a character: longer than any line is that slow. */
#define UART_PATIENCE 1000000u
/* How often in a row a domain's text is refused before one character of it is waited for. */
#define UART_REFUSALS 100000u
/* The earliest output, set by the port before anything else: one character, no locks; false: it
 * does not answer. NULL: none. */
extern bool (*console_early_putc)(char c);
/* Did this CPU fault while it wrote to a console? Then that one is not used again. */
bool console_fault(void);
/* Which domain gets input; the boot path sets dom0. */
void console_set_input(struct domain *d);
bool console_has_input_focus(const struct domain *d);
/* Write up to n raw bytes of a domain (CONSOLEIO_write; adds (XEN)-free text, ring too if
 * console_to_ring): how many the device takes without being waited for. */
size_t console_write_guest(struct domain *d, const char *text, size_t n);
/* Characters typed for domain d: up to n bytes; returns how many. */
size_t console_read_guest(struct domain *d, char *text, size_t n);
/* One input character (UART interrupt, or a test). */
void console_input(char c);
/* The ring: copy from *index, advance it; clear. Returns bytes. For sysctl readconsole. */
size_t console_ring_read(char *text, size_t n, uint32_t *index, bool incremental, bool clear);
/* printk's way out: raw bytes to ring and UART. */
void console_puts(const char *text, size_t n);
/* Force synchronous output and break a held lock (panic). */
void console_force_unlock(void);
