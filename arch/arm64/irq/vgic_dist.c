/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registers of the distributor that a guest sees [GICv2 4.3]. Nearly all of them have a field
 * of 1, 2 or 8 bits for each interrupt: a row of the table has a function that reads one
 * interrupt's field, and one that writes it. Reserved space reads as zero and ignores writes; an
 * access of a size that the architecture does not allow is an abort.
 */
#include <asm/vgic_state.h>

#define DIST_IIDR    0x0000043bu /* Arm */
#define DIST_END     0xd00u      /* of registers by interrupt, but for software interrupts' own */
#define DIST_SGI_END 0xf30u
#define DIST_ID      0xf80u /* identification registers */

enum dist_width { /* log2 of a field's bits */
    DIST_BIT = 0,
    DIST_PAIR = 1,
    DIST_BYTE = 3 /* these registers can be accessed by byte, too [GICv2 4.1.4] */
};

struct dist_field {
    struct vcpu *v;
    struct vgic_irq *irq;
    uint32_t n; /* the interrupt */
};

/* The lock is held. A field of one bit is written if it is 1. */
struct dist_row {
    uint32_t (*get)(const struct dist_field *f);
    void (*set)(const struct dist_field *f, uint32_t value);
    uint32_t base; /* offset of the first register */
    enum dist_width width;
};

static void dist_lock(const struct vcpu *v)
{
    spin_lock(&v->d->arch.vgic.state->lock);
}

/* What became deliverable on this CPU goes out at once. */
static void dist_unlock(struct vcpu *v)
{
    if (v->arch.vgic.work != 0) {
        vgic_refill(v);
    }
    spin_unlock(&v->d->arch.vgic.state->lock);
}

static uint32_t dist_enabled(const struct dist_field *f)
{
    return vgic_is(f->irq, VGIC_ENABLED);
}

static void dist_enable(const struct dist_field *f, uint32_t value __unused)
{
    /* Numbers from GIC_SPURIOUS on are none, and must not come to a list register [GICv2 5.3.12]. */
    if (f->n < GIC_SPURIOUS && !vgic_is(f->irq, VGIC_ENABLED)) {
        vgic_set(f->irq, VGIC_ENABLED);
        vgic_offer(f->v, f->irq, f->n);
    }
}

/* Software interrupts are always enabled. */
static void dist_disable(const struct dist_field *f, uint32_t value __unused)
{
    if (f->n >= GIC_NR_SGIS) {
        vgic_clear(f->irq, VGIC_ENABLED);
        vgic_withdraw(f->v->d, f->irq);
    }
}

/* A line that is high makes it pending again and again. */
static bool dist_level(const struct dist_field *f)
{
    return (f->irq->state & (VGIC_LINE | VGIC_EDGE)) == VGIC_LINE;
}

static uint32_t dist_pending(const struct dist_field *f)
{
    return dist_level(f) || (vgic_state(f->v->d, f->irq) & VGIC_PENDING) != 0;
}

/* Not software interrupts, here and in the next: those have GICD_SPENDSGIR. */
static void dist_pend(const struct dist_field *f, uint32_t value __unused)
{
    if (f->n >= GIC_NR_SGIS) {
        vgic_set(f->irq, VGIC_PENDING);
        vgic_offer(f->v, f->irq, f->n);
    }
}

/* The guest clears `state`, wherever it is. What is then neither pending nor active has ended at
 * the host, too. */
static void dist_drop(const struct dist_field *f, uint32_t state)
{
    struct vgic_irq *irq = f->irq;

    vgic_set(irq, vgic_is(irq, VGIC_IN_LR) ? state << VGIC_DROP_SHIFT : 0);
    vgic_withdraw(f->v->d, irq);
    if ((irq->state & state) != 0) {
        vgic_clear(irq, state);
        if ((irq->state & (VGIC_HW | VGIC_IN_LR | VGIC_STATE)) == VGIC_HW) {
            gicv2_deactivate(irq->host);
        }
        vgic_offer(f->v, irq, f->n);
    }
}

