/* SPDX-License-Identifier: Apache-2.0 */
/* Port side of <arch/vcpu.h>. struct arch_vcpu is the first member of struct vcpu, so a pointer to
 * one is a pointer to the other. Hypercalls: number in a6, arguments a1-a5, result a0
 * [RISCV-ABI]. */
#pragma once

#include <asm/types.h>

struct vcpu;

#define REG_SP 2
#define REG_A0 10
#define REG_A1 11
#define REG_A6 16
#define REG_A7 17

static inline uint64_t arch_hypercall_nr(const struct vcpu *v)
{
    return ((const struct arch_vcpu *)(const void *)v)->regs.x[REG_A6];
}

static inline uint64_t *arch_hypercall_args(struct vcpu *v)
{
    return &((struct arch_vcpu *)(void *)v)->regs.x[REG_A1];
}

static inline void arch_hypercall_set_result(struct vcpu *v, long result)
{
    ((struct arch_vcpu *)(void *)v)->regs.x[REG_A0] = (uint64_t)result;
}

/* The F and D registers to and from memory (fp.S); only while sstatus.FS is not Off. */
void fp_save(struct vcpu_fp *fp);
void fp_load(const struct vcpu_fp *fp);
/* The V registers to and from fp->v; only where harts have V, while sstatus.VS is not Off. */
void vector_save(struct vcpu_fp *fp);
void vector_load(const struct vcpu_fp *fp);
