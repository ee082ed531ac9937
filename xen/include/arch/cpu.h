/* SPDX-License-Identifier: Apache-2.0 */
/* Contract: physical CPUs - identity, waiting, bring-up, cross-CPU interrupts, the machine's reset
 * and power. */
#pragma once

#include <xen/compiler.h>
#include <xen/types.h>

struct cpu;
struct dt;
struct vcpu;

/* The earliest console: set console_early_putc from the tree's stdout-path. t NULL: no usable tree,
 * or its UART does not answer; what the firmware or the board's facts give. */
void arch_early_console(const struct dt *t);

/* The calling CPU's descriptor (TPIDR_EL2, tp). Valid from the first C instruction on. */
static inline struct cpu *arch_this_cpu(void);

/*
 * Wait, cheaply, until *p may no longer hold `old`; may return at any time. The read of *p has
 * acquire meaning. Must let an emulator run another CPU (WFE, pause).
 */
static inline void arch_wait_while_equal(const uint32_t *p, uint32_t old);

/* Find the CPUs in the device tree and fill cpu descriptors (hardware id, enable method). At least
 * the boot CPU. */
void arch_cpu_discover(void);

/* Start secondary CPU `c` at xen_main_secondary. 0, or -errno (-ENODEV: no way to start it,
 * -ETIMEDOUT: it did not come). */
int __must_check arch_cpu_start(struct cpu *c);

/* Name and features of the calling CPU on the console; enable errata work-arounds. Once per CPU. */
void arch_cpu_init(struct cpu *c);

/* Wait for an interrupt with interrupts masked. Returns when one is pending. Then call
 * arch_cpu_poll_irqs. */
void arch_cpu_idle(void);

/* Does an interrupt wait for this CPU (masked, as always in the hypervisor)? Long work stops for it
 * (hypercall_preempt). */
static inline bool arch_cpu_irq_pending(void);

/* Take every interrupt that is pending on this CPU, through irq_dispatch, ipi_dispatch and
 * timer_interrupt. */
void arch_cpu_poll_irqs(void);

/* Interrupt CPU `c` so that it passes the gate (ipi_dispatch runs there). Not for the calling
 * CPU. */
void arch_cpu_kick(const struct cpu *c);

/* Stop this CPU for ever, interrupts masked. */
void __noreturn arch_cpu_halt(void);

/* Reset or power off the machine. Return only if no method works. */
void arch_machine_reset(void);
void arch_machine_poweroff(void);

/* Print what is known of the fault or call stack of this CPU (panic, debug keys). */
void arch_dump_stack(void);
/* Print the registers of a vCPU that is not running elsewhere (debug key 'd' and 'q'). */
void arch_dump_vcpu(struct vcpu *v);

#include <asm/cpu.h>
