/*
 * The virtual GICv2 of a domain, shared by the files of arch/arm64/irq: vgic.c owns creation and
 * injection, vgic_lr.c the list registers, vgic_dist.c what a guest does to its distributor. One
 * lock per domain guards everything; list registers are touched only by the CPU where the vCPU is
 * loaded, or in memory while it is not.
 */
#pragma once

#include <asm/gicv2.h>
#include <asm/vgic.h>
#include <xen/cpu.h>
#include <xen/domain.h>
#include <xen/nospec.h>
#include <xen/spinlock.h>

struct vgic {
    spinlock_t lock;
    uint32_t ctlr;     /* GICD_CTLR bit 0 */
    uint32_t nr_banks; /* bank 0 included */
    uint32_t event_irq;
    uint32_t virt_timer; /* private interrupt numbers in the guest */
    uint32_t phys_timer;
    paddr_t dist_pa, cpu_pa; /* guest physical */
    struct vgic_bank spi[];  /* bank n is spi[n - 1] */
};

/* Bank `index` of shared interrupts, 1 .. nr_banks - 1, which a guest's access may have chosen. */
static inline struct vgic_bank *vgic_shared_bank(struct vgic *g, uint32_t index)
{
    return &g->spi[index_nospec(index - 1u, g->nr_banks - 1u)];
}

static inline struct vgic_bank *vgic_bank(struct vcpu *v, uint32_t index)
{
    struct vgic *g = v->d->arch.vgic.state;

    if (index == 0) {
        return &v->arch.vgic.own;
    }
    return index < g->nr_banks ? vgic_shared_bank(g, index) : NULL;
}

/* The vCPU that gets shared interrupt n of bank b; NULL: GICD_ITARGETSR names none that exists. */
static inline struct vcpu *vgic_target(const struct domain *d, const struct vgic_bank *b,
                                       unsigned int n)
{
    uint32_t targets = b->irq[n].targets;

    return targets == 0 ? NULL : domain_vcpu(d, (uint64_t)__builtin_ctz(targets));
}

static inline bool vgic_loaded_here(const struct vcpu *v)
{
    return v->arch.vgic.loaded == this_cpu();
}

/*
 * All of these: lock held.
 *
 * vgic_place: put virq, which is pending and enabled, or active, into a list register; v is loaded
 * here. host_ended: its host interrupt has just come, so an earlier instance is over. false: it
 * must wait; the caller keeps the bank in v's work.
 */
bool vgic_place(struct vcpu *v, struct vgic_bank *b, uint32_t virq, bool host_ended);
/* Put into list registers what waits; v is loaded here. */
void vgic_refill(struct vcpu *v);
/* Take everything out of v's list registers; v is loaded here, or nowhere. */
void vgic_pull(struct vcpu *v);
/*
 * The frequent case: v's private interrupt virq comes again while a list register is still its own,
 * and v is loaded here. Only what this CPU alone touches is touched, so the lock is not needed.
 * `source`: of an SGI. false: do it the long way.
 */
bool vgic_again(struct vcpu *v, uint32_t virq, uint32_t source);
/* Which list registers in use hold nothing any more; v is loaded here. */
uint32_t vgic_lr_empty(const struct vcpu *v);
/* Empty register i is not in use any more. Its end-of-interrupt request goes too, which else stayed
 * asserted. */
void vgic_retire(struct vcpu *v, unsigned int i);
/* Take interrupts `bits` of b out of whichever list registers hold them: now, or soon if that vCPU
 * runs on another CPU. */
void vgic_request_pull(struct domain *d, struct vgic_bank *b, uint32_t bits);
/* The interrupts of b whose list register has `state` (LR_PENDING, LR_ACTIVE). */
uint32_t vgic_lr_states(struct domain *d, uint32_t index, struct vgic_bank *b, uint32_t state);
/*
 * Bits of bank `index` (v's own for 0) have become pending or enabled: note it at the vCPUs they go
 * to and make those that do not run here look. For the one that runs here the caller refills.
 */
void vgic_mark(struct vcpu *v, uint32_t index, uint32_t bits);

/* Lock not held. */
/* Make the host agree with enable, type and target of the host interrupts behind `bits`. */
void vgic_update_host(struct domain *d, uint32_t index, uint32_t bits);
void vgic_inject_sgi(struct vcpu *v, unsigned int sgi, unsigned int source);
void vgic_inject_private(struct vcpu *v, uint32_t virq);
/* Level of an emulated device's line. */
void vgic_set_line(struct vcpu *v, uint32_t virq, bool high);
/* The deadline of a vCPU's virtual timer has passed; does nothing for one that is loaded. */
void vgic_timer_deadline(struct vcpu *v);
/* This CPU takes maintenance interrupts. */
void vgic_init_cpu(void);

int __must_check vgic_domain_create(struct domain *d, uint32_t nr_spis);
void vgic_domain_destroy(struct domain *d);
void vgic_vcpu_init(struct vcpu *v);
/* CPU interface state as after reset; v is not loaded. */
void vgic_vcpu_reset(struct vcpu *v);
void vgic_save(struct vcpu *v);
void vgic_load(struct vcpu *v);
mmio_fn vgic_dist_access;
