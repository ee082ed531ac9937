/* SPDX-License-Identifier: Apache-2.0 */
/* Port side of <arch/irq.h>: nothing inline; the driver is <asm/gicv2.h>, the virtual controller
 * <asm/vgic_state.h>. */
#pragma once
