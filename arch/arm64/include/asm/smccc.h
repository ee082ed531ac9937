/* SPDX-License-Identifier: Apache-2.0 */
/* SMC calling convention [DEN0028F] and the calls of the Arm architecture range that guests
 * make. */
#pragma once

#include <xen/types.h>

#define SMCCC_FAST          (1u << 31)
#define SMCCC_64            (1u << 30)
#define SMCCC_NOT_SUPPORTED (-1)
#define SMCCC_NOT_REQUIRED  (-2)

#define SMCCC_VERSION           0x80000000u
#define SMCCC_ARCH_FEATURES     0x80000001u
#define SMCCC_ARCH_WORKAROUND_1 0x80008000u
#define SMCCC_ARCH_WORKAROUND_2 0x80007fffu
#define SMCCC_ARCH_WORKAROUND_3 0x80003fffu

/* SMCCC_ARCH_FEATURES of a work-around: may be called, but this CPU has no need [DEN0070]. */
#define SMCCC_WORKAROUND_UNNEEDED 1

#define SMCCC_STD_CALL_COUNT 0x8400ff00u
#define SMCCC_STD_CALL_UID   0x8400ff01u
#define SMCCC_STD_REVISION   0x8400ff03u
#define SMCCC_HYP_CALL_COUNT 0x8600ff00u
#define SMCCC_HYP_CALL_UID   0x8600ff01u
#define SMCCC_HYP_REVISION   0x8600ff03u

struct vcpu;

/* A PSCI call in the standard range: true and its result, or false for a function that is not
 * PSCI's (vpsci.c). */
bool vpsci_call(struct vcpu *v, uint32_t function, int64_t *result);
