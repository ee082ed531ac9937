/* The emulated distributor, between its files: an access, and the lock around what it changes. */
#pragma once

#include <asm/vgic_state.h>

struct dist_access {
    struct vcpu *v;
    struct vgic *g;
    uint32_t offset; /* of the word, from the start of the row's register */
    uint32_t value;  /* written */
    uint32_t mask;   /* bits of it that are accessed */
};

static inline void dist_lock(const struct dist_access *a)
{
    spin_lock(&a->g->lock);
}

/* End of a change: what it made deliverable on this CPU goes out at once. */
static inline void dist_unlock(const struct dist_access *a)
{
    if (a->v->arch.vgic.work != 0) {
        vgic_refill(a->v);
    }
    spin_unlock(&a->g->lock);
}

/* vgic_sgi.c: GICD_SGIR, GICD_CPENDSGIR, GICD_SPENDSGIR. */
uint32_t vgic_sgi_read(struct dist_access *a);
void vgic_sgi_write(struct dist_access *a);
