/* Port side of <arch/irq.h>. Virtual interrupts are <asm/virq.h>'s. */
#pragma once

struct cpu;

/* Interrupt another CPU so that it passes the gate: arch_cpu_kick. The caller's stores are visible
 * to it before. */
void irq_send_ipi(const struct cpu *c);
