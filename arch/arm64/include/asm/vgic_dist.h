/*
 * The emulated distributor, between its files. A read has the offset of the word from its row's
 * first register; a write also the word and the mask of the bits that are accessed.
 */
#pragma once

#include <asm/vgic_state.h>

static inline void dist_lock(const struct vcpu *v)
{
    spin_lock(&v->d->arch.vgic.state->lock);
}

/* End of a change: what it made deliverable on this CPU goes out at once. */
static inline void dist_unlock(struct vcpu *v)
{
    if (v->arch.vgic.work != 0) {
        vgic_refill(v);
    }
    spin_unlock(&v->d->arch.vgic.state->lock);
}

/* vgic_sgi.c: GICD_SGIR, GICD_CPENDSGIR, GICD_SPENDSGIR. */
uint32_t vgic_sgi_read(struct vcpu *v, uint32_t offset);
void vgic_sgi_write(struct vcpu *v, uint32_t offset, uint32_t value, uint32_t mask);
