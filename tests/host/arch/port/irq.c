/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Third port: interrupts that tests raise, the virtual controller as plain bits, and the clock that
 * tests turn.
 */
#include "state.h"

#include <arch/irq.h>
#include <arch/time.h>
#include <xen/bitops.h>
#include <xen/domain.h>
#include <xen/errno.h>
#include <xen/irq.h>
#include <xen/trap.h>

#define FIRST_SHARED  32u
#define EVENT_VIRQ    16u
#define LOOKS_AT_ONCE 16u /* at the clock, by one thread */

uint64_t host_counter = HOST_HZ;

void arch_irq_init(void)
{
}

void arch_irq_init_cpu(struct cpu *c)
{
    c->arch.deadline = UINT64_MAX;
}

unsigned int arch_irq_count(void)
{
    return HOST_MAX_IRQS;
}

unsigned int arch_irq_first_shared(void)
{
    return FIRST_SHARED;
}

void arch_irq_enable(unsigned int irq)
{
    host_state.irq[irq].enabled = true;
}

void arch_irq_disable(unsigned int irq)
{
    host_state.irq[irq].enabled = false;
}

void arch_irq_set_type(unsigned int irq __unused, bool edge __unused)
{
}

void arch_irq_route(unsigned int irq, const struct cpu *c)
{
    host_state.irq[irq].target = c;
}

void arch_irq_end(unsigned int irq)
{
    host_state.irq[irq].active = false;
}

void arch_virq_forward(struct domain *d, unsigned int virq, unsigned int irq)
{
    (void)irq; /* stays active until the guest is done: host_complete */
    d->arch.pending[virq / 64] |= BIT(virq % 64);
    vcpu_kick(d->vcpu[0]);
}

bool arch_virq_line(struct domain *d, unsigned int virq, bool high)
{
    uint64_t *pending;

    if (virq < FIRST_SHARED || virq >= ARCH_NR_IRQS || d->arch.host_irq[virq] != 0) {
        return false;
    }
    pending = &d->arch.pending[virq / 64];
    __atomic_fetch_and(pending, ~BIT(virq % 64), __ATOMIC_RELAXED);
    if (high) {
        __atomic_fetch_or(pending, BIT(virq % 64), __ATOMIC_RELAXED);
        if (d->vcpu[0] != NULL) {
            vcpu_kick(d->vcpu[0]);
        }
    }
    return true;
}

void arch_virq_upcall(struct vcpu *v)
{
    __atomic_fetch_add(&v->arch.upcalls, 1u, __ATOMIC_RELAXED);
    vcpu_kick(v);
}

void arch_virq_flush(struct vcpu *v __unused)
{
}

int arch_virq_route(struct domain *d, unsigned int virq, unsigned int irq)
{
    if (virq >= (host_state.nr_virqs != 0 ? host_state.nr_virqs : ARCH_NR_IRQS) ||
        virq < FIRST_SHARED) {
        return -EINVAL;
    }
    if (d->arch.host_irq[virq] != 0) {
        return -EBUSY;
    }
    d->arch.host_irq[virq] = (uint16_t)irq;
    irq_desc(irq)->wanted = true; /* this guest enables everything at once */
    arch_irq_enable(irq);
    return 0;
}

void arch_virq_unroute(struct domain *d, unsigned int virq)
{
    host_state.irq[d->arch.host_irq[virq]].active = false;
    d->arch.pending[virq / 64] &= ~BIT(virq % 64);
    d->arch.host_irq[virq] = 0;
}

unsigned int arch_virq_event(const struct domain *d __unused)
{
    return EVENT_VIRQ;
}

static bool irq_takeable(unsigned int irq)
{
    const struct host_irq *i = &host_state.irq[irq];

    return i->enabled && i->pending && !i->active && (i->target == NULL || i->target == host_cpu);
}

/* What long operations ask: now and then there is one that nobody will find. */
bool host_irq_pending(void)
{
    if (host_state.preempt_every != 0 &&
        __atomic_add_fetch(&host_state.preempt_count, 1u, __ATOMIC_RELAXED) >=
            host_state.preempt_every) {
        __atomic_store_n(&host_state.preempt_count, 0u, __ATOMIC_RELAXED);
        return true;
    }
    return host_irq_waits();
}

bool host_irq_waits(void)
{
    const struct arch_cpu *c = &host_cpu->arch;

    if (__atomic_load_n(&c->kicked, __ATOMIC_ACQUIRE) ||
        __atomic_load_n(&host_counter, __ATOMIC_RELAXED) >= c->deadline) {
        return true;
    }
    for (unsigned int irq = FIRST_SHARED; host_state.raised && irq < HOST_MAX_IRQS; irq++) {
        if (irq_takeable(irq)) {
            return true;
        }
    }
    return false;
}

void host_take_interrupts(void)
{
    struct arch_cpu *c = &host_cpu->arch;

    if (__atomic_exchange_n(&c->kicked, false, __ATOMIC_ACQUIRE)) {
        ipi_dispatch();
    }
    if (__atomic_load_n(&host_counter, __ATOMIC_RELAXED) >= c->deadline) {
        c->deadline = UINT64_MAX;
        timer_interrupt();
    }
    for (unsigned int irq = FIRST_SHARED; host_state.raised && irq < HOST_MAX_IRQS; irq++) {
        if (irq_takeable(irq)) {
            host_state.irq[irq].pending = false;
            host_state.irq[irq].active = true;
            irq_dispatch(irq);
        }
    }
}

void arch_time_init(void)
{
}

void arch_time_init_cpu(void)
{
    host_cpu->arch.deadline = UINT64_MAX;
}

uint64_t arch_counter_hz(void)
{
    return HOST_HZ;
}

/* Who waits for a time gives the others theirs: the machine may have fewer CPUs than threads. */
uint64_t host_read_counter(void)
{
    static _Thread_local unsigned int looks;

    if (host_state.threads && ++looks % LOOKS_AT_ONCE == 0) {
        host_yield();
    }
    return __atomic_add_fetch(&host_counter, host_state.counter_step, __ATOMIC_RELAXED);
}

void host_timer_program(uint64_t ticks)
{
    host_cpu->arch.deadline = ticks;
}
