/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Register offsets of a GICv2 [GICv2 4.1.2, 4.1.3].
 */
#pragma once

#include <port/arm64.h>

enum {
    GIC_FIRST_SPI = 32,
    GIC_MAX_IRQ = 1020,

    GICD_CTLR = 0x000,
    GICD_TYPER = 0x004,
    GICD_IIDR = 0x008,
    GICD_IGROUPR = 0x080,
    GICD_ISENABLER = 0x100,
    GICD_ICENABLER = 0x180,
    GICD_ISPENDR = 0x200,
    GICD_ICPENDR = 0x280,
    GICD_ISACTIVER = 0x300,
    GICD_ICACTIVER = 0x380,
    GICD_IPRIORITYR = 0x400,
    GICD_ITARGETSR = 0x800,
    GICD_ICFGR = 0xc00,
    GICD_NSACR = 0xe00,
    GICD_SGIR = 0xf00,
    GICD_CPENDSGIR = 0xf10,
    GICD_SPENDSGIR = 0xf20,
    GICD_ICPIDR2 = 0xfe8,

    GICC_CTLR = 0x00,
    GICC_PMR = 0x04,
    GICC_BPR = 0x08,
    GICC_IAR = 0x0c,
    GICC_EOIR = 0x10,
    GICC_RPR = 0x14,
    GICC_HPPIR = 0x18,
    GICC_IIDR = 0xfc,
    GICC_DIR = 0x1000
};

/* Finds the controller; then, on each CPU, switches it on. */
void gic_find(void);
void gic_cpu_init(void);
void gic_interrupt(struct trap_frame *frame);
