/* Software interrupts in the distributor that a guest sees [GICv2 4.3.15-4.3.17]. */
#include <asm/vgic_dist.h>
#include <xen/bitops.h>

/* Offsets from the row's first register. */
#define CPENDSGIR (GICD_CPENDSGIR - GICD_SGIR)
#define SPENDSGIR (GICD_SPENDSGIR - GICD_SGIR)

static void sgir_write(struct vcpu *v, uint32_t value)
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

/* GICD_SGIR, GICD_CPENDSGIR, GICD_SPENDSGIR: a byte of sources for each software interrupt. */
uint32_t vgic_sgi_read(struct vcpu *v, uint32_t offset)
{
    const struct vgic_irq *irq = &v->arch.vgic.own.irq[offset % 16u];
    uint32_t value;

    if (offset < CPENDSGIR || offset >= SPENDSGIR + GIC_NR_SGIS) {
        return 0;
    }
    dist_lock(v);
    vgic_pull(v);
    value = (uint32_t)irq[0].targets | (uint32_t)irq[1].targets << 8 |
            (uint32_t)irq[2].targets << 16 | (uint32_t)irq[3].targets << 24;
    dist_unlock(v);
    return value;
}

void vgic_sgi_write(struct vcpu *v, uint32_t offset, uint32_t value, uint32_t mask __unused)
{
    struct vgic_bank *b = &v->arch.vgic.own;
    uint32_t first = offset % 16u, i;

    if (offset == 0) {
        sgir_write(v, value);
        return;
    }
    if (offset < CPENDSGIR || offset >= SPENDSGIR + GIC_NR_SGIS) {
        return;
    }
    dist_lock(v);
    vgic_pull(v);
    for (i = 0; i < 4; i++) {
        struct vgic_irq *irq = &b->irq[first + i];
        uint8_t sources = (uint8_t)(value >> (8u * i) & ((1u << v->d->max_vcpus) - 1u));

        irq->targets =
            (uint8_t)(offset < SPENDSGIR ? irq->targets & ~sources : irq->targets | sources);
        b->pending =
            irq->targets != 0 ? b->pending | 1u << (first + i) : b->pending & ~(1u << (first + i));
    }
    vgic_mark(v, 0, 0xfu << first);
    dist_unlock(v);
}
