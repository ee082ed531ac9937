/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The virtual GICv2 of a domain, shared by the files of arch/arm64/irq, each of which calls only
 * those after it: vgic_dist.c what a guest does to its distributor, vgic.c what raises interrupts
 * and creation, vgic_lr.c list registers and queues. One lock per domain guards everything; list
 * registers are touched only by the CPU where the vCPU is loaded, or in memory while it is not.
 */
#pragma once

#include <asm/gicv2.h>
#include <asm/vgic.h>
#include <xen/bitops.h>
#include <xen/cpu.h>
#include <xen/domain.h>
#include <xen/nospec.h>
#include <xen/spinlock.h>

struct vgic {
    spinlock_t lock;
    uint32_t ctlr;    /* GICD_CTLR bit 0 */
    uint32_t nr_irqs; /* private ones included; a multiple of 32 */
    uint32_t event_irq;
    uint32_t virt_timer; /* private interrupt numbers in the guest */
    uint32_t phys_timer;
    paddr_t dist_pa, cpu_pa; /* guest physical */
    uint32_t *hosted;        /* a bit for each interrupt with VGIC_HW, to find them by */
    struct vgic_irq spi[];   /* interrupt n is spi[n - GIC_NR_PRIVATE] */
};

/* Shared interrupt virq, which a guest may have chosen; NULL: there is none. */
static inline struct vgic_irq *vgic_shared(struct vgic *g, uint32_t virq)
{
    uint32_t n = virq - GIC_NR_PRIVATE;

    return n < g->nr_irqs - GIC_NR_PRIVATE ? &g->spi[index_nospec(n, g->nr_irqs - GIC_NR_PRIVATE)]
                                           : NULL;
}

/* The same, and v's own private ones. */
static inline struct vgic_irq *vgic_irq(struct vcpu *v, uint32_t virq)
{
    return virq < GIC_NR_PRIVATE ? &v->arch.vgic.own[index_nospec(virq, GIC_NR_PRIVATE)]
                                 : vgic_shared(v->d->arch.vgic.state, virq);
}

static inline void vgic_set(struct vgic_irq *irq, uint32_t flags)
{
    irq->state = (uint16_t)(irq->state | flags);
}

static inline void vgic_clear(struct vgic_irq *irq, uint32_t flags)
{
    irq->state = (uint16_t)(irq->state & ~flags);
}

/* Everything in `flags` is set. */
static inline bool vgic_is(const struct vgic_irq *irq, uint32_t flags)
{
    return (irq->state & flags) == flags;
}

/* A new place; what was to be dropped from an earlier one is void. */
static inline void vgic_set_place(struct vgic_irq *irq, uint32_t vcpu, uint32_t lr)
{
    irq->state = (uint16_t)((irq->state & VGIC_FLAGS & ~VGIC_DROP) | VGIC_PLACE(vcpu, lr));
}

static inline uint32_t vgic_owner(const struct vgic_irq *irq)
{
    return irq->state >> VGIC_OWNER_SHIFT & (VGIC_MAX_VCPUS - 1u);
}

static inline uint32_t vgic_lr(const struct vgic_irq *irq)
{
    return irq->state >> VGIC_LR_SHIFT;
}

/* The vCPU that gets a shared interrupt; NULL: GICD_ITARGETSR names none that exists. */
static inline struct vcpu *vgic_target(const struct domain *d, const struct vgic_irq *irq)
{
    uint32_t targets = irq->targets;

    return targets == 0 ? NULL : domain_vcpu(d, ctz64(targets));
}

/* The same, unless it is active outside the list registers: then who has to end it. */
static inline struct vcpu *vgic_home(const struct domain *d, const struct vgic_irq *irq)
{
    return vgic_is(irq, VGIC_ACTIVE) ? domain_vcpu(d, vgic_owner(irq)) : vgic_target(d, irq);
}

static inline bool vgic_loaded_here(const struct vcpu *v)
{
    return v->arch.vgic.loaded == this_cpu();
}

