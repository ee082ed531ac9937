/*
 * A vCPU's interrupts as the rest of the port sees them (irq/): bits of hvip, and the part of a
 * vCPU switch that belongs to interrupts.
 *
 * While a vCPU is loaded on a CPU, that CPU's hvip is the truth, because the guest clears SSIP and
 * the event bit in its own sip without an exit [RVPRIV 18.2.3, RVAIA 6.3]; otherwise
 * v->arch.virq.hvip is. Other CPUs ask through v->arch.virq.raise.
 */
#pragma once

#include <xen/compiler.h>
#include <xen/types.h>

struct cpu;
struct domain;
struct vcpu;

/* In virq_raise's bits and v->arch.virq.raise, of no interrupt: messages wait in vimsic.incoming.
 */
#define VIRQ_FILE (1ul << 63)

/* Make interrupt bits of hvip (1 << IRQ_VS_SOFT, ...) pending for v. Any CPU. Wakes it. */
void virq_raise(struct vcpu *v, uint64_t bits);
/* Take them back. Only for the vCPU loaded on this CPU, or one that is not running. */
void virq_clear(struct vcpu *v, uint64_t bits);
/* Is any bit of hvip that is pending for v enabled in its sie? v is loaded on this CPU. */
bool virq_wanted(struct vcpu *v);

/* Move hvip, vsie and the interrupt file's registers off and on this CPU; last and first part of a
 * switch do not matter, but hstatus.VGEIN is set here, in the register and in v->arch.hstatus. */
void virq_save(struct vcpu *v);
void virq_load(struct vcpu *v);

int __must_check virq_vcpu_create(struct vcpu *v);
void virq_vcpu_destroy(struct vcpu *v);
/* Nothing pending. v is not loaded. An interrupt file is not part of the hart's reset. */
void virq_vcpu_reset(struct vcpu *v);
int __must_check virq_domain_create(struct domain *d);
void virq_domain_destroy(struct domain *d);
/* Does the guest emulate its interrupt controller there? */
bool virq_emulates(const struct domain *d, paddr_t start, paddr_t end);

/* Do guests get interrupt files, and with them a use for the AIA's registers? */
bool virq_guest_aia(void);
/* This CPU is idle and was interrupted: wake the vCPU loaded on it if that was for it. */
void virq_wake_idle(void);

/* A host interrupt trap: scause's code with the interrupt bit removed. traps.c calls it for every
 * interrupt taken from a guest; arch_cpu_poll_irqs for what is pending while idle. */
void irq_trap(uint64_t code);
