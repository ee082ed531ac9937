/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Device-tree values that guests' trees and their pass-through parts agree on.
 */
#pragma once

#define GUEST_PHANDLE_GIC   65000
#define GUEST_PHANDLE_IOMMU 65001

#define GUEST_ROOT_ADDRESS_CELLS 2
#define GUEST_ROOT_SIZE_CELLS    2

/* Interrupt trigger, last cell of a specifier. */
#define DT_IRQ_TYPE_NONE         0x0
#define DT_IRQ_TYPE_EDGE_RISING  0x1
#define DT_IRQ_TYPE_EDGE_FALLING 0x2
#define DT_IRQ_TYPE_EDGE_BOTH    0x3
#define DT_IRQ_TYPE_LEVEL_HIGH   0x4
#define DT_IRQ_TYPE_LEVEL_LOW    0x8
#define DT_IRQ_TYPE_LEVEL_MASK   0xc
#define DT_IRQ_TYPE_SENSE_MASK   0xf
#define DT_IRQ_TYPE_INVALID      0x10
