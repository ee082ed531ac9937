/* SPDX-License-Identifier: Apache-2.0 */
/* Port side of <arch/domain.h>: nothing inline. */
#pragma once

#define ARCH_DT_CPU_COMPATIBLE "riscv"
#define ARCH_VUART_BASE        0u /* none: the SBI has a console */
#define ARCH_VUART_IRQ         0u
