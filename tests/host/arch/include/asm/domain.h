/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Third port: nothing inline, see port/domain.c.
 */
#pragma once

#define ARCH_DT_CPU_COMPATIBLE "test,cpu"
#define ARCH_VUART_BASE        0x22000000u
#define ARCH_VUART_IRQ         33u
