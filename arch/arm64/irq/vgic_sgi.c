/* Software interrupts in the distributor that a guest sees [GICv2 4.3.15-4.3.17]. */
#include <asm/vgic_dist.h>
#include <xen/bitops.h>

static void sgir_write(struct dist_access *a)
{
    struct vcpu *v = a->v;
    uint32_t targets = a->value >> 16 & 0xffu, filter = a->value >> 24 & 3u;

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
            vgic_inject_sgi(t, a->value & 0xfu, v->id);
        }
    }
}

/* GICD_SGIR, GICD_CPENDSGIR, GICD_SPENDSGIR: a byte of sources for each software interrupt. */
uint32_t vgic_sgi_read(struct dist_access *a)
{
    const struct vgic_irq *irq = &a->v->arch.vgic.own.irq[a->offset % 16u & ~3u];
    uint32_t offset = a->offset + GICD_SGIR, value;

    if (offset < GICD_CPENDSGIR || offset >= GICD_SPENDSGIR + GIC_NR_SGIS) {
        return 0;
    }
    dist_lock(a);
    vgic_pull(a->v);
    value = (uint32_t)irq[0].targets | (uint32_t)irq[1].targets << 8 | (uint32_t)irq[2].targets << 16 |
            (uint32_t)irq[3].targets << 24;
    dist_unlock(a);
    return value;
}

void vgic_sgi_write(struct dist_access *a)
{
    struct vgic_bank *b = &a->v->arch.vgic.own;
    uint32_t offset = a->offset + GICD_SGIR, first = a->offset % 16u & ~3u, i;

    if (offset == GICD_SGIR) {
        sgir_write(a);
        return;
    }
    if (offset < GICD_CPENDSGIR || offset >= GICD_SPENDSGIR + GIC_NR_SGIS) {
        return;
    }
    dist_lock(a);
    vgic_pull(a->v);
    for (i = 0; i < 4; i++) {
        struct vgic_irq *irq = &b->irq[first + i];
        uint8_t sources = (uint8_t)(a->value >> (8u * i) & ((1u << a->v->d->max_vcpus) - 1u));

        irq->targets = (uint8_t)(offset < GICD_SPENDSGIR ? irq->targets & ~sources : irq->targets | sources);
        b->pending = irq->targets != 0 ? b->pending | 1u << (first + i) : b->pending & ~(1u << (first + i));
    }
    vgic_mark(a->v, 0, 0xfu << first);
    dist_unlock(a);
}
