/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gate: every way back to a guest that has something left to do, and the idle loop. It does the
 * work that is pending for this CPU, lets the scheduler choose, and moves vCPU state on and off the
 * CPU. Who runs is the business of xen/sched.
 *
 * State is moved lazily: a vCPU that merely waits for an event stays loaded on its idle CPU, so
 * that being woken there costs nothing. v->running says so; every other CPU asks for the state
 * (CPU_PENDING_RESCHED) and waits or retries.
 */
#include <arch/cpu.h>
#include <arch/irq.h>
#include <arch/vcpu.h>
#include <xen/buddy.h>
#include <xen/cpu.h>
#include <xen/domain.h>
#include <xen/sched.h>
#include <xen/timer.h>
#include <xen/trap.h>

/* Waits for nothing but an event: nobody can want its registers. */
static bool exit_may_stay_loaded(const struct vcpu *v)
{
    return atomic_load(&v->pause_flags) == VPF_BLOCKED && atomic_load(&v->pause_count) == 0 &&
           atomic_load(&v->d->pause_count) == 0;
}

/* Take what is loaded off this CPU. */
static void exit_unload(struct cpu *c)
{
    struct vcpu *v = c->current;

    if (v != NULL) {
        arch_vcpu_save(v);
        c->current = NULL;
        sched_released(v);
    }
}

static void exit_load(struct cpu *c, struct vcpu *v)
{
    if (c->current != v) {
        exit_unload(c);
        c->current = v;
        arch_vcpu_load(v);
        smp_mb(); /* v->running is visible before we look for virtual interrupts: pairs with
                     vcpu_kick */
    }
}

static void exit_work(uint32_t work)
{
    if ((work & CPU_PENDING_HALT) != 0) {
        arch_cpu_halt();
    }
    if (XEN_DEBUG && (work & CPU_PENDING_STAND) != 0) {
        cpu_stand_still();
    }
    if ((work & CPU_PENDING_TIMER) != 0) {
        timer_run();
    }
    if ((work & CPU_PENDING_REAP) != 0) {
        domain_reap();
    }
}

/* Choose and switch. NULL: this CPU has nothing to run. */
static struct vcpu *exit_switch(struct cpu *c)
{
    struct vcpu *v = sched_pick(c);

    if (v != NULL) {
        exit_load(c, v);
    } else if (c->current != NULL && !exit_may_stay_loaded(c->current)) {
        exit_unload(c);
    }
    return v;
}

/* Nothing to run and nothing pending: useful work or sleep, then whatever interrupts came. */
static void exit_idle(struct cpu *c)
{
    if (!buddy_scrub_idle()) {
        c->idle = true;
        arch_cpu_idle();
        c->idle = false;
    }
    arch_cpu_poll_irqs();
}

struct vcpu *guest_exit(struct vcpu *v)
{
    struct cpu *c = this_cpu();
    bool choose = v == NULL;

    for (;;) {
        uint32_t work = atomic_load(&c->pending);

        if (work != 0) {
            work = atomic_exchange(&c->pending, 0u);
            exit_work(work);
        }
        if (choose || (work & CPU_PENDING_RESCHED) != 0) {
            v = exit_switch(c);
            choose = false;
            work |= CPU_PENDING_VIRQ;
        } else if (v == NULL) {
            /* What stayed loaded here may have been woken: the scheduler then made it ours. */
            v = atomic_load_acquire(&c->sched.curr);
            if (v != NULL) {
                exit_load(c, v);
                work |= CPU_PENDING_VIRQ;
            }
        }
        if (v == NULL) {
            if ((work & CPU_PENDING_VIRQ) != 0 && c->current != NULL) {
                arch_virq_flush(c->current); /* others wait for what its registers still hold */
            }
            if (atomic_load(&c->pending) == 0) {
                exit_idle(c);
            } else {
                arch_cpu_poll_irqs(); /* not only after a long reaping */
            }
            continue;
        }
        if ((work & CPU_PENDING_VIRQ) != 0) {
            arch_virq_flush(v);
        }
        /* What is left to reap waits for the next time, so that interrupts are taken first. */
        if ((atomic_load(&c->pending) & ~CPU_PENDING_REAP) == 0) {
            return v;
        }
    }
}
