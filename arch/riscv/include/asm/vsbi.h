/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SBI that guests see [RVSBI]: one file per extension in vsbi/. The table in vsbi.c has a row
 * for each.
 */
#pragma once

#include <arch/vcpu.h>
#include <asm/sbi.h>
#include <xen/compiler.h>
#include <xen/types.h>

struct vcpu;

/* One ecall of v (from VS-mode), fast path: a0-a7 are in v->arch.regs; sepc already points behind
 * it. */
void vsbi_call(struct vcpu *v);

/* A call of an extension: `args` are a0..a7 of the guest. The result is SBI_SUCCESS or SBI_ERR_*;
 * *value, which is 0, may get a value. */
typedef long vsbi_fn(struct vcpu *v, uint64_t function, const uint64_t *args, uint64_t *value);

vsbi_fn vsbi_time, vsbi_ipi, vsbi_rfence, vsbi_hsm, vsbi_srst, vsbi_dbcn;

/* The calls of SBI 0.1, an extension each. */
vsbi_fn vsbi_legacy;

/* What several files share. */

/*
 * The vCPUs, bit per id, of a hart mask and its base [RVSBI 3.1]; base -1: all. false: one of them
 * is no hart of the domain. Slots without a vCPU count as harts that are stopped.
 */
bool __must_check vsbi_harts(const struct vcpu *v, uint64_t mask, uint64_t base, uint64_t *harts);

/* The guest makes this very call again: what the call returns is a0 and a1 as they were. */
static inline long vsbi_repeat(struct vcpu *v, const uint64_t *args, uint64_t *value)
{
    arch_hypercall_repeat(v);
    *value = args[1];
    return (long)args[0];
}

/* One character to v's console; waits for room. SBI_SUCCESS, SBI_ERR_FAILED: nobody takes it. */
long vsbi_put(struct vcpu *v, char c, const uint64_t *args, uint64_t *value);
