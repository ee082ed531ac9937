/*
 * The virtual GICv2: creation, injection from the core and from the other files of the port, host
 * interrupts behind virtual ones. The list registers are vgic_lr.c's, the guest's view
 * vgic_dist.c's.
 */
#include <arch/irq.h>
#include <arch/vcpu.h>
#include <asm/vgic_state.h>
#include <xen/bitops.h>
#include <xen/errno.h>
#include <xen/heap.h>
#include <xen/irq.h>

#define PRIORITY_RESET 0xa0u

static bool vgic_forwards(const struct domain *d, const struct vgic_bank *b, uint32_t bit)
{
    return d->arch.vgic.state->ctlr != 0 && (b->enabled & bit) != 0;
}

static void vgic_mark_one(struct vcpu *t, uint32_t index)
{
    t->arch.vgic.work |= 1u << index;
    if (!vgic_loaded_here(t) || atomic_load(&t->pause_flags) != 0) {
        vcpu_kick(t);
    }
}

void vgic_mark(struct vcpu *v, uint32_t index, uint32_t bits)
{
    struct vgic_bank *b = vgic_bank(v, index);

    bits &= b->pending & b->enabled;
    if (bits == 0 || v->d->arch.vgic.state->ctlr == 0) {
        return;
    }
    if (index == 0) {
        vgic_mark_one(v, 0);
        return;
    }
    for (; bits != 0; bits &= bits - 1u) {
        struct vcpu *t = vgic_target(v->d, b, ctz64(bits));

        if (t != NULL) {
            vgic_mark_one(t, index);
        }
    }
}

/* An interrupt was given to v, which is loaded here: it may be waiting for one all the same. */
static inline void vgic_given(struct vcpu *v)
{
    if (atomic_load(&v->pause_flags) != 0) {
        vcpu_kick(v);
    }
}

/* virq of bank b is pending for t. Lock held. */
static inline void vgic_deliver(struct vcpu *t, struct vgic_bank *b, uint32_t virq, bool host_ended)
{
    if (!vgic_forwards(t->d, b, 1u << (virq % 32u))) {
        return;
    }
    if (!vgic_loaded_here(t)) {
        t->arch.vgic.work |= 1u << virq / 32u;
        vcpu_kick(t);
        return;
    }
    if (!vgic_place(t, b, virq, host_ended)) {
        t->arch.vgic.work |= 1u << virq / 32u;
    }
    vgic_given(t);
}

void vgic_inject_private(struct vcpu *v, uint32_t virq)
{
    struct vgic *g = v->d->arch.vgic.state;
    struct vgic_bank *b = &v->arch.vgic.own;

    if (vgic_again(v, virq, 0)) {
        vgic_given(v);
        return;
    }
    spin_lock(&g->lock);
    b->pending |= 1u << virq;
    vgic_deliver(v, b, virq, false);
    spin_unlock(&g->lock);
}

static void vgic_inject_shared(struct domain *d, uint32_t virq, bool host_ended)
{
    struct vgic *g = d->arch.vgic.state;
    struct vgic_bank *b;
    struct vcpu *t;

    if (virq / 32u >= g->nr_banks) {
        return;
    }
    b = &g->spi[virq / 32u - 1u];
    spin_lock(&g->lock);
    b->pending |= 1u << (virq % 32u);
    t = vgic_target(d, b, virq % 32u);
    if (t != NULL) {
        vgic_deliver(t, b, virq, host_ended);
    }
    spin_unlock(&g->lock);
}

void vgic_inject_sgi(struct vcpu *v, unsigned int sgi, unsigned int source)
{
    struct vgic *g = v->d->arch.vgic.state;
    struct vgic_bank *b = &v->arch.vgic.own;

    if (vgic_again(v, sgi, source)) {
        vgic_given(v);
        return;
    }
    spin_lock(&g->lock);
    b->irq[sgi].targets |= (uint8_t)(1u << source);
    b->pending |= 1u << sgi;
    vgic_deliver(v, b, sgi, false);
    spin_unlock(&g->lock);
}

void arch_virq_inject(struct vcpu *v, unsigned int virq)
{
    if (virq < GIC_NR_SGIS) {
        vgic_inject_sgi(v, virq, v->id);
    } else if (virq < GIC_NR_PRIVATE) {
        vgic_inject_private(v, virq);
    } else {
        vgic_inject_shared(v->d, virq, false);
    }
}