/* The priority's field of a list register: the lower, the more urgent. */
static inline uint32_t vgic_lr_priority(const struct vgic_irq *irq)
{
    return (uint32_t)(irq->priority >> 3) << LR_PRIORITY_SHIFT;
}

/* vgic_lr.c. Lock held. With an argument v, a private interrupt is v's own. */

/* Virq waits for a list register of v. Who calls this for a v that runs here refills. */
void vgic_queue(struct vcpu *v, uint32_t virq);
/* Virq's state has changed: queue it where it belongs, if it belongs in a list register. */
void vgic_offer(struct vcpu *v, const struct vgic_irq *irq, uint32_t virq);
/* Virq, if it is in v's queue and still belongs there; else NULL. */
struct vgic_irq *vgic_queued(struct vcpu *v, uint32_t virq);
/*
 * Put virq, which belongs in a list register of v, into one; v is loaded here. host_ended: its host
 * interrupt has just come, so an earlier instance is over. false: it must wait; the caller queues
 * it.
 */
bool vgic_place(struct vcpu *v, struct vgic_irq *irq, uint32_t virq, bool host_ended);
/*
 * The frequent case: v's private interrupt virq comes again while a list register is still its own,
 * and v is loaded here. Only what this CPU alone touches is touched, so the lock is not needed.
 * `source`: of a software interrupt, else 0. false: do it the long way.
 */
bool vgic_again(struct vcpu *v, uint32_t virq, uint32_t source);
/* Notice which list registers hold nothing any more; v is loaded here. */
void vgic_collect(struct vcpu *v);
/* Take an interrupt out of its list register: now, or soon if that is another CPU's. */
void vgic_withdraw(const struct domain *d, const struct vgic_irq *irq);
/* The same for all that are in v's list registers. */
void vgic_withdraw_all(struct vcpu *v);
/* VGIC_STATE of an interrupt, wherever it is. */
uint32_t vgic_state(const struct domain *d, const struct vgic_irq *irq);
/* Ask for a maintenance interrupt when hardly any list register is used; v is loaded here. */
void vgic_watch_empty(struct vcpu *v, bool on);

/* Lock not needed. A list register of v holds a pending interrupt above the mask. */
bool vgic_lr_waiting(struct vcpu *v, uint32_t mask);
/* Lock not held. */
void vgic_lr_load(struct vcpu *v);
void vgic_save(struct vcpu *v);

/* vgic.c. Lock held. */

/* Put into list registers what waits; v is loaded here. */
void vgic_refill(struct vcpu *v);
/* GICD_CTLR has changed: everything leaves v's list registers, or may come back. */
void vgic_switch(struct vcpu *v);

/* Lock not held. */

/* Make the host agree with enable, type and target of the host interrupt behind irq. */
void vgic_follow_host(const struct domain *d, const struct vgic_irq *irq);
void vgic_inject_sgi(struct vcpu *v, uint32_t sgi, uint32_t source);
void vgic_inject_private(struct vcpu *v, uint32_t virq);
/* The line of an emulated device of v is what `is_high` says, asked under the lock. Whoever changes
 * what that depends on calls this afterwards: the last one has seen all changes. */
void vgic_follow_line(struct vcpu *v, uint32_t virq, bool (*is_high)(const struct vcpu *v));
/* The deadline of a vCPU's virtual timer has passed; does nothing for one that is loaded. */
void vgic_timer_deadline(struct vcpu *v);
void vgic_load(struct vcpu *v);
/* This CPU takes maintenance interrupts. */
void vgic_init_cpu(void);

/* vgic_dist.c */

int __must_check vgic_domain_create(struct domain *d, uint32_t nr_spis);
void vgic_domain_destroy(struct domain *d);
void vgic_vcpu_init(struct vcpu *v);
/* CPU interface state as after reset; v is not loaded. */
void vgic_vcpu_reset(struct vcpu *v);
mmio_fn vgic_dist_access;
