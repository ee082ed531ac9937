/* SPDX-License-Identifier: Apache-2.0 */
/* Port side of <arch/domain.h>: nothing inline. */
#pragma once

#include <public/arch-arm.h>

#define ARCH_DT_CPU_COMPATIBLE "arm,armv8"
#define ARCH_VUART_BASE        GUEST_PL011_BASE
#define ARCH_VUART_IRQ         GUEST_VPL011_SPI
