/*
 * The distributor that a guest sees [GICv2 4.3]: one row per 128 bytes of registers, a function for reads and one for writes.
 * Reserved space reads as zero and ignores writes; an access of a size that the architecture does not allow is an abort.
 */
#include <asm/vgic_dist.h>
#include <xen/bitops.h>

#define DIST_IIDR 0x0000043bu /* Arm */

struct dist_row {
    uint32_t (*read)(struct dist_access *a);
    void (*write)(struct dist_access *a);
    uint32_t base;  /* offset of the first register */
    bool bytes;     /* byte access allowed [GICv2 4.1.4] */
};

static struct vgic_bank *dist_bank(const struct dist_access *a)
{
    return vgic_bank(a->v, a->offset / 4u);
}

static uint32_t ctlr_read(struct dist_access *a)
{
    switch (a->offset) {
    case GICD_CTLR:
        return a->g->ctlr;
    case GICD_TYPER:
        return (a->g->nr_banks - 1u) | (a->v->d->max_vcpus - 1u) << 5;
    case GICD_IIDR:
        return DIST_IIDR;
    default:
        return 0;
    }
}

/* Everything that every vCPU has in its list registers leaves them (off), or may come back (on). */
static void ctlr_write(struct dist_access *a)
{
    struct domain *d = a->v->d;
    uint32_t i, index;

    if (a->offset != GICD_CTLR) {
        return;
    }
    dist_lock(a);
    if (a->g->ctlr != (a->value & 1u)) {
        a->g->ctlr = a->value & 1u;
        for (i = 0; i < d->max_vcpus; i++) {
            struct vcpu *t = domain_vcpu(d, i);

            if (t == NULL) {
                continue;
            }
            for (index = 0; index < a->g->nr_banks; index++) {
                if (a->g->ctlr == 0) {
                    vgic_request_pull(d, vgic_bank(t, index), UINT32_MAX);
                } else {
                    vgic_mark(t, index, UINT32_MAX);
                }
            }
        }
    }
    dist_unlock(a);
}

static uint32_t enable_read(struct dist_access *a)
{
    const struct vgic_bank *b = dist_bank(a);

    return b == NULL ? 0 : b->enabled;
}

static void enable_write(struct dist_access *a)
{
    struct vgic_bank *b = dist_bank(a);
    uint32_t change;

    if (b == NULL) {
        return;
    }
    dist_lock(a);
    change = a->value & ~b->enabled;
    if (change != 0) {
        b->enabled |= change;
        vgic_mark(a->v, a->offset / 4u, change);
    }
    dist_unlock(a);
    if (a->offset != 0 && (change & b->hw) != 0) {
        vgic_update_host(a->v->d, a->offset / 4u, change);
    }
}

static void disable_write(struct dist_access *a)
{
    struct vgic_bank *b = dist_bank(a);
    uint32_t change;

    if (b == NULL) {
        return;
    }
    dist_lock(a);
    change = a->value & b->enabled;
    if (a->offset == 0) {
        change &= ~0xffffu;
    }
    b->enabled &= ~change;
    vgic_request_pull(a->v->d, b, change);
    dist_unlock(a);
    if (a->offset != 0 && (change & b->hw) != 0) {
        vgic_update_host(a->v->d, a->offset / 4u, change);
    }
}

static uint32_t pending_read(struct dist_access *a)
{
    struct vgic_bank *b = dist_bank(a);
    uint32_t value;

    if (b == NULL) {
        return 0;
    }
    dist_lock(a);
    value = b->pending | (b->line & ~b->edge) | vgic_lr_states(a->v->d, a->offset / 4u, b, LR_PENDING);
    spin_unlock(&a->g->lock);
    return value;
}

static void pending_set(struct dist_access *a)
{
    struct vgic_bank *b = dist_bank(a);

    if (b == NULL) {
        return;
    }
    dist_lock(a);
    a->value &= a->offset == 0 ? ~0xffffu : UINT32_MAX; /* software interrupts: GICD_SPENDSGIR */
    b->pending |= a->value;
    vgic_mark(a->v, a->offset / 4u, a->value);
    dist_unlock(a);
}

/* Interrupts of b that were pending for the host too are over there. */
static void dist_host_end(const struct dist_access *a, const struct vgic_bank *b, uint32_t bits)
{
    for (bits &= b->hw & ~b->in_lr & ~b->pending & ~b->active; bits != 0; bits &= bits - 1u) {
        vgic_host_end(a->v, &b->irq[ctz64(bits)]);
    }
}

