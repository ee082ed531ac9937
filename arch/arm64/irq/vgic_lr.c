/*
 * List registers of the virtual GICv2: moving interrupts in and out of them. They are looked at
 * only when an interrupt is injected or withdrawn, on a maintenance interrupt, and when a vCPU is
 * switched; never on plain entry and exit.
 */
#include <asm/sysregs.h>
#include <asm/vgic_state.h>
#include <xen/bitops.h>
#include <xen/irq.h>
#include <xen/printk.h>

static void lr_write(struct vcpu *v, unsigned int i, uint32_t value)
{
    uint32_t bit = 1u << i;

    v->arch.vgic.lr[i] = value;
    v->arch.vgic.lr_eoi =
        (value & LR_EOI) != 0 ? v->arch.vgic.lr_eoi | bit : v->arch.vgic.lr_eoi & ~bit;
    gich_write(GICH_LR(i), value);
}

uint32_t vgic_lr_empty(const struct vcpu *v)
{
    uint32_t empty = gich_read(GICH_ELSR0);

    if (v->arch.vgic.lr_eoi != 0) {
        empty |= gich_read(GICH_EISR0);
    }
    return empty & v->arch.vgic.lr_used;
}

static uint32_t lr_source(uint32_t lr)
{
    return lr >> LR_SOURCE_SHIFT & 7u;
}

/* Value for virq, taking over its pending or active state from the bank. */
static uint32_t lr_compose(struct vgic_bank *b, uint32_t virq)
{
    struct vgic_irq *irq = &b->irq[virq % 32u];
    uint32_t bit = 1u << (virq % 32u), lr, source;

    lr = virq | (uint32_t)(irq->priority >> 3) << LR_PRIORITY_SHIFT;
    if ((b->active & bit) != 0) {
        b->active &= ~bit;
        lr |= LR_ACTIVE;
        if (virq < GIC_NR_SGIS) {
            return lr | (uint32_t)irq->host << LR_SOURCE_SHIFT | LR_EOI;
        }
        if ((b->hw & bit) != 0) {
            return lr | LR_HW | (uint32_t)irq->host << LR_HOST_SHIFT;
        }
        if ((b->pending & b->enabled & bit) == 0) {
            return (b->line & bit) != 0 ? lr | LR_EOI : lr;
        }
    }
    lr |= LR_PENDING;
    if (virq < GIC_NR_SGIS) {
        source = ctz64(irq->targets);
        irq->targets &= (uint8_t)(irq->targets - 1u);
        if (irq->targets == 0) {
            b->pending &= ~bit;
            return lr | source << LR_SOURCE_SHIFT;
        }
        return lr | source << LR_SOURCE_SHIFT | LR_EOI;
    }
    b->pending &= ~bit;
    if ((b->hw & bit) != 0) {
        return lr | LR_HW | (uint32_t)irq->host << LR_HOST_SHIFT;
    }
    return (b->line & bit) != 0 ? lr | LR_EOI : lr;
}

/* What a list register held goes back to its bank, less what the guest has cleared in the meantime.
 */
static void lr_absorb(struct vcpu *v, unsigned int i, uint32_t lr)
{
    uint32_t virq = LR_VIRQ(lr), bit = 1u << (virq % 32u);
    struct vgic_bank *b = vgic_bank(v, virq / 32u);
    struct vgic_irq *irq;

    v->arch.vgic.lr_used &= ~(1u << i);
    if (b == NULL) {
        return;
    }
    irq = &b->irq[virq % 32u];
    if ((b->in_lr & bit) == 0 || irq->owner != v->id || irq->lr != i) {
        return; /* placed anew elsewhere since its host interrupt came again */
    }
    b->in_lr &= ~bit;
    if ((lr & LR_PENDING) != 0 && (b->drop_pending & bit) == 0) {
        b->pending |= bit;
        if (virq < GIC_NR_SGIS) {
            irq->targets |= (uint8_t)(1u << lr_source(lr));
        }
    }
    if ((lr & LR_ACTIVE) != 0 && (b->drop_active & bit) == 0) {
        b->active |= bit;
        if (virq < GIC_NR_SGIS) {
            irq->host = (uint16_t)lr_source(lr);
        }
    }
    if ((lr & LR_STATE) != 0 && (b->hw & bit) != 0 && ((b->pending | b->active) & bit) == 0) {
        gicv2_deactivate(irq->host);
    }
    b->drop_pending &= ~bit;
    b->drop_active &= ~bit;
    b->pending |= b->line & ~b->edge & ~b->active & bit;
    if ((b->active & bit) != 0) {
        v->arch.vgic.work |= 1u << virq / 32u; /* whoever the target is now, it goes on here */
    } else if ((b->pending & bit) != 0) {
        vgic_mark(v, virq / 32u, bit);
    }
    if (((b->pending | b->active) & bit) != 0 && vgic_loaded_here(v)) {
        cpu_request(this_cpu(), CPU_PENDING_VIRQ); /* a refill, whatever the caller is at */
    }
}

