/* Moving the state of a vCPU's interrupts on and off a CPU: list registers, CPU interface. */
#include <asm/vgic_state.h>
#include <xen/bitops.h>

void vgic_save(struct vcpu *v)
{
    struct arch_vgic_vcpu *s = &v->arch.vgic;
    uint32_t bits, empty = 0;

    spin_lock(&v->d->arch.vgic.state->lock);
    if (s->lr_used != 0) {
        empty = vgic_lr_empty(v);
    }
    for (bits = s->lr_used; bits != 0; bits &= bits - 1u) {
        unsigned int i = ctz64(bits);

        if ((empty & 1u << i) != 0) {
            vgic_retire(v, i);
        } else {
            s->lr[i] = gich_read(GICH_LR(i));
            gich_write(GICH_LR(i), 0);
        }
    }
    s->vmcr = gich_read(GICH_VMCR);
    s->apr = gich_read(GICH_APR);
    s->loaded = NULL;
    spin_unlock(&v->d->arch.vgic.state->lock);
}

/* Host interrupts that go to v follow it to this CPU. */
static void vgic_follow(struct vcpu *v)
{
    struct domain *d = v->d;
    uint32_t index;

    v->arch.vgic.routed = this_cpu();
    for (index = 1; index < d->arch.vgic.state->nr_banks; index++) {
        struct vgic_bank *b = &d->arch.vgic.state->spi[index - 1u];
        uint32_t bits = b->hw & b->enabled, mine = 0;

        for (; bits != 0; bits &= bits - 1u) {
            mine |= vgic_target(d, b, ctz64(bits)) == v ? bits & -bits : 0;
        }
        if (mine != 0) {
            vgic_update_host(d, index, mine);
        }
    }
}

void vgic_load(struct vcpu *v)
{
    struct arch_vgic_vcpu *s = &v->arch.vgic;
    uint32_t bits;

    if (s->routed != this_cpu()) {
        vgic_follow(v);
    }
    spin_lock(&v->d->arch.vgic.state->lock);
    s->loaded = this_cpu();
    for (bits = s->lr_used; bits != 0; bits &= bits - 1u) {
        gich_write(GICH_LR(ctz64(bits)), s->lr[ctz64(bits)]);
    }
    gich_write(GICH_VMCR, s->vmcr);
    gich_write(GICH_APR, s->apr);
    gich_write(GICH_HCR, s->hcr);
    spin_unlock(&v->d->arch.vgic.state->lock);
}
