/* SPDX-License-Identifier: Apache-2.0 */
/*
 * List registers of the virtual GICv2: moving interrupts in and out of them, the queue of what
 * waits for them, and the switch of a vCPU. They are looked at only when an interrupt is injected
 * or withdrawn, on a maintenance interrupt, and when a vCPU is switched; never on plain entry and
 * exit. Nothing here calls vgic.c or vgic_dist.c.
 *
 * An interrupt that a list register should have has its bit in the queue of the vCPU that gets it:
 * of the target, or of the owner while it is active. A bit may be stale: vgic_queued asks.
 */
#include <asm/vgic_state.h>
#include <xen/bitops.h>

static void lr_write(struct vcpu *v, unsigned int i, uint32_t value)
{
    uint32_t bit = 1u << i;

    v->arch.vgic.lr[i] = value;
    v->arch.vgic.lr_eoi &= ~bit;
    v->arch.vgic.lr_eoi |= (value & LR_EOI) != 0 ? bit : 0;
    gich_write(GICH_LR(i), value);
}

/* Which list registers in use hold nothing any more; v is loaded here. */
static uint32_t lr_empty(const struct vcpu *v)
{
    uint32_t empty = gich_read(GICH_ELSR0);

    if (v->arch.vgic.lr_eoi != 0) {
        empty |= gich_read(GICH_EISR0);
    }
    return empty & v->arch.vgic.lr_used;
}

static struct vcpu *lr_holder(const struct domain *d, const struct vgic_irq *irq)
{
    return vgic_is(irq, VGIC_IN_LR) ? domain_vcpu(d, vgic_owner(irq)) : NULL;
}

void vgic_queue(struct vcpu *v, uint32_t virq)
{
    struct arch_vgic_vcpu *s = &v->arch.vgic;

    s->queue[virq / 32u] |= 1u << (virq % 32u);
    if (v->d->arch.vgic.state->ctlr == 0) {
        return;
    }
    s->work |= 1u << virq / 32u;
    if (!vgic_loaded_here(v) || atomic_load(&v->pause_flags) != 0) {
        vcpu_kick(v);
    }
}

static bool lr_must_end(const struct vgic_irq *irq)
{
    return (irq->state & (VGIC_ACTIVE | VGIC_IN_LR)) == VGIC_ACTIVE;
}

void vgic_offer(struct vcpu *v, const struct vgic_irq *irq, uint32_t virq)
{
    struct vcpu *t = virq < GIC_NR_PRIVATE ? v : vgic_home(v->d, irq);

    if (t != NULL && (lr_must_end(irq) || vgic_is(irq, VGIC_PENDING | VGIC_ENABLED))) {
        vgic_queue(t, virq);
    }
}

struct vgic_irq *vgic_queued(struct vcpu *v, uint32_t virq)
{
    struct vgic_irq *irq = vgic_irq(v, virq);

    if (irq == NULL || (lr_must_end(irq) && vgic_owner(irq) == v->id)) {
        return irq;
    }
    return vgic_is(irq, VGIC_PENDING | VGIC_ENABLED) &&
                   (virq < GIC_NR_PRIVATE || vgic_target(v->d, irq) == v)
               ? irq
               : NULL;
}

/* One instance of a software interrupt. The next source has its turn when this one ends. */
static uint32_t lr_compose_sgi(struct vgic_irq *irq)
{
    uint32_t source = irq->source;

    if (vgic_is(irq, VGIC_ACTIVE)) {
        vgic_clear(irq, VGIC_ACTIVE);
        return LR_ACTIVE | source << LR_SOURCE_SHIFT | LR_EOI;
    }
    source = ctz64(irq->sources);
    irq->sources &= (uint8_t)(irq->sources - 1u);
    vgic_clear(irq, irq->sources == 0 ? VGIC_PENDING : 0);
    return LR_PENDING | source << LR_SOURCE_SHIFT | (irq->sources != 0 ? LR_EOI : 0);
}

