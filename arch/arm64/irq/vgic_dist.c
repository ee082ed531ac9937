/*
 * The distributor that a guest sees [GICv2 4.3]: one row per 128 bytes of registers, a function for
 * reads and one for writes. Reserved space reads as zero and ignores writes; an access of a size
 * that the architecture does not allow is an abort.
 */
#include <asm/vgic_dist.h>
#include <xen/bitops.h>

#define DIST_IIDR 0x0000043bu /* Arm */

struct dist_row {
    uint32_t (*read)(struct vcpu *v, uint32_t offset);
    void (*write)(struct vcpu *v, uint32_t offset, uint32_t value, uint32_t mask);
    uint32_t base; /* offset of the first register */
    bool bytes;    /* byte access allowed [GICv2 4.1.4] */
};

static struct vgic_bank *dist_bank(struct vcpu *v, uint32_t offset)
{
    return vgic_bank(v, offset / 4u);
}

static uint32_t ctlr_read(struct vcpu *v, uint32_t offset)
{
    switch (offset) {
    case GICD_CTLR: return v->d->arch.vgic.state->ctlr;
    case GICD_TYPER: return (v->d->arch.vgic.state->nr_banks - 1u) | (v->d->max_vcpus - 1u) << 5;
    case GICD_IIDR: return DIST_IIDR;
    default: return 0;
    }
}

static void ctlr_switch_bank(struct vcpu *v, uint32_t index)
{
    if (v->d->arch.vgic.state->ctlr == 0) {
        vgic_request_pull(v->d, vgic_bank(v, index), UINT32_MAX);
    } else {
        vgic_mark(v, index, UINT32_MAX);
    }
}

/* Everything that every vCPU has in its list registers leaves them (off), or may come back (on). */
static void ctlr_write(struct vcpu *v, uint32_t offset, uint32_t value, uint32_t mask __unused)
{
    struct vgic *g = v->d->arch.vgic.state;
    uint32_t i;

    if (offset != GICD_CTLR) {
        return;
    }
    dist_lock(v);
    if (g->ctlr != (value & 1u)) {
        g->ctlr = value & 1u;
        for (i = 0; i < v->d->max_vcpus; i++) {
            struct vcpu *t = domain_vcpu(v->d, i);

            if (t != NULL) {
                ctlr_switch_bank(t, 0);
            }
        }
        for (i = 1; i < g->nr_banks; i++) {
            ctlr_switch_bank(v, i); /* all vCPUs share these */
        }
    }
    dist_unlock(v);
}

static uint32_t enable_read(struct vcpu *v, uint32_t offset)
{
    const struct vgic_bank *b = dist_bank(v, offset);

    return b == NULL ? 0 : b->enabled;
}

static void enable_write(struct vcpu *v, uint32_t offset, uint32_t value, uint32_t mask __unused)
{
    struct vgic_bank *b = dist_bank(v, offset);
    uint32_t change;

    if (b == NULL) {
        return;
    }
    dist_lock(v);
    change = value & ~b->enabled;
    if (change != 0) {
        b->enabled |= change;
        vgic_mark(v, offset / 4u, change);
    }
    dist_unlock(v);
    if (offset != 0 && (change & b->hw) != 0) {
        vgic_update_host(v->d, offset / 4u, change);
    }
}

static void disable_write(struct vcpu *v, uint32_t offset, uint32_t value, uint32_t mask __unused)
{
    struct vgic_bank *b = dist_bank(v, offset);
    uint32_t change;

    if (b == NULL) {
        return;
    }
    dist_lock(v);
    change = value & b->enabled;
    if (offset == 0) {
        change &= ~0xffffu;
    }
    b->enabled &= ~change;
    vgic_request_pull(v->d, b, change);
    dist_unlock(v);
    if (offset != 0 && (change & b->hw) != 0) {
        vgic_update_host(v->d, offset / 4u, change);
    }
}

static uint32_t pending_read(struct vcpu *v, uint32_t offset)
{
    struct vgic_bank *b = dist_bank(v, offset);
    uint32_t value;

    if (b == NULL) {
        return 0;
    }
    dist_lock(v);
    value = b->pending | (b->line & ~b->edge) | vgic_lr_states(v->d, offset / 4u, b, LR_PENDING);
    spin_unlock(&v->d->arch.vgic.state->lock);
    return value;
}

static void pending_set(struct vcpu *v, uint32_t offset, uint32_t value, uint32_t mask __unused)
{
    struct vgic_bank *b = dist_bank(v, offset);

    if (b == NULL) {
        return;
    }
    dist_lock(v);
    value &= offset == 0 ? ~0xffffu : UINT32_MAX; /* software interrupts: GICD_SPENDSGIR */
    b->pending |= value;
    vgic_mark(v, offset / 4u, value);
    dist_unlock(v);
}

