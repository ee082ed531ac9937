/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GICv2 as a guest sees it [GICv2 4, 5]: distributor, CPU interface, handlers.
 */
#include <guest/dt.h>
#include <guest/test.h>
#include <port/arm64.h>
#include <port/gicv2.h>

static struct {
    uint64_t distributor;
    uint64_t cpu_interface;
    port_irq_fn *handler[GIC_MAX_IRQ];
} gic;

void (*gic_fast_handler)(uint64_t stamp);

uint64_t gic_distributor(void)
{
    return gic.distributor;
}

uint64_t gic_cpu_interface(void)
{
    return gic.cpu_interface;
}

void gic_find(void)
{
    uint64_t size;
    dt_node node = dt_compatible(NULL, "arm,cortex-a15-gic");
    if (!node || !dt_reg(node, 0, &gic.distributor, &size) ||
        !dt_reg(node, 1, &gic.cpu_interface, &size)) {
        give_up("no GICv2 in the device tree");
    }
}

void gic_cpu_init(void)
{
    write32(gic.distributor + GICD_CTLR, 1);
    write32(gic.cpu_interface + GICC_PMR, 0xff);
    write32(gic.cpu_interface + GICC_CTLR, 1);
}

void port_irq_handle(unsigned int irq, port_irq_fn *handler)
{
    gic.handler[irq] = handler;
    write8(gic.distributor + GICD_IPRIORITYR + irq, 0xa0);
    if (irq >= GIC_FIRST_SPI) {
        write8(gic.distributor + GICD_ITARGETSR + irq, 1);
    }
    write32(gic.distributor + (handler ? GICD_ISENABLER : GICD_ICENABLER) + irq / 32 * 4,
            1U << (irq % 32));
}

void gic_interrupt(struct trap_frame *frame)
{
    if (gic_fast_handler) {
        gic_fast_handler(frame->stamp);
        return;
    }
    for (;;) {
        uint32_t acknowledge = read32(gic.cpu_interface + GICC_IAR);
        unsigned int irq = acknowledge & 0x3ff;
        if (irq >= GIC_MAX_IRQ) {
            return;
        }
        if (!gic.handler[irq]) {
            give_up("interrupt without a handler");
        }
        gic.handler[irq](irq);
        write32(gic.cpu_interface + GICC_EOIR, acknowledge);
    }
}

void port_ipi(unsigned int cpu, unsigned int ipi)
{
    /* What was written before must be seen by the CPU that takes the interrupt. */
    __asm__ volatile("dsb ishst" ::: "memory");
    write32(gic.distributor + GICD_SGIR, 1U << (16 + cpu) | ipi);
}
