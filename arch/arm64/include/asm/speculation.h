/* SPDX-License-Identifier: Apache-2.0 */
/* What CPUs and guests do against branch prediction and store bypass that others can steer. */
#pragma once

#include <xen/types.h>

struct cpu;

/* Choose what the calling CPU's entries from guests do (c->arch.harden). c: the calling CPU. */
void speculation_init_cpu(struct cpu *c);
/* What SMCCC_ARCH_FEATURES tells guests of SMCCC_ARCH_WORKAROUND_1, 2 or 3. All CPUs are up. */
int32_t speculation_answer(uint32_t workaround);
