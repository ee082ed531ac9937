/* SPDX-License-Identifier: Apache-2.0 */
/*
 * State of a vCPU's timers that is embedded in struct arch_vcpu as `struct vtimer timer`. Plain
 * types only: <asm/types.h> includes this. struct arch_domain has `uint64_t cntvoff`.
 */
#pragma once

#include <xen/types.h>

struct vtimer_deadlines; /* the hypervisor timers that stand in for them */

struct vtimer {
    uint64_t virt_cval; /* CNTV_* while the vCPU is not loaded */
    uint64_t virt_ctl;
    uint64_t phys_cval; /* CNTP_*, always emulated */
    uint64_t phys_ctl;
    struct vtimer_deadlines *deadlines;
};