/* Value for virq, taking over what it is outside. */
static uint32_t lr_compose(struct vgic_irq *irq, uint32_t virq)
{
    uint32_t lr = virq | vgic_lr_priority(irq), state = irq->state & VGIC_STATE;

    if (virq < GIC_NR_SGIS) {
        return lr | lr_compose_sgi(irq);
    }
    if (!vgic_is(irq, VGIC_ENABLED) || vgic_is(irq, VGIC_ACTIVE | VGIC_HW)) {
        state &= VGIC_ACTIVE; /* not both with LR_HW [GICv2 5.3.12] */
    }
    vgic_clear(irq, state);
    lr |= state << LR_STATE_SHIFT;
    if (vgic_is(irq, VGIC_HW)) {
        return lr | LR_HW | (uint32_t)irq->host << LR_HOST_SHIFT;
    }
    return vgic_is(irq, VGIC_LINE) ? lr | LR_EOI : lr;
}

/* Virq leaves register i of v, which held lr, less what the guest has cleared in the meantime. */
static void lr_absorb(struct vcpu *v, unsigned int i, uint32_t virq, uint32_t lr)
{
    struct vgic_irq *irq = vgic_irq(v, virq);
    uint32_t state, was;

    v->arch.vgic.lr_used &= ~(1u << i);
    if (irq == NULL || !vgic_is(irq, VGIC_IN_LR) ||
        (irq->state & ~VGIC_FLAGS) != VGIC_PLACE(v->id, i)) {
        return; /* placed anew elsewhere since its host interrupt came again */
    }
    state = (lr >> LR_STATE_SHIFT & VGIC_STATE) & ~((uint32_t)irq->state >> VGIC_DROP_SHIFT);
    if (virq < GIC_NR_SGIS && (state & VGIC_PENDING) != 0) {
        irq->sources |= (uint8_t)(1u << LR_SOURCE(lr));
    }
    if (virq < GIC_NR_SGIS && (state & VGIC_ACTIVE) != 0) {
        irq->source = (uint16_t)LR_SOURCE(lr);
    }
    was = (lr & LR_STATE) | (irq->state & VGIC_DROP);
    vgic_clear(irq, VGIC_IN_LR | VGIC_DROP);
    vgic_set(irq, state);
    if (was != 0 && (irq->state & (VGIC_HW | VGIC_STATE)) == VGIC_HW) {
        gicv2_deactivate(irq->host);
    }
    if ((irq->state & (VGIC_LINE | VGIC_EDGE | VGIC_ACTIVE)) == VGIC_LINE) {
        vgic_set(irq, VGIC_PENDING);
    }
    if ((irq->state & VGIC_STATE) != 0) {
        vgic_offer(v, irq, virq);
        if (vgic_loaded_here(v)) {
            cpu_request(this_cpu(), CPU_PENDING_VIRQ); /* a refill, whatever the caller is at */
        }
    }
}

void vgic_collect(struct vcpu *v)
{
    for (uint32_t bits = lr_empty(v); bits != 0; bits &= bits - 1u) {
        unsigned int i = ctz64(bits);
        uint32_t lr = v->arch.vgic.lr[i];

        if ((lr & LR_EOI) != 0) {
            lr_write(v, i, 0); /* or its end-of-interrupt request stayed asserted */
        }
        lr_absorb(v, i, LR_VIRQ(lr), 0);
    }
}

/* Take out what the used registers `bits` hold; v is loaded here, or nowhere. */
static void lr_take(struct vcpu *v, uint32_t bits)
{
    bool here = vgic_loaded_here(v);

    for (; bits != 0; bits &= bits - 1u) {
        unsigned int i = ctz64(bits);
        uint32_t virq = LR_VIRQ(v->arch.vgic.lr[i]); /* an empty register keeps no number */
        uint32_t lr = here ? gich_read(GICH_LR(i)) : v->arch.vgic.lr[i];

        if (here) {
            lr_write(v, i, 0);
        }
        lr_absorb(v, i, virq, lr);
    }
}

/* v runs on another CPU: that one empties the list registers. */
static bool lr_elsewhere(struct vcpu *v)
{
    struct arch_vgic_vcpu *s = &v->arch.vgic;

    if (s->loaded == NULL || s->loaded == this_cpu()) {
        return false;
    }
    s->pull = true;
    cpu_request(s->loaded, CPU_PENDING_VIRQ);
    return true;
}

void vgic_withdraw(const struct domain *d, const struct vgic_irq *irq)
{
    struct vcpu *v = lr_holder(d, irq);

    if (v != NULL && !lr_elsewhere(v)) {
        lr_take(v, 1u << vgic_lr(irq));
    }
}