static void dist_unpend(const struct dist_field *f, uint32_t value __unused)
{
    if (f->n >= GIC_NR_SGIS && !dist_level(f)) {
        dist_drop(f, VGIC_PENDING);
    }
}

static uint32_t dist_active(const struct dist_field *f)
{
    return (vgic_state(f->v->d, f->irq) & VGIC_ACTIVE) != 0;
}

/* Whoever gets the interrupt has to end it. */
static void dist_activate(const struct dist_field *f, uint32_t value __unused)
{
    const struct vcpu *t = f->n < GIC_NR_PRIVATE ? f->v : vgic_target(f->v->d, f->irq);

    vgic_withdraw(f->v->d, f->irq);
    if (t != NULL && (f->irq->state & (VGIC_IN_LR | VGIC_ACTIVE)) == 0) {
        vgic_set_place(f->irq, t->id, 0);
    }
    vgic_set(f->irq, VGIC_ACTIVE);
    vgic_offer(f->v, f->irq, f->n);
}

static void dist_deactivate(const struct dist_field *f, uint32_t value __unused)
{
    dist_drop(f, VGIC_ACTIVE);
}

static uint32_t dist_priority(const struct dist_field *f)
{
    return f->irq->priority;
}

/* Counts from the next time that the interrupt goes to a list register. 32 levels, as those
 * have. */
static void dist_priority_set(const struct dist_field *f, uint32_t value)
{
    f->irq->priority = (uint8_t)(value & 0xf8u);
}

static uint32_t dist_targets(const struct dist_field *f)
{
    return f->n < GIC_NR_PRIVATE ? 1u << f->v->id : f->irq->targets;
}

/* vCPUs of the domain; GICD_ITARGETSR and software interrupts know no others. */
static uint8_t dist_cpus(const struct dist_field *f, uint32_t value)
{
    return (uint8_t)(value & ((1u << f->v->d->max_vcpus) - 1u));
}

/* A target that does not exist changes nothing, as in Xen. */
static void dist_targets_set(const struct dist_field *f, uint32_t value)
{
    uint8_t targets = dist_cpus(f, value);

    if (f->n >= GIC_NR_PRIVATE && targets != 0 && targets != f->irq->targets) {
        f->irq->targets = targets;
        vgic_withdraw(f->v->d, f->irq); /* what is pending goes with it [GICv2 4.3.12] */
        vgic_offer(f->v, f->irq, f->n);
    }
}

/* The upper bit says edge [GICv2 4.3.13]. */
static uint32_t dist_config(const struct dist_field *f)
{
    return vgic_is(f->irq, VGIC_EDGE) ? 2u : 0;
}

static void dist_config_set(const struct dist_field *f, uint32_t value)
{
    if (f->n >= GIC_NR_SGIS) {
        vgic_clear(f->irq, VGIC_EDGE);
        vgic_set(f->irq, (value & 2u) != 0 ? VGIC_EDGE : 0);
    }
}

/* Sources of a software interrupt that wait [GICv2 4.3.16, 4.3.17]: all of them, outside. */
static uint32_t dist_sources(const struct dist_field *f)
{
    vgic_withdraw(f->v->d, f->irq);
    return f->irq->sources;
}

static void dist_sources_set(const struct dist_field *f, uint32_t value)
{
    f->irq->sources |= dist_cpus(f, value);
    if (f->irq->sources != 0) {
        vgic_set(f->irq, VGIC_PENDING);
        vgic_offer(f->v, f->irq, f->n);
    }
}

static void dist_sources_clear(const struct dist_field *f, uint32_t value)
{
    f->irq->sources = (uint8_t)(dist_sources(f) & ~value);
    if (f->irq->sources == 0) {
        vgic_clear(f->irq, VGIC_PENDING);
    }
}

/* Rows from one register to before the next, with `size` bytes of registers each. */
#define ROW(size, first, from, to, width, get, set) \
    [((from) - (first)) / (size)...((to) - (first)) / (size) - 1] = {(get), (set), (from), (width)}

