/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proofs' side of <arch/cpu.h>: one CPU. Whoever waits there waits for himself.
 */
#pragma once

extern struct cpu *proof_cpu;

static inline struct cpu *arch_this_cpu(void)
{
    return proof_cpu;
}

static inline void arch_wait_while_equal(const uint32_t *p, uint32_t old)
{
    __CPROVER_assert(*p != old, "CHECK: nobody waits for ever");
    __CPROVER_assume(false);
}

static inline bool arch_cpu_irq_pending(void)
{
    bool nondet_bool(void);

    return nondet_bool();
}