/* Like an edge: becomes pending when the core sets evtchn_upcall_pending, and stays so until the
 * guest enables and takes it. */
void arch_virq_upcall(struct vcpu *v)
{
    vgic_inject_private(v, v->d->arch.vgic.state->event_irq);
}

void arch_virq_forward(struct domain *d, unsigned int virq, unsigned int irq)
{
    (void)irq; /* bank.irq[].host has it */
    vgic_inject_shared(d, virq, true);
}

void vgic_timer_deadline(struct vcpu *v)
{
    struct vgic *g = v->d->arch.vgic.state;
    struct vgic_bank *b = &v->arch.vgic.own;
    uint32_t bit = 1u << g->virt_timer;

    spin_lock(&g->lock);
    /* Loaded: the timer itself fires. */
    if (v->arch.vgic.loaded == NULL) {
        v->arch.timer.virt_ctl |= CNT_CTL_IMASK;
        b->pending |= bit;
        vgic_deliver(v, b, g->virt_timer, false);
    }
    spin_unlock(&g->lock);
}

void vgic_set_line(struct vcpu *v, uint32_t virq, bool high)
{
    struct vgic *g = v->d->arch.vgic.state;
    struct vgic_bank *b = vgic_bank(v, virq / 32u);
    uint32_t bit = 1u << (virq % 32u);
    struct vcpu *t = virq < GIC_NR_PRIVATE ? v : NULL;

    if (b == NULL) {
        return;
    }
    spin_lock(&g->lock);
    if (!high) {
        b->line &= ~bit;
    } else if ((b->line & bit) == 0) {
        b->line |= bit;
        b->pending |= bit;
        t = t == NULL ? vgic_target(v->d, b, virq % 32u) : t;
        if (t != NULL) {
            vgic_deliver(t, b, virq, false);
        }
    }
    spin_unlock(&g->lock);
}

void arch_virq_flush(struct vcpu *v)
{
    struct arch_vgic_vcpu *s = &v->arch.vgic;

    if (atomic_load(&s->work) == 0 && !READ_ONCE(s->pull)) {
        return;
    }
    spin_lock(&v->d->arch.vgic.state->lock);
    if (s->pull) {
        vgic_pull(v);
    }
    vgic_refill(v);
    spin_unlock(&v->d->arch.vgic.state->lock);
}

/* Pending for v outside the list registers and above the mask? */
static bool vgic_waiting(struct vcpu *v, uint32_t mask)
{
    uint32_t work, wait;

    for (work = v->arch.vgic.work; work != 0; work &= work - 1u) {
        unsigned int index = ctz64(work);
        struct vgic_bank *b = vgic_bank(v, index);

        for (wait = b->pending & b->enabled & ~b->active; wait != 0; wait &= wait - 1u) {
            unsigned int n = ctz64(wait);

            if ((index == 0 || vgic_target(v->d, b, n) == v) &&
                (uint32_t)(b->irq[n].priority >> 3) < mask) {
                return true;
            }
        }
    }
    return false;
}

bool arch_vcpu_wakeup_pending(struct vcpu *v)
{
    struct arch_vgic_vcpu *s = &v->arch.vgic;
    bool here = vgic_loaded_here(v), pending = false;
    uint32_t vmcr = here ? gich_read(GICH_VMCR) : s->vmcr, mask = vmcr >> 27, bits;

    if ((vmcr & 1u) == 0) {
        return false; /* the guest's CPU interface is off [GICv2 5.3.3] */
    }
    bits = s->lr_used;
    if (here && bits != 0) {
        bits &= ~vgic_lr_empty(v);
    }
    if (bits == 0 && atomic_load(&s->work) == 0) {
        return false; /* without the lock: who gives it work kicks it afterwards */
    }
    spin_lock(&v->d->arch.vgic.state->lock);
    for (; bits != 0 && !pending; bits &= bits - 1u) {
        uint32_t lr = here ? gich_read(GICH_LR(ctz64(bits))) : s->lr[ctz64(bits)];

        pending = (lr & LR_PENDING) != 0 && (lr >> LR_PRIORITY_SHIFT & 0x1fu) < mask;
    }
    pending = pending || (v->d->arch.vgic.state->ctlr != 0 && vgic_waiting(v, mask));
    spin_unlock(&v->d->arch.vgic.state->lock);
    return pending;
}

