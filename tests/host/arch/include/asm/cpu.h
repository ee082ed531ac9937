/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Third port: a thread plays one CPU at a time, mostly one thread all of them. Whoever waits for
 * another CPU lets that one run.
 */
#pragma once

extern _Thread_local struct cpu *host_cpu; /* the one that this thread plays now */

/* Lets other CPUs pass their gates; ends the test run when none of them can help. */
void host_wait_while_equal(const uint32_t *p, uint32_t old);
bool host_irq_pending(void);

static inline struct cpu *arch_this_cpu(void)
{
    return host_cpu;
}

static inline void arch_wait_while_equal(const uint32_t *p, uint32_t old)
{
    host_wait_while_equal(p, old);
}

static inline bool arch_cpu_irq_pending(void)
{
    return host_irq_pending();
}
