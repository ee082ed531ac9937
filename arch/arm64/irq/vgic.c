/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The virtual GICv2: what raises a guest's interrupts (core, timers, software interrupts, the
 * host's), when queues are emptied into list registers, and host interrupts behind virtual ones.
 * The states are drawn in <asm/vgic.h>. List registers are vgic_lr.c's, registers of the
 * distributor vgic_dist.c's.
 */
#include <arch/irq.h>
#include <arch/vcpu.h>
#include <asm/vgic_state.h>
#include <xen/errno.h>
#include <xen/heap.h>
#include <xen/irq.h>
#include <xen/lib.h>

#define PRIORITY_RESET 0xa0u

/* An interrupt was given to v, which is loaded here, and may wait for one in vcpu_block. */
static inline void vgic_given(struct vcpu *v)
{
    if (atomic_load(&v->pause_flags) != 0) {
        vcpu_kick(v);
    }
}

/* virq has become pending; home is where it goes. Lock held. */
static inline void vgic_deliver(struct vcpu *home, struct vgic_irq *irq, uint32_t virq,
                                bool host_ended)
{
    vgic_set(irq, VGIC_PENDING);
    if (!vgic_is(irq, VGIC_ENABLED) || home == NULL) {
        return;
    }
    if (home->d->arch.vgic.state->ctlr != 0 && vgic_loaded_here(home) &&
        vgic_place(home, irq, virq, host_ended)) {
        vgic_given(home);
    } else {
        vgic_queue(home, virq);
    }
}

void vgic_inject_private(struct vcpu *v, uint32_t virq)
{
    struct vgic *g = v->d->arch.vgic.state;

    if (vgic_again(v, virq, 0)) {
        vgic_given(v);
        return;
    }
    spin_lock(&g->lock);
    vgic_deliver(v, &v->arch.vgic.own[virq], virq, false);
    spin_unlock(&g->lock);
}

void vgic_inject_sgi(struct vcpu *v, uint32_t sgi, uint32_t source)
{
    struct vgic *g = v->d->arch.vgic.state;
    struct vgic_irq *irq = &v->arch.vgic.own[sgi];

    if (vgic_again(v, sgi, source)) {
        vgic_given(v);
        return;
    }
    spin_lock(&g->lock);
    irq->sources |= (uint8_t)(1u << source);
    vgic_deliver(v, irq, sgi, false);
    spin_unlock(&g->lock);
}

static void vgic_inject_shared(struct domain *d, uint32_t virq, bool host_ended)
{
    struct vgic *g = d->arch.vgic.state;
    struct vgic_irq *irq = vgic_shared(g, virq);

    if (irq == NULL) {
        return;
    }
    spin_lock(&g->lock);
    vgic_deliver(vgic_home(d, irq), irq, virq, host_ended);
    spin_unlock(&g->lock);
}

/* Like an edge: becomes pending when the core sets evtchn_upcall_pending, and stays so until the
 * guest enables and takes it. */
void arch_virq_upcall(struct vcpu *v)
{
    vgic_inject_private(v, v->d->arch.vgic.state->event_irq);
}

void arch_virq_forward(struct domain *d, unsigned int virq, unsigned int irq __unused)
{
    vgic_inject_shared(d, virq, true);
}

void vgic_timer_deadline(struct vcpu *v)
{
    struct vgic *g = v->d->arch.vgic.state;
    const struct vtimer *t = &v->arch.timer;

    spin_lock(&g->lock);
    /* Loaded: the timer itself fires. And it may have been loaded, set to another time and saved
     * since the deadline passed here. */
    if (v->arch.vgic.loaded == NULL &&
        (t->virt_ctl & (CNT_CTL_ENABLE | CNT_CTL_IMASK)) == CNT_CTL_ENABLE &&
        t->virt_cval <= arch_counter() - v->d->arch.cntvoff) {
        v->arch.timer.virt_ctl |= CNT_CTL_IMASK;
        vgic_deliver(v, &v->arch.vgic.own[g->virt_timer], g->virt_timer, false);
    }
    spin_unlock(&g->lock);
}

void vgic_follow_line(struct vcpu *v, uint32_t virq, bool (*is_high)(const struct vcpu *v))
{
    struct vgic *g = v->d->arch.vgic.state;
    struct vgic_irq *irq = &v->arch.vgic.own[virq];

    spin_lock(&g->lock);
    if (!is_high(v)) {
        vgic_clear(irq, VGIC_LINE);
    } else if (!vgic_is(irq, VGIC_LINE)) {
        vgic_set(irq, VGIC_LINE);
        vgic_deliver(v, irq, virq, false);
    }
    spin_unlock(&g->lock);
}

/* The device's own lock keeps a fall of its line apart from the rise before it. */
bool arch_virq_line(struct domain *d, unsigned int virq, bool high)
{
    struct vgic *g = d->arch.vgic.state;
    struct vgic_irq *irq = vgic_shared(g, virq);

    if (irq == NULL || vgic_is(irq, VGIC_HW)) {
        return false;
    }
    spin_lock(&g->lock);
    vgic_clear(irq, VGIC_LINE);
    vgic_set(irq, high ? VGIC_LINE : 0);
    spin_unlock(&g->lock);
    if (high) {
        vgic_inject_shared(d, virq, false);
    }
    return true;
}