void vgic_withdraw_all(struct vcpu *v)
{
    if (v->arch.vgic.lr_used != 0 && !lr_elsewhere(v)) {
        lr_take(v, v->arch.vgic.lr_used);
    }
}

uint32_t vgic_state(const struct domain *d, const struct vgic_irq *irq)
{
    struct vcpu *v = lr_holder(d, irq);
    uint32_t lr;

    if (v == NULL) {
        return irq->state & VGIC_STATE;
    }
    lr = v->arch.vgic.lr[vgic_lr(irq)];
    /* Runs elsewhere: the value of its last look for now, a fresh one for whoever polls. */
    if (!lr_elsewhere(v) && vgic_loaded_here(v)) {
        lr = gich_read(GICH_LR(vgic_lr(irq)));
    }
    return (irq->state | lr >> LR_STATE_SHIFT) & VGIC_STATE;
}

/* An empty one, or one made empty: of what is only pending, the least urgent that has at least this
 * priority field; -1: none. */
static int lr_find(struct vcpu *v, uint32_t priority)
{
    uint32_t all = (1u << gic.nr_lrs) - 1u, bits;
    int victim = -1;

    if ((v->arch.vgic.lr_used & all) == all) {
        vgic_collect(v);
    }
    bits = all & ~v->arch.vgic.lr_used;
    if (bits != 0) {
        return (int)ctz64(bits);
    }
    for (bits = all; bits != 0; bits &= bits - 1u) {
        uint32_t lr = gich_read(GICH_LR(ctz64(bits)));

        if ((lr & LR_STATE) == LR_PENDING && (lr & LR_PRIORITY) >= priority) {
            priority = lr & LR_PRIORITY;
            victim = (int)ctz64(bits);
        }
    }
    if (victim >= 0) {
        lr_take(v, 1u << victim);
    }
    return victim;
}

/* A software interrupt came again while its register holds lr. */
static bool lr_merge_sgi(struct vcpu *v, struct vgic_irq *irq, uint32_t lr)
{
    uint32_t source = 1u << LR_SOURCE(lr);

    lr |= (irq->sources & source) != 0 ? LR_PENDING : 0;
    irq->sources &= (uint8_t)~source;
    vgic_clear(irq, irq->sources == 0 ? VGIC_PENDING : 0);
    lr_write(v, vgic_lr(irq), irq->sources == 0 ? lr : lr | LR_EOI);
    return irq->sources == 0;
}

/* virq is pending and has a list register already, whose instance may be over or not. */
static bool lr_merge(struct vcpu *v, struct vgic_irq *irq, uint32_t virq, bool host_ended)
{
    uint32_t lr = host_ended ? 0 : gich_read(GICH_LR(vgic_lr(irq)));

    if ((lr & LR_STATE) == 0) {
        vgic_clear(irq, VGIC_DROP);
        lr_write(v, vgic_lr(irq), lr_compose(irq, virq));
        return !vgic_is(irq, VGIC_PENDING);
    }
    if (virq < GIC_NR_SGIS) {
        return lr_merge_sgi(v, irq, lr);
    }
    if ((lr & (LR_HW | LR_PENDING)) == LR_HW) {
        return false; /* made pending by the guest while active: not both with LR_HW
                         [GICv2 5.3.12] */
    }
    vgic_clear(irq, VGIC_PENDING | VGIC_DROP_PENDING);
    lr_write(v, vgic_lr(irq), vgic_is(irq, VGIC_LINE) ? lr | LR_PENDING | LR_EOI : lr | LR_PENDING);
    return true;
}

bool vgic_again(struct vcpu *v, uint32_t virq, uint32_t source)
{
    const struct vgic_irq *irq = &v->arch.vgic.own[virq];
    uint32_t state = READ_ONCE(irq->state), *lr = &v->arch.vgic.lr[state >> VGIC_LR_SHIFT], now;

    if ((state & (VGIC_IN_LR | VGIC_ENABLED | VGIC_STATE)) != (VGIC_IN_LR | VGIC_ENABLED) ||
        !vgic_loaded_here(v) || v->d->arch.vgic.state->ctlr == 0) {
        return false;
    }
    /* What it held last fits, or it must be composed anew. */
    if ((*lr & ~(LR_STATE | LR_EOI)) !=
        (virq | vgic_lr_priority(irq) | source << LR_SOURCE_SHIFT)) {
        return false;
    }
    now = gich_read(GICH_LR(state >> VGIC_LR_SHIFT));
    if ((now & LR_STATE) != 0) {
        return (now & LR_PENDING) != 0;
    }
    *lr = (*lr & ~LR_STATE) | LR_PENDING;
    gich_write(GICH_LR(state >> VGIC_LR_SHIFT), *lr);
    return true;
}

