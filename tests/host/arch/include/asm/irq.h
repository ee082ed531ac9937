/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Third port: interrupts are raised by the test, see port/irq.c.
 */
#pragma once