#define DIST(from, to, width, get, set) ROW(0x80u, GICD_CTLR, from, to, width, get, set)
#define SGI(from, to, width, get, set)  ROW(0x10u, GICD_CPENDSGIR, from, to, width, get, set)

static const struct dist_row dist_rows[] = {
    DIST(GICD_ISENABLER, GICD_ICENABLER, DIST_BIT, dist_enabled, dist_enable),
    DIST(GICD_ICENABLER, GICD_ISPENDR, DIST_BIT, dist_enabled, dist_disable),
    DIST(GICD_ISPENDR, GICD_ICPENDR, DIST_BIT, dist_pending, dist_pend),
    DIST(GICD_ICPENDR, GICD_ISACTIVER, DIST_BIT, dist_pending, dist_unpend),
    DIST(GICD_ISACTIVER, GICD_ICACTIVER, DIST_BIT, dist_active, dist_activate),
    DIST(GICD_ICACTIVER, GICD_IPRIORITYR, DIST_BIT, dist_active, dist_deactivate),
    DIST(GICD_IPRIORITYR, GICD_ITARGETSR, DIST_BYTE, dist_priority, dist_priority_set),
    DIST(GICD_ITARGETSR, GICD_ICFGR, DIST_BYTE, dist_targets, dist_targets_set),
    DIST(GICD_ICFGR, DIST_END, DIST_PAIR, dist_config, dist_config_set),
};

static const struct dist_row dist_sgi_rows[] = {
    SGI(GICD_CPENDSGIR, GICD_SPENDSGIR, DIST_BYTE, dist_sources, dist_sources_clear),
    SGI(GICD_SPENDSGIR, DIST_SGI_END, DIST_BYTE, dist_sources, dist_sources_set),
};

/* NULL: a register that is not by interrupt, or none. */
static const struct dist_row *dist_row(uint32_t offset)
{
    if (offset >= GICD_ISENABLER && offset < DIST_END) {
        return &dist_rows[index_nospec(offset / 0x80u, ARRAY_SIZE(dist_rows))];
    }
    if (offset >= GICD_CPENDSGIR && offset < DIST_SGI_END) {
        offset -= GICD_CPENDSGIR;
        return &dist_sgi_rows[index_nospec(offset / 0x10u, ARRAY_SIZE(dist_sgi_rows))];
    }
    return NULL;
}

/* The fields of a word from interrupt n on. */
static __noinline uint32_t dist_read(struct vcpu *v, const struct dist_row *row, uint32_t n)
{
    struct dist_field f = {.v = v, .irq = vgic_irq(v, n), .n = n};
    uint32_t value = 0;

    if (f.irq == NULL) {
        return 0;
    }
    dist_lock(v);
    for (uint32_t shift = 0; shift < 32u; shift += 1u << row->width, f.n++, f.irq++) {
        value |= row->get(&f) << shift;
    }
    dist_unlock(v);
    return value;
}

/* What the guest changed of an interrupt matters to the host interrupt behind it. */
static bool dist_host_follows(struct vgic_irq was, const struct vgic_irq *irq)
{
    return vgic_is(irq, VGIC_HW) &&
           (((was.state ^ irq->state) & VGIC_ENABLED) != 0 || was.targets != irq->targets);
}

/* Those of the fields that lie in the mask; of bits, those that are 1. */
static __noinline void dist_write(struct vcpu *v, const struct dist_row *row, uint32_t n,
                                  uint32_t value, uint32_t mask)
{
    struct vgic_irq *irq = vgic_irq(v, n);
    uint32_t field = (1u << (1u << row->width)) - 1u, follow = 0, bits = value;

    if (row->width != DIST_BIT) {
        bits = mask & UINT32_MAX / field; /* the lowest of each field */
    }
    if (irq == NULL || bits == 0) {
        return;
    }
    dist_lock(v);
    for (; bits != 0; bits &= bits - 1u) {
        uint32_t i = ctz64(bits) >> row->width;
        struct dist_field f = {.v = v, .irq = &irq[i], .n = n + i};
        struct vgic_irq was = irq[i];

        row->set(&f, value >> ctz64(bits) & field);
        follow |= dist_host_follows(was, &irq[i]) ? 1u << i : 0;
    }
    dist_unlock(v);
    for (; follow != 0; follow &= follow - 1u) {
        vgic_follow_host(v->d, &irq[ctz64(follow)]);
    }
}