static void pending_clear(struct dist_access *a)
{
    struct vgic_bank *b = dist_bank(a);
    uint32_t change;

    if (b == NULL) {
        return;
    }
    dist_lock(a);
    a->value &= a->offset == 0 ? ~0xffffu : UINT32_MAX;
    b->drop_pending |= a->value & b->in_lr;
    vgic_request_pull(a->v->d, b, a->value);
    change = a->value & b->pending & (b->edge | ~b->line);
    b->pending &= ~change;
    dist_host_end(a, b, change);
    dist_unlock(a);
}

static uint32_t active_read(struct dist_access *a)
{
    struct vgic_bank *b = dist_bank(a);
    uint32_t value;

    if (b == NULL) {
        return 0;
    }
    dist_lock(a);
    value = b->active | vgic_lr_states(a->v->d, a->offset / 4u, b, LR_ACTIVE);
    spin_unlock(&a->g->lock);
    return value;
}

static void active_set(struct dist_access *a)
{
    struct vgic_bank *b = dist_bank(a);
    uint32_t bits;

    if (b == NULL) {
        return;
    }
    dist_lock(a);
    vgic_request_pull(a->v->d, b, a->value);
    b->active |= a->value;
    for (bits = a->value; bits != 0; bits &= bits - 1u) {
        struct vcpu *t = a->offset == 0 ? a->v : vgic_target(a->v->d, b, ctz64(bits));

        if (t != NULL) {
            t->arch.vgic.work |= 1u << a->offset / 4u;
        }
    }
    dist_unlock(a);
}

static void active_clear(struct dist_access *a)
{
    struct vgic_bank *b = dist_bank(a);
    uint32_t change;

    if (b == NULL) {
        return;
    }
    dist_lock(a);
    b->drop_active |= a->value & b->in_lr;
    vgic_request_pull(a->v->d, b, a->value);
    change = a->value & b->active;
    b->active &= ~change;
    dist_host_end(a, b, change);
    vgic_mark(a->v, a->offset / 4u, change);
    dist_unlock(a);
}

/* Four interrupts in a word: those of the bank from n on. */
static struct vgic_irq *dist_four(const struct dist_access *a)
{
    struct vgic_bank *b = vgic_bank(a->v, a->offset / 32u);

    return b == NULL ? NULL : &b->irq[a->offset % 32u];
}

static uint32_t priority_read(struct dist_access *a)
{
    const struct vgic_irq *irq = dist_four(a);

    return irq == NULL ? 0
                       : (uint32_t)irq[0].priority | (uint32_t)irq[1].priority << 8 | (uint32_t)irq[2].priority << 16 |
                             (uint32_t)irq[3].priority << 24;
}

/* Counts from the next time that the interrupt goes to a list register. 32 levels, as list registers have. */
static void priority_write(struct dist_access *a)
{
    struct vgic_irq *irq = dist_four(a);
    unsigned int i;

    for (i = 0; irq != NULL && i < 4; i++) {
        if ((a->mask >> (8u * i) & 0xffu) != 0) {
            irq[i].priority = (uint8_t)(a->value >> (8u * i) & 0xf8u);
        }
    }
}

static uint32_t target_read(struct dist_access *a)
{
    const struct vgic_irq *irq = dist_four(a);

    if (a->offset < GIC_NR_PRIVATE) {
        return 0x01010101u << a->v->id;
    }
    return irq == NULL ? 0
                       : (uint32_t)irq[0].targets | (uint32_t)irq[1].targets << 8 | (uint32_t)irq[2].targets << 16 |
                             (uint32_t)irq[3].targets << 24;
}

/* A target that does not exist changes nothing, as in Xen. */
static void target_write(struct dist_access *a)
{
    struct vgic_irq *irq = dist_four(a);
    uint32_t valid = (1u << a->v->d->max_vcpus) - 1u, index = a->offset / 32u, changed = 0, i;

    if (irq == NULL || a->offset < GIC_NR_PRIVATE) {
        return;
    }
    dist_lock(a);
    for (i = 0; i < 4; i++) {
        uint8_t targets = (uint8_t)(a->value >> (8u * i) & valid);

        if ((a->mask >> (8u * i) & 0xffu) != 0 && targets != 0 && irq[i].targets != targets) {
            irq[i].targets = targets;
            changed |= 1u << (a->offset % 32u + i);
        }
    }
    if (changed != 0) {
        vgic_mark(a->v, index, changed);
    }
    dist_unlock(a);
    changed &= a->g->spi[index - 1u].enabled;
    if (changed != 0) {
        vgic_update_host(a->v->d, index, changed);
    }
}

