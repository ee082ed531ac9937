/* SPDX-License-Identifier: Apache-2.0 */
/*
 * State of the virtual GICv2 that struct arch_vcpu and struct arch_domain embed. Plain types only:
 * <asm/types.h> includes this. Functions and locking: <asm/vgic_state.h>.
 *
 * The life of one interrupt:
 *
 *                 raised                      placed
 *       idle -------------------> PENDING -------------------> IN_LR, pending there
 *        ^  <-------------------         <-------------------     | guest reads GICC_IAR
 *        |   cleared (ICPENDR)              withdrawn             v
 *        |                                  placed
 *        |                        ACTIVE  -------------------> IN_LR, active there
 *        |                               <-------------------     | guest writes GICC_EOIR
 *        |                                  withdrawn             v
 *        +---------------------------------------------------- IN_LR, nothing there
 *                 the register is collected                    (raised again: pending there)
 *
 * On the left the state word says what the interrupt is; on the right the list register does, for
 * the guest changes it without us. An interrupt can be pending and active at once, on either side,
 * and PENDING on the left again while it is IN_LR. To place it takes a vCPU that is loaded, and a
 * distributor and, for PENDING, an interrupt that are enabled. It is withdrawn when the guest
 * switches it off or looks at it, or when one of higher priority needs the register; if that is
 * another CPU's, soon: DROP_PENDING and DROP_ACTIVE remember what the guest has cleared meanwhile.
 */
#pragma once

#include <xen/types.h>

#define VGIC_MAX_VCPUS 8u  /* GICv2 addresses eight CPU interfaces [GICv2 2.3.2] */
#define VGIC_MAX_LRS   16u /* list registers used; GIC-400 has 4 */
#define VGIC_WORDS     32u /* of a map with a bit for each interrupt */

struct cpu;
struct vgic;

/* The state word: flags, and a place, which is of IN_LR, or of ACTIVE who must end it. */
#define VGIC_PENDING      (1u << 0) /* outside the list registers; bit as in LR_STATE */
#define VGIC_ACTIVE       (1u << 1) /* the same */
#define VGIC_DROP_PENDING (1u << 2) /* cleared in the register that holds it */
#define VGIC_DROP_ACTIVE  (1u << 3)
#define VGIC_ENABLED      (1u << 4)
#define VGIC_EDGE         (1u << 5) /* GICD_ICFGR */
#define VGIC_LINE         (1u << 6) /* level of an emulated device's line */
#define VGIC_HW           (1u << 7) /* a host interrupt is behind it */
#define VGIC_IN_LR        (1u << 8)
#define VGIC_OWNER_SHIFT  9u  /* vCPU, 3 bits */
#define VGIC_LR_SHIFT     12u /* its list register, 4 bits */

#define VGIC_STATE      (VGIC_PENDING | VGIC_ACTIVE)
#define VGIC_DROP       (VGIC_DROP_PENDING | VGIC_DROP_ACTIVE)
#define VGIC_DROP_SHIFT 2u /* from one to the other */
#define VGIC_FLAGS      ((1u << VGIC_OWNER_SHIFT) - 1u)

#define VGIC_PLACE(vcpu, lr) \
    ((uint32_t)(vcpu) << VGIC_OWNER_SHIFT | (uint32_t)(lr) << VGIC_LR_SHIFT)

struct vgic_irq {
    uint16_t state;
    uint8_t priority; /* bits 7:3, the levels that list registers have */
    union {
        uint8_t targets; /* shared: GICD_ITARGETSR */
        uint8_t sources; /* software interrupt: vCPUs whose instances are VGIC_PENDING */
    };
    union {
        uint16_t host;   /* VGIC_HW: host interrupt behind it */
        uint16_t source; /* software interrupt, VGIC_ACTIVE: vCPU whose instance is active */
    };
};

struct arch_vgic_vcpu {
    struct cpu *loaded;       /* CPU whose GICH registers hold this state; NULL: lr[] does */
    const struct cpu *routed; /* CPU that its host interrupts go to */
    uint32_t work;            /* words of queue[] to look at while the distributor is on */
    uint32_t lr_used;         /* list registers that were filled */
    uint32_t lr_eoi;          /* those with LR_EOI */
    uint32_t hcr;             /* GICH_HCR */
    uint32_t vmcr;            /* GICH_VMCR and GICH_APR while not loaded */
    uint32_t apr;
    bool pull; /* read all list registers back before the next flush */
    uint32_t lr[VGIC_MAX_LRS];
    uint32_t queue[VGIC_WORDS]; /* a bit for each interrupt that waits for a list register */
    struct vgic_irq own[32];    /* private interrupts */
};

struct arch_vgic_domain {
    struct vgic *state;
};