static void dist_switch(struct vcpu *v, uint32_t ctlr)
{
    struct vgic *g = v->d->arch.vgic.state;

    dist_lock(v);
    if (g->ctlr != ctlr) {
        g->ctlr = ctlr;
        for (uint32_t i = 0; i < v->d->max_vcpus; i++) {
            struct vcpu *t = domain_vcpu(v->d, i);

            if (t != NULL) {
                vgic_switch(t);
            }
        }
    }
    dist_unlock(v);
}

static void dist_send_sgi(struct vcpu *v, uint32_t value)
{
    uint32_t targets = value >> 16 & 0xffu, filter = value >> 24 & 3u;

    if (filter == 1) {
        targets = ~(1u << v->id) & 0xffu;
    } else if (filter == 2) {
        targets = 1u << v->id;
    } else if (filter == 3) {
        return;
    }
    for (; targets != 0; targets &= targets - 1u) {
        struct vcpu *t = domain_vcpu(v->d, ctz64(targets));

        if (t != NULL) {
            vgic_inject_sgi(t, value & 0xfu, v->id);
        }
    }
}

/* Peripheral and component identification of GIC-400, as its manual has them. */
static uint32_t dist_id(uint32_t index)
{
    static const uint8_t id[32] = {
        [20] = 0x04, [24] = 0x90, [25] = 0xb4, [26] = 0x2b,
        [28] = 0x0d, [29] = 0xf0, [30] = 0x05, [31] = 0xb1,
    };

    return id[index % 32u];
}

/* Registers that are not by interrupt; lock not held. */
static uint32_t dist_read_other(const struct vcpu *v, uint32_t offset)
{
    const struct vgic *g = v->d->arch.vgic.state;

    switch (offset) {
    case GICD_CTLR: return g->ctlr;
    case GICD_TYPER: return (g->nr_irqs / 32u - 1u) | (v->d->max_vcpus - 1u) << 5;
    case GICD_IIDR: return DIST_IIDR;
    default: return offset < DIST_ID ? 0 : dist_id((offset - DIST_ID) / 4u);
    }
}

static void dist_write_other(struct vcpu *v, uint32_t offset, uint32_t value)
{
    if (offset == GICD_SGIR) {
        dist_send_sgi(v, value);
    } else if (offset == GICD_CTLR) {
        dist_switch(v, value & 1u);
    }
}

enum mmio_result vgic_dist_access(struct vcpu *v, struct mmio_access *a, uint64_t offset,
                                  void *data __unused)
{
    uint32_t word = (uint32_t)offset & ~3u, shift = (uint32_t)(offset & 3u) * 8u, mask = UINT32_MAX;
    const struct dist_row *row = dist_row(word);

    if (a->size != 4) {
        if (a->size != 1 || row == NULL || row->width != DIST_BYTE) {
            return MMIO_ERROR;
        }
        mask = 0xffu << shift;
    }
    if (row == NULL && a->write) {
        dist_write_other(v, word, (uint32_t)a->data << shift);
    } else if (row == NULL) {
        a->data = dist_read_other(v, word) >> shift;
    } else if (a->write) {
        dist_write(v, row, (word - row->base) * 8u >> row->width, (uint32_t)a->data << shift, mask);
    } else {
        a->data = (dist_read(v, row, (word - row->base) * 8u >> row->width) & mask) >> shift;
    }
    return MMIO_HANDLED;
}
