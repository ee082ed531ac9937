/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Third port: devices' registers, which are memory here, and what is typed on the console. A UART
 * whose registers never change would be read for ever, so its interrupt is left out: characters go
 * to whom the driver would give them.
 */
#include "state.h"

#include <asm/layout.h>
#include <xen/uart.h>

static void (*host_input)(char c);

void __real_uart_init_irq(void (*fn)(char c));
void __wrap_uart_init_irq(void (*fn)(char c));

void __wrap_uart_init_irq(void (*fn)(char c))
{
    host_input = fn;
    __real_uart_init_irq(fn);
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
