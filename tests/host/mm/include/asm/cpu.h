/*
 * As the third port's, but each CPU is a thread: race.c wants real concurrency.
 */
#pragma once

extern __thread struct cpu *host_cpu;

/* Lets other threads run. */
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

static inline void arch_wake_waiters(void)
{
}

static inline bool arch_cpu_irq_pending(void)
{
    return host_irq_pending();
}
