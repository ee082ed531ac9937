/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A vCPU's interrupts as bits of hvip, the part of a vCPU switch that belongs to interrupts, and
 * the virtual controller that guests get with the host's.
 *
 * While a vCPU is loaded on a CPU, that CPU's hvip is the truth, because the guest clears SSIP and
 * the event bit in its own sip without an exit [RVPRIV 18.2.3, RVAIA 6.3]; otherwise
 * v->arch.virq.hvip is. Other CPUs ask through v->arch.virq.raise.
 */
#pragma once

#include <xen/compiler.h>
#include <xen/cpu.h>
#include <xen/domain.h>
#include <xen/types.h>

/* In virq_raise's bits and v->arch.virq.raise, of no interrupt: messages wait in
 * vimsic.incoming. */
#define VIRQ_FILE (1ul << 63)

/* A virtual controller. Functions of vCPUs, messages and guest are NULL where nothing is to do. */
struct virqchip {
    bool files; /* guests have interrupt files, and with them a use for the AIA's registers */

    int (*domain_create)(struct domain *d);
    void (*domain_destroy)(struct domain *d);

    int (*vcpu_create)(struct vcpu *v);
    void (*vcpu_destroy)(struct vcpu *v);
    void (*vcpu_save)(struct vcpu *v);
    void (*vcpu_load)(struct vcpu *v);

    void (*messages)(struct vcpu *v); /* VIRQ_FILE was raised, and v is loaded here */
    void (*guest)(void);              /* supervisor guest external interrupt on this CPU */
    void (*settle)(void);             /* the settle timer of this CPU */

    /* As arch_virq_*; inject is for d as a whole, and what forwarding does. */
    int (*route)(struct domain *d, unsigned int virq, unsigned int irq);
    void (*unroute)(struct domain *d, unsigned int virq);
    void (*inject)(struct domain *d, unsigned int virq);
};

extern const struct virqchip *virqchip; /* the one that this machine's guests have */
extern const struct virqchip vplic_chip, vaplic_chip;

/* Make interrupt bits of hvip (1 << IRQ_VS_SOFT, ...) pending for v. Any CPU. Wakes it. */
void virq_raise(struct vcpu *v, uint64_t bits);
/* Take them back. Only for the vCPU loaded on this CPU, or one that is not running. */
void virq_clear(struct vcpu *v, uint64_t bits);
/* Is any bit of hvip that is pending for v enabled in its sie? v is loaded on this CPU. */
bool virq_wanted(struct vcpu *v);
/* This CPU looks again at what must settle, within a millisecond from now. */
void virq_settle_later(void);
/* v is current or NULL: its event bit, if no event stands behind it any more, goes. */
void virq_settle_event(struct vcpu *v);
/* This CPU is idle and was interrupted: wake the vCPU loaded on it if that was for it. */
void virq_wake_idle(void);

/* Is v's hvip in this CPU's register? Only this CPU makes it so. */
static inline bool virq_loaded_here(const struct vcpu *v)
{
    return atomic_load(&v->arch.virq.loaded) == this_cpu();
}

/* Move hvip, vsie and the interrupt file's registers off and on this CPU; last and first part of a
 * switch do not matter, but hstatus.VGEIN is set here, in the register and in v->arch.hstatus. */
void virq_save(struct vcpu *v);
void virq_load(struct vcpu *v);

void virq_init_cpu(void);
int __must_check virq_vcpu_create(struct vcpu *v);
void virq_vcpu_destroy(struct vcpu *v);
/* Nothing pending but what the virtual controller says, which is no part of the hart's reset. v is
 * not loaded. */
void virq_vcpu_reset(struct vcpu *v);
