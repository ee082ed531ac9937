/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's GICv2 [GICv2 4, 5]: registers, and what the virtual one and the trap path need of the
 * driver. Interrupts are taken with EOImode 1: writing EOIR drops the priority, deactivation is a
 * step of its own (DIR, or the guest's end of a hardware-linked interrupt).
 */
#pragma once

#include <xen/compiler.h>
#include <xen/types.h>

struct cpu;

#define GICD_CTLR       0x000u
#define GICD_TYPER      0x004u
#define GICD_IIDR       0x008u
#define GICD_IGROUPR    0x080u
#define GICD_ISENABLER  0x100u
#define GICD_ICENABLER  0x180u
#define GICD_ISPENDR    0x200u
#define GICD_ICPENDR    0x280u
#define GICD_ISACTIVER  0x300u
#define GICD_ICACTIVER  0x380u
#define GICD_IPRIORITYR 0x400u
#define GICD_ITARGETSR  0x800u
#define GICD_ICFGR      0xc00u
#define GICD_SGIR       0xf00u
#define GICD_CPENDSGIR  0xf10u
#define GICD_SPENDSGIR  0xf20u

#define GICC_CTLR         0x0000u
#define GICC_CTLR_ENABLE  (1u << 0)
#define GICC_CTLR_EOIMODE (1u << 9)
#define GICC_PMR          0x0004u
#define GICC_BPR          0x0008u
#define GICC_IAR          0x000cu
#define GICC_EOIR         0x0010u
#define GICC_DIR          0x1000u

#define GICH_HCR     0x000u
#define GICH_HCR_EN  (1u << 0)
#define GICH_HCR_UIE (1u << 1) /* interrupt when at most one list register is in use */
#define GICH_VTR     0x004u
#define GICH_VMCR    0x008u
#define GICH_EISR0   0x020u /* ended, with LR_EOI */
#define GICH_ELSR0   0x030u /* empty; not those of GICH_EISR [GICv2 5.3.7] */
#define GICH_APR     0x0f0u
#define GICH_LR(n)   (0x100u + 4u * (n))

/* List register [GICv2 5.3.12]. */
#define LR_VIRQ(lr)       ((lr) & 0x3ffu)
#define LR_HOST_SHIFT     10 /* with LR_HW: host interrupt */
#define LR_SOURCE_SHIFT   10 /* an SGI's source */
#define LR_SOURCE(lr)     ((lr) >> LR_SOURCE_SHIFT & 7u)
#define LR_EOI            (1u << 19) /* maintenance interrupt when it ends; not with LR_HW */
#define LR_PRIORITY_SHIFT 23
#define LR_PRIORITY       (0x1fu << LR_PRIORITY_SHIFT)
#define LR_STATE_SHIFT    28
#define LR_PENDING        (1u << 28)
#define LR_ACTIVE         (1u << 29)
#define LR_STATE          (LR_PENDING | LR_ACTIVE)
#define LR_HW             (1u << 31)

#define GIC_NR_SGIS    16u
#define GIC_NR_PRIVATE 32u
#define GIC_SPURIOUS   1020u /* and above: nothing to acknowledge */

/* What the device tree and the registers tell. */
struct gicv2 {
    uint8_t *dist, *cpu, *hyp;
    uint32_t nr_irqs;
    uint32_t nr_lrs;
    uint32_t maintenance; /* host interrupt numbers */
    uint32_t hyp_timer;
    uint32_t virt_timer;
    paddr_t dist_pa, cpu_pa, hyp_pa, vcpu_pa;
    uint64_t dist_size, cpu_size, hyp_size, vcpu_size;
    const struct dt_node *node;
};

extern struct gicv2 gic;

static inline uint32_t gic_load(const uint8_t *base, uint32_t offset)
{
    return *(const volatile uint32_t *)(const void *)(base + offset);
}

static inline void gic_store(uint8_t *base, uint32_t offset, uint32_t value)
{
    *(volatile uint32_t *)(void *)(base + offset) = value;
}

#define gicd_read(offset)         gic_load(gic.dist, (offset))
#define gicd_write(offset, value) gic_store(gic.dist, (offset), (value))
#define gicc_read(offset)         gic_load(gic.cpu, (offset))
#define gicc_write(offset, value) gic_store(gic.cpu, (offset), (value))
#define gich_read(offset)         gic_load(gic.hyp, (offset))
#define gich_write(offset, value) gic_store(gic.hyp, (offset), (value))

/* irq_request for a private interrupt of the port's own, on each CPU. */
void gicv2_request(uint32_t irq, void (*fn)(unsigned int irq, void *data));

/* Make a host interrupt inactive although no guest ends it. A private one: of the calling CPU. */
static inline void gicv2_deactivate(uint32_t irq)
{
    gicd_write(GICD_ICACTIVER + irq / 32u * 4u, 1u << (irq % 32u));
}

/* The same, and not pending by an edge either: the next owner begins anew. */
static inline void gicv2_forget(uint32_t irq)
{
    gicd_write(GICD_ICPENDR + irq / 32u * 4u, 1u << (irq % 32u));
    gicv2_deactivate(irq);
}

/*
 * QEMU's GICv2 (hw/intc/arm_gic.c, 10.0) does not look at the host's side when a guest ends an
 * interrupt that a list register ties to a host interrupt. One whose line rose before that end, as
 * a timer's does on a busy host, would wait for the next access to the distributor: any will do.
 */
static inline void gicv2_look_again(void)
{
    gicd_write(GICD_ISENABLER, 0);
}