void vgic_retire(struct vcpu *v, unsigned int i)
{
    uint32_t lr = v->arch.vgic.lr[i];

    if ((lr & LR_EOI) != 0) {
        lr_write(v, i, 0);
    }
    lr_absorb(v, i, LR_VIRQ(lr));
}

void vgic_pull(struct vcpu *v)
{
    struct arch_vgic_vcpu *s = &v->arch.vgic;
    bool here = vgic_loaded_here(v);
    uint32_t used = s->lr_used;

    s->pull = false;
    for (; used != 0; used &= used - 1u) {
        unsigned int i = ctz64(used);
        uint32_t virq = LR_VIRQ(s->lr[i]), lr = here ? gich_read(GICH_LR(i)) : s->lr[i];

        if (here) {
            lr_write(v, i, 0);
        }
        lr_absorb(v, i, (lr & ~0x3ffu) | virq); /* an empty register keeps no number */
    }
}

void vgic_request_pull(struct domain *d, struct vgic_bank *b, uint32_t bits)
{
    for (bits &= b->in_lr; bits != 0; bits &= bits - 1u) {
        struct vcpu *v = domain_vcpu(d, b->irq[ctz64(bits)].owner);
        struct arch_vgic_vcpu *s;

        if (v == NULL) {
            continue;
        }
        s = &v->arch.vgic;
        if (s->loaded != NULL && s->loaded != this_cpu()) {
            s->pull = true;
            cpu_request(s->loaded, CPU_PENDING_VIRQ);
        } else {
            vgic_pull(v);
        }
    }
}

uint32_t vgic_lr_states(struct domain *d, uint32_t index, struct vgic_bank *b, uint32_t state)
{
    uint32_t bits, result = 0;

    for (bits = b->in_lr; bits != 0; bits &= bits - 1u) {
        unsigned int n = ctz64(bits);
        struct vcpu *v = domain_vcpu(d, b->irq[n].owner);
        struct arch_vgic_vcpu *s;
        uint32_t lr;

        if (v == NULL) {
            continue;
        }
        s = &v->arch.vgic;
        lr = s->lr[b->irq[n].lr];
        if (vgic_loaded_here(v)) {
            lr = gich_read(GICH_LR(b->irq[n].lr));
        } else if (s->loaded != NULL) {
            /* Runs elsewhere: the value of its last look for now, a fresh one for whoever polls. */
            s->pull = true;
            cpu_request(s->loaded, CPU_PENDING_VIRQ);
        }
        if ((lr & state) != 0 && LR_VIRQ(lr) == index * 32u + n) {
            result |= 1u << n;
        }
    }
    return result;
}

/* An empty one, or one made empty for something of this priority; -1: none. */
static int lr_find(struct vcpu *v, uint32_t priority)
{
    struct arch_vgic_vcpu *s = &v->arch.vgic;
    uint32_t all = (1u << gic.nr_lrs) - 1u, lowest = priority, bits;
    int victim = -1;

    if ((s->lr_used & all) == all) {
        for (bits = vgic_lr_empty(v); bits != 0; bits &= bits - 1u) {
            vgic_retire(v, ctz64(bits));
        }
    }
    bits = all & ~s->lr_used;
    if (bits != 0) {
        return (int)ctz64(bits);
    }
    for (bits = all; bits != 0; bits &= bits - 1u) {
        uint32_t lr = gich_read(GICH_LR(ctz64(bits)));

        if ((lr & LR_STATE) == LR_PENDING && (lr >> LR_PRIORITY_SHIFT & 0x1fu) > lowest) {
            lowest = lr >> LR_PRIORITY_SHIFT & 0x1fu;
            victim = (int)ctz64(bits);
        }
    }
    if (victim >= 0) {
        lr_absorb(v, (unsigned int)victim, gich_read(GICH_LR((unsigned int)victim)));
    }
    return victim;
}

/* virq is pending and has a list register already, whose instance may be over or not. */
static bool lr_merge(struct vcpu *v, struct vgic_bank *b, uint32_t virq, bool host_ended)
{
    struct vgic_irq *irq = &b->irq[virq % 32u];
    uint32_t bit = 1u << (virq % 32u), lr;

    if (host_ended) {
        lr_write(v, irq->lr, lr_compose(b, virq));
        return true;
    }
    lr = gich_read(GICH_LR(irq->lr));
    if ((lr & LR_STATE) == 0) {
        lr_write(v, irq->lr, lr_compose(b, virq));
        return (b->pending & bit) == 0;
    }
    if (virq < GIC_NR_SGIS) {
        uint32_t source = 1u << lr_source(lr);

        if ((irq->targets & source) != 0) {
            irq->targets &= (uint8_t)~source;
            lr |= LR_PENDING;
        }
        if (irq->targets != 0) {
            lr_write(v, irq->lr, lr | LR_EOI); /* the next source has its turn when this one ends */
            return false;
        }
        b->pending &= ~bit;
        lr_write(v, irq->lr, lr);
        return true;
    }
    if ((lr & LR_HW) != 0) {
        if ((lr & LR_PENDING) == 0) {
            return false; /* made pending by the guest while active: not both with LR_HW
                             [GICv2 5.3.12] */
        }
        b->pending &= ~bit;
        return true;
    }
    b->pending &= ~bit;
    if ((lr & LR_PENDING) == 0) {
        lr_write(v, irq->lr, lr | LR_PENDING);
    }
    return true;
}