/*
 * What word w of v's queue holds, to list registers. *full: no register is left for what is only
 * pending with this priority field, or a higher one.
 */
static void vgic_refill_word(struct vcpu *v, uint32_t w, uint32_t *full)
{
    struct arch_vgic_vcpu *s = &v->arch.vgic;
    uint32_t bits = s->queue[w];

    s->queue[w] = 0;
    for (; bits != 0; bits &= bits - 1u) {
        uint32_t virq = w * 32u + ctz64(bits);
        struct vgic_irq *irq = vgic_queued(v, virq);
        bool fresh = irq != NULL && (irq->state & (VGIC_IN_LR | VGIC_ACTIVE)) == 0;

        if (irq == NULL) {
            irq = vgic_irq(v, virq);
            if (irq != NULL) {
                vgic_offer(v, irq, virq); /* its target or owner has changed since */
            }
            continue;
        }
        if ((fresh && vgic_lr_priority(irq) >= *full) || !vgic_place(v, irq, virq, false)) {
            *full = fresh ? min_u32(*full, vgic_lr_priority(irq)) : *full;
            s->queue[w] |= 1u << (virq % 32u);
            s->work |= 1u << w;
        }
    }
}

void vgic_refill(struct vcpu *v)
{
    uint32_t work = v->arch.vgic.work, full = UINT32_MAX;

    v->arch.vgic.work = 0;
    if (v->d->arch.vgic.state->ctlr == 0) {
        return; /* stays queued: vgic_switch */
    }
    vgic_watch_empty(v, false);
    for (; work != 0; work &= work - 1u) {
        vgic_refill_word(v, ctz64(work), &full);
    }
}

void vgic_switch(struct vcpu *v)
{
    struct arch_vgic_vcpu *s = &v->arch.vgic;
    uint32_t w;

    s->work = 0;
    if (v->d->arch.vgic.state->ctlr == 0) {
        vgic_withdraw_all(v);
        return;
    }
    for (w = 0; w < VGIC_WORDS; w++) {
        s->work |= s->queue[w] != 0 ? 1u << w : 0;
    }
    if (s->work != 0) {
        vcpu_kick(v);
    }
}

/* Maintenance interrupt: an interrupt with LR_EOI has ended, or hardly any list register is
 * used. */
static void vgic_maintenance(unsigned int irq __unused, void *data __unused)
{
    struct vcpu *v = current_vcpu();

    if (v == NULL || !vgic_loaded_here(v)) {
        return;
    }
    spin_lock(&v->d->arch.vgic.state->lock);
    vgic_collect(v);
    vgic_refill(v);
    spin_unlock(&v->d->arch.vgic.state->lock);
}

void vgic_init_cpu(void)
{
    gicv2_request(gic.maintenance, vgic_maintenance);
}

void arch_virq_flush(struct vcpu *v)
{
    struct arch_vgic_vcpu *s = &v->arch.vgic;

    if (atomic_load(&s->work) == 0 && !READ_ONCE(s->pull)) {
        return;
    }
    spin_lock(&v->d->arch.vgic.state->lock);
    if (s->pull) {
        s->pull = false;
        vgic_withdraw_all(v);
    }
    vgic_refill(v);
    spin_unlock(&v->d->arch.vgic.state->lock);
}

/* Pending for v outside the list registers and above the mask? */
static bool vgic_waiting(struct vcpu *v, uint32_t mask)
{
    uint32_t work, bits;

    for (work = v->arch.vgic.work; work != 0; work &= work - 1u) {
        for (bits = v->arch.vgic.queue[ctz64(work)]; bits != 0; bits &= bits - 1u) {
            const struct vgic_irq *irq = vgic_queued(v, ctz64(work) * 32u + ctz64(bits));

            if (irq != NULL && !vgic_is(irq, VGIC_ACTIVE) && vgic_lr_priority(irq) < mask) {
                return true;
            }
        }
    }
    return false;
}

bool arch_vcpu_wakeup_pending(struct vcpu *v)
{
    struct arch_vgic_vcpu *s = &v->arch.vgic;
    uint32_t vmcr = vgic_loaded_here(v) ? gich_read(GICH_VMCR) : s->vmcr;
    uint32_t mask = vmcr >> 27 << LR_PRIORITY_SHIFT;
    bool pending;

    if ((vmcr & 1u) == 0) {
        return false; /* the guest's CPU interface is off [GICv2 5.3.3] */
    }
    if (s->lr_used != 0 && vgic_lr_waiting(v, mask)) {
        return true;
    }
    if (atomic_load(&s->work) == 0) {
        return false; /* without the lock: the CPU that queues work kicks the vCPU afterwards */
    }
    spin_lock(&v->d->arch.vgic.state->lock);
    pending = vgic_waiting(v, mask);
    spin_unlock(&v->d->arch.vgic.state->lock);
    return pending;
}

