/* SPDX-License-Identifier: Apache-2.0 */
/* Contract: the host's interrupt controller and the virtual one. Host and virtual interrupt numbers
 * are the controller's own. */
#pragma once

#include <arch/types.h>
#include <xen/compiler.h>
#include <xen/types.h>

struct cpu;
struct domain;
struct vcpu;

/* Find and start the controller (boot CPU); then its part on each CPU. Panics with the reason if
 * there is none. */
void arch_irq_init(void);
void arch_irq_init_cpu(struct cpu *c);

/* Number of host interrupts; numbers below arch_irq_first_shared() are private to a CPU. */
unsigned int arch_irq_count(void);
unsigned int arch_irq_first_shared(void);

/* Host interrupt control. Shared interrupts go to one CPU. Serialised by the caller (irq
 * descriptor's lock). */
void arch_irq_enable(unsigned int irq);
void arch_irq_disable(unsigned int irq);
void arch_irq_set_type(unsigned int irq, bool edge);
void arch_irq_route(unsigned int irq, const struct cpu *c);
/* The handler of the hypervisor is done: let the interrupt fire again. For a guest's interrupt the
 * guest does that. */
void arch_irq_end(unsigned int irq);

/*
 * Hand host interrupt `irq`, just taken on this CPU, to the guest that owns it as `virq`;
 * deactivation at the host happens when the guest completes it.
 */
void arch_virq_forward(struct domain *d, unsigned int virq, unsigned int irq);

/*
 * The line of a device that the hypervisor plays for d, of shared interrupt virq, is this. false: d
 * has no such interrupt, or a host's stands behind it. Where the virtual controller knows no lines, a
 * high one raises the interrupt once. `high` only when it rises; with the device's lock held.
 */
bool arch_virq_line(struct domain *d, unsigned int virq, bool high);
/* The event-channel upcall interrupt of v. Level: stays until the guest has cleared
 * evtchn_upcall_pending. */
void arch_virq_upcall(struct vcpu *v);
/* Give pending virtual interrupts to the hardware: v is loaded on this CPU and about to run. Gate
 * only. */
void arch_virq_flush(struct vcpu *v);

/* Let d's `virq` be backed by host `irq` (passthrough). -EINVAL: there is no such number; -EBUSY: one
 * is behind it, or d uses it already. Lock of irq's descriptor held, as for the next. */
int __must_check arch_virq_route(struct domain *d, unsigned int virq, unsigned int irq);
/* Not any more. irq is disabled, and is neither pending nor active at the host afterwards, whatever
 * the guest was about to do with it. None of d's vCPUs is on a CPU. */
void arch_virq_unroute(struct domain *d, unsigned int virq);
/* Private interrupt number that the event channel upcall of d uses; chosen by
 * arch_domain_create. */
unsigned int arch_virq_event(const struct domain *d);

#include <asm/irq.h>
