/* SPDX-License-Identifier: Apache-2.0 */
/* Host interrupts: who has each one - nobody, a handler of the hypervisor, or a domain. */
#pragma once

#include <xen/compiler.h>
#include <xen/spinlock.h>
#include <xen/time.h>
#include <xen/types.h>

struct cpu;
struct domain;
struct vcpu;

struct irq_desc {
    spinlock_t lock;
    void (*fn)(unsigned int irq, void *data); /* hypervisor's handler, or NULL */
    void *data;
    struct domain *d;  /* domain that has it, or NULL */
    uint32_t virq;     /* its number there */
    bool described;    /* the device tree says what triggers it ... */
    bool edge;         /* ... an edge, or a level */
    bool wanted;       /* its guest has enabled it */
    bool held;         /* but it is off for a while, see irq_hold */
    bool told;         /* which the log has said */
    uint32_t intruded; /* how often it came while others ran, since ... */
    s_time_t since;
};

void irq_init(void);
void irq_init_holding(void); /* when there are timers */
/* The hypervisor's own: handler runs on the CPU that takes it. Private interrupts: call on each CPU
 * (same fn). -EBUSY. */
int __must_check irq_request(unsigned int irq, bool edge, void (*fn)(unsigned int irq, void *data),
                             void *data);
/* Boot: the device tree says what triggers it. */
void irq_describe(unsigned int irq, bool edge);
/*
 * Give a shared interrupt to d as virq. -EBUSY: taken, or d uses that number; -EINVAL: not a shared
 * one, or no number of d's; -EPERM: not described; -ESRCH: d is dying. Enabled at the host when the
 * guest enables it.
 */
int __must_check irq_assign(struct domain *d, unsigned int irq, unsigned int virq);
/*
 * Take it back: off at the host, not active there, and no CPU is about to hand it to d any more. All
 * of d's vCPUs are off their CPUs: d is paused or dying. -EINVAL: it is not d's.
 */
int __must_check irq_release(struct domain *d, unsigned int irq);
/* The same for all that d has; d is dying. 0, for domain_kill. */
int __must_check irq_relinquish(struct domain *d);
/*
 * Make the host's side of d's interrupt agree with the guest's: it goes to target's CPU, or is
 * disabled (NULL). Lock of desc held, also while the caller finds the target: the last one to look
 * then has the last word. Does nothing if d does not have the interrupt.
 */
void irq_follow(struct irq_desc *desc, const struct domain *d, const struct vcpu *target);
struct irq_desc *irq_desc(unsigned int irq);
/* Is it used by the hypervisor itself (so dom0 must not get it)? */
bool irq_is_own(unsigned int irq);