int arch_virq_route(struct domain *d, unsigned int virq, unsigned int irq)
{
    struct vgic *g = d->arch.vgic.state;
    struct vgic_irq *virtual = vgic_shared(g, virq);
    int rc = 0;

    if (virtual == NULL || irq < GIC_NR_PRIVATE || irq >= gic.nr_irqs) {
        return -EINVAL;
    }
    spin_lock(&g->lock);
    if ((virtual->state & (VGIC_HW | VGIC_ENABLED | VGIC_IN_LR | VGIC_STATE)) != 0) {
        rc = -EBUSY; /* what the guest uses already does not change under it */
    } else {
        gicv2_forget(irq); /* what came while nobody had it */
        vgic_set(virtual, VGIC_HW);
        virtual->host = (uint16_t)irq;
        g->hosted[virq / 32u] |= 1u << (virq % 32u);
    }
    spin_unlock(&g->lock);
    return rc;
}

void arch_virq_unroute(struct domain *d, unsigned int virq)
{
    struct vgic *g = d->arch.vgic.state;
    struct vgic_irq *irq = vgic_shared(g, virq);

    if (irq == NULL) {
        return;
    }
    spin_lock(&g->lock);
    if (vgic_is(irq, VGIC_HW)) {
        vgic_withdraw(d, irq);
        gicv2_forget(irq->host);
        vgic_clear(irq, VGIC_HW);
        g->hosted[virq / 32u] &= ~(1u << (virq % 32u));
    }
    spin_unlock(&g->lock);
}

unsigned int arch_virq_event(const struct domain *d)
{
    return d->arch.vgic.state->event_irq;
}

void vgic_follow_host(const struct domain *d, const struct vgic_irq *irq)
{
    struct irq_desc *desc = irq_desc(irq->host);
    uint32_t state;

    spin_lock(&desc->lock);
    state = READ_ONCE(irq->state);
    if ((state & VGIC_ENABLED) != 0 && desc->d == d && d->is_hardware) {
        arch_irq_set_type(irq->host, (state & VGIC_EDGE) != 0);
    }
    irq_follow(desc, d, (state & VGIC_ENABLED) != 0 ? vgic_target(d, irq) : NULL);
    spin_unlock(&desc->lock);
}

/* Host interrupts that go to v follow it to this CPU. */
static void vgic_follow(struct vcpu *v)
{
    const struct vgic *g = v->d->arch.vgic.state;
    uint32_t w, bits;

    v->arch.vgic.routed = this_cpu();
    for (w = 1; w < g->nr_irqs / 32u; w++) {
        for (bits = g->hosted[w]; bits != 0; bits &= bits - 1u) {
            const struct vgic_irq *irq = &g->spi[w * 32u + ctz64(bits) - GIC_NR_PRIVATE];

            if (vgic_is(irq, VGIC_ENABLED) && vgic_target(v->d, irq) == v) {
                vgic_follow_host(v->d, irq);
            }
        }
    }
}

void vgic_load(struct vcpu *v)
{
    if (v->arch.vgic.routed != this_cpu()) {
        vgic_follow(v);
    }
    vgic_lr_load(v);
}

/* Of the state of a domain with so many interrupts. */
static size_t vgic_bytes(uint32_t nr_irqs)
{
    return sizeof(struct vgic) + (nr_irqs - GIC_NR_PRIVATE) * sizeof(struct vgic_irq) +
           nr_irqs / 32u * sizeof(uint32_t);
}

int vgic_domain_create(struct domain *d, uint32_t nr_spis)
{
    uint32_t shared = (nr_spis + 31u) / 32u * 32u;
    struct vgic *g = heap_alloc(vgic_bytes(shared + GIC_NR_PRIVATE));

    if (g == NULL) {
        return -ENOMEM;
    }
    spin_init(&g->lock, LOCK_VIRQ);
    g->nr_irqs = shared + GIC_NR_PRIVATE;
    g->hosted = (uint32_t *)(void *)&g->spi[shared];
    for (uint32_t i = 0; i < shared; i++) {
        g->spi[i].priority = PRIORITY_RESET;
        g->spi[i].targets = 1; /* vCPU 0 until the guest says otherwise */
    }
    d->arch.vgic.state = g;
    return 0;
}

void vgic_domain_destroy(struct domain *d)
{
    struct vgic *g = d->arch.vgic.state;

    if (g != NULL) {
        heap_free(g, vgic_bytes(g->nr_irqs));
    }
    d->arch.vgic.state = NULL;
}

void vgic_vcpu_init(struct vcpu *v)
{
    struct arch_vgic_vcpu *s = &v->arch.vgic;
    uint32_t i;

    for (i = 0; i < GIC_NR_PRIVATE; i++) {
        s->own[i].priority = PRIORITY_RESET;
        s->own[i].state = i < GIC_NR_SGIS ? VGIC_ENABLED | VGIC_EDGE : 0;
    }
    s->hcr = GICH_HCR_EN;
}

void vgic_vcpu_reset(struct vcpu *v)
{
    v->arch.vgic.vmcr = 0;
    v->arch.vgic.apr = 0;
}
