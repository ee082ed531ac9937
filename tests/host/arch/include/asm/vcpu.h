/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Third port: a vCPU's hypercall is a few fields that the test fills.
 */
#pragma once

struct vcpu;

/* struct arch_vcpu is the first member of struct vcpu. */
static inline uint64_t arch_hypercall_nr(const struct vcpu *v)
{
    return ((const struct arch_vcpu *)(const void *)v)->nr;
}

static inline uint64_t *arch_hypercall_args(struct vcpu *v)
{
    return ((struct arch_vcpu *)(void *)v)->arg;
}

static inline void arch_hypercall_set_result(struct vcpu *v, long result)
{
    ((struct arch_vcpu *)(void *)v)->result = result;
}