void vgic_watch_empty(struct vcpu *v, bool on)
{
    uint32_t hcr = on ? v->arch.vgic.hcr | GICH_HCR_UIE : v->arch.vgic.hcr & ~GICH_HCR_UIE;

    if (hcr != v->arch.vgic.hcr) {
        v->arch.vgic.hcr = hcr;
        gich_write(GICH_HCR, hcr);
    }
}

bool vgic_place(struct vcpu *v, struct vgic_irq *irq, uint32_t virq, bool host_ended)
{
    int i;

    if (vgic_is(irq, VGIC_IN_LR) && vgic_owner(irq) == v->id) {
        return lr_merge(v, irq, virq, host_ended);
    }
    if (!host_ended && (irq->state & (VGIC_IN_LR | VGIC_ACTIVE)) != 0 && vgic_owner(irq) != v->id) {
        vgic_withdraw(v->d, irq);
        if ((irq->state & (VGIC_IN_LR | VGIC_ACTIVE)) != 0) {
            return false; /* until the other vCPU lets it go, or ends it */
        }
    }
    /* What is active must be there when the guest ends it. */
    i = lr_find(v, vgic_is(irq, VGIC_ACTIVE) ? 0 : vgic_lr_priority(irq) + 1u);
    if (i < 0) {
        vgic_watch_empty(v, true);
        return false;
    }
    vgic_set(irq, VGIC_IN_LR);
    vgic_set_place(irq, v->id, (uint32_t)i);
    v->arch.vgic.lr_used |= 1u << i;
    lr_write(v, (unsigned int)i, lr_compose(irq, virq));
    return !vgic_is(irq, VGIC_PENDING);
}

bool vgic_lr_waiting(struct vcpu *v, uint32_t mask)
{
    bool here = vgic_loaded_here(v);
    uint32_t bits = v->arch.vgic.lr_used;

    if (here && bits != 0) {
        bits &= ~lr_empty(v);
    }
    for (; bits != 0; bits &= bits - 1u) {
        uint32_t lr = here ? gich_read(GICH_LR(ctz64(bits))) : v->arch.vgic.lr[ctz64(bits)];

        if ((lr & LR_PENDING) != 0 && (lr & LR_PRIORITY) < mask) {
            return true;
        }
    }
    return false;
}

void vgic_save(struct vcpu *v)
{
    struct arch_vgic_vcpu *s = &v->arch.vgic;

    spin_lock(&v->d->arch.vgic.state->lock);
    if (s->lr_used != 0) {
        vgic_collect(v);
    }
    if (s->pull) {
        s->pull = false;
        vgic_withdraw_all(v); /* others wait for it, and v may not come back */
    }
    for (uint32_t bits = s->lr_used; bits != 0; bits &= bits - 1u) {
        s->lr[ctz64(bits)] = gich_read(GICH_LR(ctz64(bits)));
        gich_write(GICH_LR(ctz64(bits)), 0);
    }
    vgic_watch_empty(v, false); /* or an idle CPU would get it again and again */
    s->vmcr = gich_read(GICH_VMCR);
    s->apr = gich_read(GICH_APR);
    s->loaded = NULL;
    spin_unlock(&v->d->arch.vgic.state->lock);
}

void vgic_lr_load(struct vcpu *v)
{
    struct arch_vgic_vcpu *s = &v->arch.vgic;

    spin_lock(&v->d->arch.vgic.state->lock);
    s->loaded = this_cpu();
    for (uint32_t bits = s->lr_used; bits != 0; bits &= bits - 1u) {
        gich_write(GICH_LR(ctz64(bits)), s->lr[ctz64(bits)]);
    }
    gich_write(GICH_VMCR, s->vmcr);
    gich_write(GICH_APR, s->apr);
    gich_write(GICH_HCR, s->hcr);
    spin_unlock(&v->d->arch.vgic.state->lock);
}
