/* The boot path of the port, between its own files. */
#pragma once

#include <xen/compiler.h>
#include <xen/types.h>

struct fdt;

/* A UART that only sends, polled. */
struct early_uart {
    uintptr_t base; /* address to use: physical before the MMU is on */
    uint32_t shift; /* 8250: distance of registers as a power of two */
    bool pl011;
};

/* Find the console's UART: stdout-path, or the first PL011 or 8250 of the tree. Runs with the MMU
 * off, too. */
bool early_uart_find(const struct fdt *f, struct early_uart *uart);
void early_uart_putc(const struct early_uart *uart, char c);
void early_uart_puts(const struct early_uart *uart, const char *text);
void __noreturn boot_main(paddr_t fdt, paddr_t image);
void __noreturn boot_secondary(void);
void boot_wrong_level(paddr_t fdt, uint64_t level);
void mm_set_image(paddr_t image);
