/* SPDX-License-Identifier: Apache-2.0 */
/* Port side of <arch/vcpu.h>. struct arch_vcpu is the first member of struct vcpu, so a pointer to
 * one is a pointer to the other. */
#pragma once

#include <asm/types.h>

struct vcpu;

static inline uint64_t arch_hypercall_nr(const struct vcpu *v)
{
    return ((const struct arch_vcpu *)(const void *)v)->regs.x[16];
}

static inline uint64_t *arch_hypercall_args(struct vcpu *v)
{
    return ((struct arch_vcpu *)(void *)v)->regs.x;
}

static inline void arch_hypercall_set_result(struct vcpu *v, long result)
{
    ((struct arch_vcpu *)(void *)v)->regs.x[0] = (uint64_t)result;
}

/* fp.S: the FP/SIMD registers to and from memory. */
void fp_save(struct vcpu_fp *fp);
void fp_load(const struct vcpu_fp *fp);

/* serror.S: take the SError that is pending; only when all registers of a guest are saved. */
void serror_take(void);

/* What each CPU needs for guests: EL2's trap configuration, interrupts that serve them. */
void vcpu_init_cpu(void);