/* Interrupts of b that were pending for the host too are over there. */
static void dist_host_end(const struct vgic_bank *b, uint32_t bits)
{
    for (bits &= b->hw & ~b->in_lr & ~b->pending & ~b->active; bits != 0; bits &= bits - 1u) {
        gicv2_deactivate(b->irq[ctz64(bits)].host);
    }
}

static void pending_clear(struct vcpu *v, uint32_t offset, uint32_t value, uint32_t mask __unused)
{
    struct vgic_bank *b = dist_bank(v, offset);
    uint32_t change;

    if (b == NULL) {
        return;
    }
    dist_lock(v);
    value &= offset == 0 ? ~0xffffu : UINT32_MAX;
    b->drop_pending |= value & b->in_lr;
    vgic_request_pull(v->d, b, value);
    change = value & b->pending & (b->edge | ~b->line);
    b->pending &= ~change;
    dist_host_end(b, change);
    dist_unlock(v);
}

static uint32_t active_read(struct vcpu *v, uint32_t offset)
{
    struct vgic_bank *b = dist_bank(v, offset);
    uint32_t value;

    if (b == NULL) {
        return 0;
    }
    dist_lock(v);
    value = b->active | vgic_lr_states(v->d, offset / 4u, b, LR_ACTIVE);
    spin_unlock(&v->d->arch.vgic.state->lock);
    return value;
}

static void active_set(struct vcpu *v, uint32_t offset, uint32_t value, uint32_t mask __unused)
{
    struct vgic_bank *b = dist_bank(v, offset);
    uint32_t bits;

    if (b == NULL) {
        return;
    }
    dist_lock(v);
    vgic_request_pull(v->d, b, value);
    b->active |= value;
    for (bits = value; bits != 0; bits &= bits - 1u) {
        struct vcpu *t = offset == 0 ? v : vgic_target(v->d, b, ctz64(bits));

        if (t != NULL) {
            t->arch.vgic.work |= 1u << offset / 4u;
        }
    }
    dist_unlock(v);
}

static void active_clear(struct vcpu *v, uint32_t offset, uint32_t value, uint32_t mask __unused)
{
    struct vgic_bank *b = dist_bank(v, offset);
    uint32_t change;

    if (b == NULL) {
        return;
    }
    dist_lock(v);
    b->drop_active |= value & b->in_lr;
    vgic_request_pull(v->d, b, value);
    change = value & b->active;
    b->active &= ~change;
    dist_host_end(b, change);
    vgic_mark(v, offset / 4u, change);
    dist_unlock(v);
}

/* Four interrupts in a word: those of the bank from n on. */
static struct vgic_irq *dist_four(struct vcpu *v, uint32_t offset)
{
    struct vgic_bank *b = vgic_bank(v, offset / 32u);

    return b == NULL ? NULL : &b->irq[offset % 32u];
}

static uint32_t priority_read(struct vcpu *v, uint32_t offset)
{
    const struct vgic_irq *irq = dist_four(v, offset);

    return irq == NULL ? 0
                       : (uint32_t)irq[0].priority | (uint32_t)irq[1].priority << 8 |
                             (uint32_t)irq[2].priority << 16 | (uint32_t)irq[3].priority << 24;
}

/* Counts from the next time that the interrupt goes to a list register. 32 levels, as list
 * registers have. */
static void priority_write(struct vcpu *v, uint32_t offset, uint32_t value, uint32_t mask)
{
    struct vgic_irq *irq = dist_four(v, offset);
    unsigned int i;

    for (i = 0; irq != NULL && i < 4; i++) {
        if ((mask >> (8u * i) & 0xffu) != 0) {
            irq[i].priority = (uint8_t)(value >> (8u * i) & 0xf8u);
        }
    }
}

static uint32_t target_read(struct vcpu *v, uint32_t offset)
{
    const struct vgic_irq *irq = dist_four(v, offset);

    if (offset < GIC_NR_PRIVATE) {
        return 0x01010101u << v->id;
    }
    return irq == NULL ? 0
                       : (uint32_t)irq[0].targets | (uint32_t)irq[1].targets << 8 |
                             (uint32_t)irq[2].targets << 16 | (uint32_t)irq[3].targets << 24;
}

/* A target that does not exist changes nothing, as in Xen. */
static void target_write(struct vcpu *v, uint32_t offset, uint32_t value, uint32_t mask)
{
    struct vgic_irq *irq = dist_four(v, offset);
    uint32_t valid = (1u << v->d->max_vcpus) - 1u, index = offset / 32u, changed = 0, i;

    if (irq == NULL || offset < GIC_NR_PRIVATE) {
        return;
    }
    dist_lock(v);
    for (i = 0; i < 4; i++) {
        uint8_t targets = (uint8_t)(value >> (8u * i) & valid);

        if ((mask >> (8u * i) & 0xffu) != 0 && targets != 0 && irq[i].targets != targets) {
            irq[i].targets = targets;
            changed |= 1u << (offset % 32u + i);
        }
    }
    if (changed != 0) {
        vgic_mark(v, index, changed);
    }
    dist_unlock(v);
    changed &= vgic_shared_bank(v->d->arch.vgic.state, index)->enabled;
    if (changed != 0) {
        vgic_update_host(v->d, index, changed);
    }
}