bool vgic_again(struct vcpu *v, uint32_t virq, uint32_t source)
{
    struct arch_vgic_vcpu *s = &v->arch.vgic;
    const struct vgic_irq *irq = &s->own.irq[virq];
    uint32_t bit = 1u << virq, lr = s->lr[irq->lr], now;

    if (!vgic_loaded_here(v) ||
        (s->own.in_lr & s->own.enabled & ~s->own.active & ~s->own.pending & bit) == 0 ||
        v->d->arch.vgic.state->ctlr == 0) {
        return false;
    }
    /* What it held last fits, or it must be composed anew. */
    if ((lr >> LR_PRIORITY_SHIFT & 0x1fu) != irq->priority >> 3 ||
        (virq < GIC_NR_SGIS && lr_source(lr) != source)) {
        return false;
    }
    now = gich_read(GICH_LR(irq->lr));
    if ((now & LR_STATE) != 0) {
        return (now & LR_PENDING) != 0;
    }
    s->lr[irq->lr] = (lr & ~LR_STATE) | LR_PENDING;
    gich_write(GICH_LR(irq->lr), s->lr[irq->lr]);
    return true;
}

bool vgic_place(struct vcpu *v, struct vgic_bank *b, uint32_t virq, bool host_ended)
{
    struct vgic_irq *irq = &b->irq[virq % 32u];
    uint32_t bit = 1u << (virq % 32u);
    int i;

    if ((b->in_lr & bit) != 0) {
        if (irq->owner == v->id) {
            return lr_merge(v, b, virq, host_ended);
        }
        if (!host_ended) {
            vgic_request_pull(v->d, b, bit);
            if ((b->in_lr & bit) != 0) {
                return false; /* vgic_mark tells us when the other CPU has let it go */
            }
        }
    }
    i = lr_find(v, (uint32_t)(irq->priority >> 3));
    if (i < 0) {
        if ((v->arch.vgic.hcr & GICH_HCR_UIE) == 0) {
            v->arch.vgic.hcr |= GICH_HCR_UIE;
            gich_write(GICH_HCR, v->arch.vgic.hcr);
        }
        return false;
    }
    b->in_lr |= bit;
    irq->owner = (uint8_t)v->id;
    irq->lr = (uint8_t)i;
    v->arch.vgic.lr_used |= 1u << i;
    lr_write(v, (unsigned int)i, lr_compose(b, virq));
    return (b->pending & bit) == 0;
}

/* true: nothing of the bank waits any more. */
static bool vgic_refill_bank(struct vcpu *v, uint32_t index)
{
    struct vgic_bank *b = vgic_bank(v, index);
    uint32_t wait = (b->active & ~b->in_lr) | (b->pending & b->enabled);
    bool done = true;

    for (; wait != 0; wait &= wait - 1u) {
        unsigned int n = ctz64(wait);

        if (index != 0 && (b->active & 1u << n) == 0 && vgic_target(v->d, b, n) != v) {
            continue;
        }
        done &= vgic_place(v, b, index * 32u + n, false);
    }
    return done;
}

void vgic_refill(struct vcpu *v)
{
    struct arch_vgic_vcpu *s = &v->arch.vgic;
    uint32_t work = s->work, left = 0;

    if (v->d->arch.vgic.state->ctlr == 0) {
        return;
    }
    if ((s->hcr & GICH_HCR_UIE) != 0) {
        s->hcr &= ~GICH_HCR_UIE;
        gich_write(GICH_HCR, s->hcr);
    }
    s->work = 0;
    for (; work != 0; work &= work - 1u) {
        if (!vgic_refill_bank(v, ctz64(work))) {
            left |= work & -work;
        }
    }
    s->work |= left;
}

/* An interrupt with LR_EOI has ended, or hardly any list register is used. */
static void vgic_maintenance(unsigned int irq __unused, void *data __unused)
{
    struct vcpu *v = current_vcpu();
    uint32_t bits;

    if (v == NULL || !vgic_loaded_here(v)) {
        return;
    }
    spin_lock(&v->d->arch.vgic.state->lock);
    for (bits = vgic_lr_empty(v); bits != 0; bits &= bits - 1u) {
        vgic_retire(v, ctz64(bits));
    }
    vgic_refill(v);
    spin_unlock(&v->d->arch.vgic.state->lock);
}

void vgic_init_cpu(void)
{
    if (irq_request(gic.maintenance, false, vgic_maintenance, NULL) != 0) {
        panic("GICv2: interrupt %u is not free for maintenance\n", gic.maintenance);
    }
}
