/* SPDX-License-Identifier: Apache-2.0 */
/* Port side of <arch/domain.h>: nothing inline. */
#pragma once

#define ARCH_DT_CPU_COMPATIBLE "riscv"
