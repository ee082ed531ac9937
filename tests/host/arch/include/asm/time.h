/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Third port: a clock that the test turns. The CPU's deadline is noted; port/irq.c takes it when
 * its time has come.
 */
#pragma once

extern uint64_t host_counter; /* ticks of 54 MHz, the Raspberry Pi 4's */

uint64_t host_read_counter(void);
void host_timer_program(uint64_t ticks);

static inline uint64_t arch_counter(void)
{
    return host_read_counter();
}

static inline void arch_timer_program(uint64_t ticks)
{
    host_timer_program(ticks);
}
