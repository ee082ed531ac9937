/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System and FP/SIMD registers of a vCPU that is not loaded; embedded in struct arch_vcpu as
 * `struct vcpu_sysregs sys` and `struct vcpu_fp fp`. Guests run in AArch64 at EL1, so what only
 * AArch32 at EL1 could change is not here. Plain types only.
 */
#pragma once

#include <xen/compiler.h>
#include <xen/types.h>

struct vcpu_sysregs {
    uint64_t sctlr, cpacr, ttbr0, ttbr1, tcr, mair, amair, vbar, contextidr;
    uint64_t esr, far, afsr0, afsr1, par;
    uint64_t sp_el0, sp_el1, elr, spsr;
    uint64_t tpidr_el0, tpidrro_el0, tpidr_el1;
    uint64_t cntkctl, csselr, vmpidr;
};

struct vcpu_fp {
    uint64_t q[64]; /* 32 registers of 128 bits */
    uint64_t fpcr, fpsr;
} __aligned(16);
