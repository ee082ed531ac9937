/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Third port: devices' registers, which are memory here, and what is typed on the console. A UART
 * would be read for ever, as reading changes none of its registers: so a character that it has goes
 * with host_uart_empties(), or to whom the driver would give it, without a device.
 */
#include "state.h"

#include <asm/layout.h>
#include <xen/uart.h>

static void (*host_input)(char c);
static uint32_t host_status;  /* which byte of the registers says whether it is empty ... */
static uint8_t host_is_empty; /* ... and then is this */

void __real_uart_init_irq(void (*fn)(char c));
void __wrap_uart_init_irq(void (*fn)(char c));

static void host_received(char c)
{
    *((uint8_t *)host_device() + host_status) = host_is_empty;
    host_input(c);
}

void __wrap_uart_init_irq(void (*fn)(char c))
{
    host_input = fn;
    __real_uart_init_irq(host_received);
}

void host_uart_empties(uint32_t offset, uint8_t value)
{
    host_status = offset;
    host_is_empty = value;
}

static void host_play_type(void *data)
{
    host_input(*(const char *)data);
}

enum host_state host_type(unsigned int cpu, char c)
{
    return host_play(&cpus[cpu], host_play_type, &c);
}

void *host_device(void)
{
    return (void *)DEVICE_START;
}
