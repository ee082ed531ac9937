/* SPDX-License-Identifier: Apache-2.0 */
/* Port side of <arch/irq.h>: the host's controllers are <asm/irqchip.h>'s, virtual interrupts
 * <asm/virq.h>'s. */
#pragma once

#include <xen/types.h>

/* A host interrupt trap: scause's code with the interrupt bit removed. traps.c calls it for every
 * interrupt taken from a guest; arch_cpu_poll_irqs for what is pending while idle. */
void irq_trap(uint64_t code);
