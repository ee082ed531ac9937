/*
 * State of the virtual GICv2 that is embedded in struct arch_vcpu and struct arch_domain. Plain
 * types only: <asm/types.h> includes this. Locking and meaning: <asm/vgic_state.h> and
 * arch/arm64/irq/vgic.c.
 *
 * struct arch_vcpu has `struct arch_vgic_vcpu vgic`, struct arch_domain has `struct
 * arch_vgic_domain vgic`.
 */
#pragma once

#include <xen/types.h>

#define VGIC_MAX_VCPUS 8u  /* GICv2 addresses eight CPU interfaces [GICv2 2.3.2] */
#define VGIC_MAX_LRS   16u /* list registers used; GIC-400 has 4 */
#define VGIC_MAX_BANKS 32u

struct cpu;
struct vgic;

struct vgic_irq {
    uint8_t priority;
    uint8_t targets; /* SPI: GICD_ITARGETSR. SGI: sources that wait, one bit for each vCPU */
    uint8_t owner;   /* vCPU whose list register holds it (bank.in_lr) */
    uint8_t lr;      /* which one */
    uint16_t host;   /* host interrupt behind it (bank.hw) */
};

/* 32 interrupts as the distributor's registers have them: bank 0 is private to a vCPU. */
struct vgic_bank {
    uint32_t enabled;
    uint32_t pending; /* waits outside the list registers */
    uint32_t active;  /* active outside the list registers: goes back into one when the vCPU runs */
    uint32_t in_lr;   /* in a list register of irq[].owner, or was and its end has not been noticed
                         yet */
    uint32_t line;    /* level of an emulated device's line */
    uint32_t edge;    /* GICD_ICFGR */
    uint32_t hw;      /* a host interrupt is behind it */
    uint32_t drop_pending; /* guest cleared it while it was in a list register: done at the next
                              pull */
    uint32_t drop_active;
    struct vgic_irq irq[32];
};

struct arch_vgic_vcpu {
    struct cpu *loaded; /* CPU whose GICH registers hold this state; NULL: lr[] does */
    uint32_t work;      /* banks that may have something to put into list registers */
    uint32_t lr_used;   /* list registers that were filled */
    uint32_t lr_eoi;    /* those with LR_EOI */
    uint32_t hcr;       /* GICH_HCR */
    uint32_t vmcr;      /* GICH_VMCR and GICH_APR while not loaded */
    uint32_t apr;
    bool pull;                /* read all list registers back before the next flush */
    const struct cpu *routed; /* CPU that its host interrupts go to */
    uint32_t lr[VGIC_MAX_LRS];
    struct vgic_bank own;
};

struct arch_vgic_domain {
    struct vgic *state;
};