/* Two bits for each interrupt, of which the upper one says edge [GICv2 4.3.13]. */
static uint32_t config_read(struct dist_access *a)
{
    const struct vgic_bank *b = vgic_bank(a->v, a->offset / 8u);
    uint32_t edge, value = 0, i;

    if (b == NULL) {
        return 0;
    }
    edge = b->edge >> (a->offset % 8u * 4u);
    for (i = 0; i < 16; i++) {
        value |= (edge >> i & 1u) << (2u * i + 1u);
    }
    return value;
}

static void config_write(struct dist_access *a)
{
    struct vgic_bank *b = vgic_bank(a->v, a->offset / 8u);
    uint32_t shift = a->offset % 8u * 4u, edge = 0, i;

    if (b == NULL || a->offset == 0) {
        return;
    }
    for (i = 0; i < 16; i++) {
        edge |= (a->value >> (2u * i + 1u) & 1u) << i;
    }
    dist_lock(a);
    b->edge = (b->edge & ~(0xffffu << shift)) | edge << shift;
    spin_unlock(&a->g->lock);
}

/* Peripheral and component identification of GIC-400 [GIC-400 TRM 3.3.19]. */
static uint32_t id_read(struct dist_access *a)
{
    static const uint8_t id[12] = {0x04, 0, 0, 0, 0x90, 0xb4, 0x2b, 0, 0x0d, 0xf0, 0x05, 0xb1};
    uint32_t offset = a->offset + 0xf80u;

    return offset < GICD_ID_FIRST ? 0 : id[(offset - GICD_ID_FIRST) / 4u];
}

static const struct dist_row dist_rows[32] = {
    [GICD_CTLR >> 7] = {.read = ctlr_read, .write = ctlr_write, .base = GICD_CTLR},
    [GICD_ISENABLER >> 7] = {.read = enable_read, .write = enable_write, .base = GICD_ISENABLER},
    [GICD_ICENABLER >> 7] = {.read = enable_read, .write = disable_write, .base = GICD_ICENABLER},
    [GICD_ISPENDR >> 7] = {.read = pending_read, .write = pending_set, .base = GICD_ISPENDR},
    [GICD_ICPENDR >> 7] = {.read = pending_read, .write = pending_clear, .base = GICD_ICPENDR},
    [GICD_ISACTIVER >> 7] = {.read = active_read, .write = active_set, .base = GICD_ISACTIVER},
    [GICD_ICACTIVER >> 7] = {.read = active_read, .write = active_clear, .base = GICD_ICACTIVER},
    [GICD_IPRIORITYR >> 7 ... (GICD_ITARGETSR >> 7) - 1] =
        {.read = priority_read, .write = priority_write, .base = GICD_IPRIORITYR, .bytes = true},
    [GICD_ITARGETSR >> 7 ... (GICD_ICFGR >> 7) - 1] =
        {.read = target_read, .write = target_write, .base = GICD_ITARGETSR, .bytes = true},
    [GICD_ICFGR >> 7 ... (GICD_ICFGR >> 7) + 1] = {.read = config_read, .write = config_write, .base = GICD_ICFGR},
    [GICD_SGIR >> 7] = {.read = vgic_sgi_read, .write = vgic_sgi_write, .base = GICD_SGIR, .bytes = true},
    [0xf80 >> 7] = {.read = id_read, .base = 0xf80},
};

enum mmio_result vgic_dist_access(struct vcpu *v, struct mmio_access *a, uint64_t offset, void *data)
{
    const struct dist_row *row = &dist_rows[offset >> 7 & 31u];
    uint32_t shift = (uint32_t)(offset & 3u) * 8u;
    struct dist_access access = {.v = v, .g = v->d->arch.vgic.state};

    (void)data;
    if (a->size != 4 && (a->size != 1 || !row->bytes || (offset < GICD_CPENDSGIR && offset >= GICD_SGIR))) {
        return MMIO_ERROR;
    }
    access.offset = ((uint32_t)offset & ~3u) - row->base;
    if (!a->write) {
        a->data = row->read == NULL ? 0 : row->read(&access) >> shift;
        a->data &= a->size == 1 ? 0xffu : UINT32_MAX;
        return MMIO_HANDLED;
    }
    access.value = (uint32_t)a->data << shift;
    access.mask = (a->size == 1 ? 0xffu : UINT32_MAX) << shift;
    if (row->write != NULL) {
        row->write(&access);
    }
    return MMIO_HANDLED;
}