int arch_virq_route(struct domain *d, unsigned int virq, unsigned int irq)
{
    struct vgic *g = d->arch.vgic.state;
    struct vgic_bank *b;
    uint32_t bit = 1u << (virq % 32u);
    int rc = 0;

    if (virq < GIC_NR_PRIVATE || virq / 32u >= g->nr_banks || irq < GIC_NR_PRIVATE ||
        irq >= gic.nr_irqs) {
        return -EINVAL;
    }
    b = &g->spi[virq / 32u - 1u];
    spin_lock(&g->lock);
    if ((b->hw & bit) != 0) {
        rc = -EBUSY;
    } else {
        b->hw |= bit;
        b->irq[virq % 32u].host = (uint16_t)irq;
    }
    spin_unlock(&g->lock);
    return rc;
}

void arch_virq_unroute(struct domain *d, unsigned int virq)
{
    struct vgic *g = d->arch.vgic.state;
    struct vgic_bank *b;
    uint32_t bit = 1u << (virq % 32u);

    if (virq < GIC_NR_PRIVATE || virq / 32u >= g->nr_banks) {
        return;
    }
    b = &g->spi[virq / 32u - 1u];
    spin_lock(&g->lock);
    if ((b->hw & bit) != 0) {
        vgic_request_pull(d, b, bit);
        gicv2_deactivate(b->irq[virq % 32u].host);
        b->hw &= ~bit;
    }
    spin_unlock(&g->lock);
}

unsigned int arch_virq_event(const struct domain *d)
{
    return d->arch.vgic.state->event_irq;
}

void vgic_update_host(struct domain *d, uint32_t index, uint32_t bits)
{
    struct vgic_bank *b = vgic_shared_bank(d->arch.vgic.state, index);

    for (bits &= b->hw; bits != 0; bits &= bits - 1u) {
        unsigned int n = ctz64(bits), host = b->irq[n].host;
        struct irq_desc *desc = irq_desc(host);
        struct vcpu *t;

        spin_lock(&desc->lock);
        t = (READ_ONCE(b->enabled) & 1u << n) != 0 ? vgic_target(d, b, n) : NULL;
        if (t != NULL && desc->d == d && d->is_hardware) {
            arch_irq_set_type(host, (READ_ONCE(b->edge) & 1u << n) != 0);
        }
        irq_follow(desc, d, t);
        spin_unlock(&desc->lock);
    }
}

static void vgic_bank_init(struct vgic_bank *b)
{
    unsigned int n;

    for (n = 0; n < 32; n++) {
        b->irq[n].priority = PRIORITY_RESET;
    }
}

int vgic_domain_create(struct domain *d, uint32_t nr_spis)
{
    uint32_t banks = 1u + (nr_spis + 31u) / 32u, i, n;
    struct vgic *g = heap_alloc(sizeof(*g) + (banks - 1u) * sizeof(g->spi[0]));

    if (g == NULL) {
        return -ENOMEM;
    }
    spin_init(&g->lock, LOCK_VIRQ);
    g->nr_banks = banks;
    for (i = 0; i < banks - 1u; i++) {
        vgic_bank_init(&g->spi[i]);
        for (n = 0; n < 32; n++) {
            g->spi[i].irq[n].targets = 1; /* vCPU 0 until the guest says otherwise */
        }
    }
    d->arch.vgic.state = g;
    return 0;
}

void vgic_domain_destroy(struct domain *d)
{
    heap_free(d->arch.vgic.state);
    d->arch.vgic.state = NULL;
}

void vgic_vcpu_init(struct vcpu *v)
{
    struct vgic_bank *b = &v->arch.vgic.own;

    vgic_bank_init(b);
    b->enabled = 0xffffu; /* software interrupts always are */
    b->edge = 0xffffu;
    v->arch.vgic.hcr = GICH_HCR_EN;
}

void vgic_vcpu_reset(struct vcpu *v)
{
    v->arch.vgic.vmcr = 0;
    v->arch.vgic.apr = 0;
}