/* Two bits for each interrupt, of which the upper one says edge [GICv2 4.3.13]. */
static uint32_t config_read(struct vcpu *v, uint32_t offset)
{
    const struct vgic_bank *b = vgic_bank(v, offset / 8u);
    uint32_t edge, value = 0, i;

    if (b == NULL) {
        return 0;
    }
    edge = b->edge >> (offset % 8u * 4u);
    for (i = 0; i < 16; i++) {
        value |= (edge >> i & 1u) << (2u * i + 1u);
    }
    return value;
}

static void config_write(struct vcpu *v, uint32_t offset, uint32_t value, uint32_t mask __unused)
{
    struct vgic_bank *b = vgic_bank(v, offset / 8u);
    uint32_t shift = offset % 8u * 4u, edge = 0, i;

    if (b == NULL || offset == 0) {
        return;
    }
    for (i = 0; i < 16; i++) {
        edge |= (value >> (2u * i + 1u) & 1u) << i;
    }
    dist_lock(v);
    b->edge = (b->edge & ~(0xffffu << shift)) | edge << shift;
    spin_unlock(&v->d->arch.vgic.state->lock);
}

/* Peripheral and component identification of GIC-400, as its manual has them. */
static uint32_t id_read(struct vcpu *v __unused, uint32_t offset)
{
    static const uint8_t id[32] = {
        [20] = 0x04, [24] = 0x90, [25] = 0xb4, [26] = 0x2b,
        [28] = 0x0d, [29] = 0xf0, [30] = 0x05, [31] = 0xb1,
    };

    return id[offset / 4u % 32u];
}

static const struct dist_row dist_rows[32] = {
    [GICD_CTLR >> 7] = {.read = ctlr_read, .write = ctlr_write, .base = GICD_CTLR},
    [GICD_ISENABLER >> 7] = {.read = enable_read, .write = enable_write, .base = GICD_ISENABLER},
    [GICD_ICENABLER >> 7] = {.read = enable_read, .write = disable_write, .base = GICD_ICENABLER},
    [GICD_ISPENDR >> 7] = {.read = pending_read, .write = pending_set, .base = GICD_ISPENDR},
    [GICD_ICPENDR >> 7] = {.read = pending_read, .write = pending_clear, .base = GICD_ICPENDR},
    [GICD_ISACTIVER >> 7] = {.read = active_read, .write = active_set, .base = GICD_ISACTIVER},
    [GICD_ICACTIVER >> 7] = {.read = active_read, .write = active_clear, .base = GICD_ICACTIVER},
    [GICD_IPRIORITYR >> 7 ...(GICD_ITARGETSR >> 7) - 1] = {.read = priority_read,
                                                           .write = priority_write,
                                                           .base = GICD_IPRIORITYR,
                                                           .bytes = true},
    [GICD_ITARGETSR >>
     7 ...(GICD_ICFGR >> 7) -
         1] = {.read = target_read, .write = target_write, .base = GICD_ITARGETSR, .bytes = true},
    [GICD_ICFGR >>
     7 ...(GICD_ICFGR >> 7) + 1] = {.read = config_read, .write = config_write, .base = GICD_ICFGR},
    [GICD_SGIR >>
     7] = {.read = vgic_sgi_read, .write = vgic_sgi_write, .base = GICD_SGIR, .bytes = true},
    [0xf80 >> 7] = {.read = id_read, .base = 0xf80},
};

enum mmio_result vgic_dist_access(struct vcpu *v, struct mmio_access *a, uint64_t offset,
                                  void *data __unused)
{
    const struct dist_row *row = &dist_rows[offset >> 7 & 31u];
    uint32_t word = ((uint32_t)offset & ~3u) - row->base, shift = (uint32_t)(offset & 3u) * 8u,
             mask = UINT32_MAX;

    if (a->size != 4) {
        if (a->size != 1 || !row->bytes || (offset < GICD_CPENDSGIR && offset >= GICD_SGIR)) {
            return MMIO_ERROR;
        }
        mask = 0xffu << shift;
    }
    if (a->write) {
        if (row->write != NULL) {
            row->write(v, word, (uint32_t)a->data << shift, mask);
        }
    } else {
        a->data = row->read == NULL ? 0 : (row->read(v, word) & mask) >> shift;
    }
    return MMIO_HANDLED;
}
