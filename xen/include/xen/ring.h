/* What printk, the ring of `xl dmesg`, and the UARTs below them have in common. */
#pragma once

#include <xen/spinlock.h>
#include <xen/types.h>

extern spinlock_t console_lock;

/* ring.c */
void ring_put(const char *text, size_t n);
size_t ring_get(char *text, size_t n, uint32_t *index);
void ring_clear(void);
void ring_grow(void);

/* uart.c: bytes to the device (early hook before console_init); "\n" becomes "\r\n". */
void console_uart_put(const char *text, size_t n);
/* The same for as many as there is room for: how many. At most one character is waited for. */
size_t console_uart_try(const char *text, size_t n);
/* Find the device by console=, dtuart=, stdout-path. */
void console_uart_init(void);
void console_uart_init_irq(void);
