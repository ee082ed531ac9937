/* SPDX-License-Identifier: Apache-2.0 */
/* Contract: the machine's counter and the hypervisor's own deadline interrupt. */
#pragma once

#include <arch/types.h>
#include <xen/compiler.h>
#include <xen/types.h>

/* Find the counter's frequency; panics when it is unknown. Boot CPU. The interrupt part runs on
 * each CPU. */
void arch_time_init(void);
void arch_time_init_cpu(void);

/* Free-running counter, the same on all CPUs; ticks per second. */
static inline uint64_t arch_counter(void);
uint64_t arch_counter_hz(void);

/* Call timer_interrupt on this CPU when the counter reaches `ticks` (at once if it has).
 * UINT64_MAX: never. */
static inline void arch_timer_program(uint64_t ticks);

#include <asm/time.h>
