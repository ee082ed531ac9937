/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine's CPUs: each a coroutine that runs guest_exit() and "the guest". In front of functions
 * of the third port, whose CPUs take turns in another way, stand those of this machine.
 */
#include <arch/cpu.h>
#include <arch/irq.h>
#include <arch/vcpu.h>
#include <xen/cpupool.h>
#include <xen/errno.h>
#include <xen/memmap.h>
#include <xen/page_alloc.h>
#include <xen/trap.h>

#include "sim.h"

#include <stdlib.h>

#define STACK  (256u << 10)
#define RAM    (64ul << 20)
#define IPI_NS 2000 /* an interrupt from another CPU arrives within this */

struct machine_cpu machine[MAX_CPUS];

static ucontext_t simulator;
static bool pausing;

/* What test_sched.py wraps. */

s_time_t __wrap_time_now(void);
uint64_t __wrap_time_to_ticks(s_time_t ns);
void __wrap_host_timer_program(uint64_t ticks);
void __wrap_arch_cpu_kick(const struct cpu *c);
void __wrap_host_wait_while_equal(const uint32_t *p, uint32_t old);
void __wrap_arch_cpu_idle(void);
void __wrap_arch_cpu_poll_irqs(void);
void __wrap_arch_vcpu_save(struct vcpu *v);
void __wrap_arch_vcpu_load(struct vcpu *v);
bool __wrap_arch_vcpu_wakeup_pending(struct vcpu *v);
void __wrap_arch_virq_flush(struct vcpu *v);

s_time_t __wrap_time_now(void)
{
    return now;
}

uint64_t __wrap_time_to_ticks(s_time_t ns)
{
    return (uint64_t)ns;
}

void __wrap_host_timer_program(uint64_t ticks)
{
    machine[host_cpu->id].deadline = ticks > INT64_MAX ? INT64_MAX : (int64_t)ticks;
}

void __wrap_arch_cpu_kick(const struct cpu *c)
{
    int64_t at = now + (int64_t)rnd(IPI_NS);

    if (at < machine[c->id].kick) {
        machine[c->id].kick = at;
    }
}

static void to_simulator(enum where where)
{
    struct machine_cpu *m = &machine[host_cpu->id];

    m->where = where;
    swapcontext(&m->context, &simulator);
}

/* Let other CPUs overtake this one, now and then. */
static void overtake(void)
{
    if (rnd(2) == 0) {
        to_simulator(IN_GATE);
    }
}

void __wrap_host_wait_while_equal(const uint32_t *p, uint32_t old)
{
    struct machine_cpu *m = &machine[host_cpu->id];

    m->wait = p;
    m->wait_old = old;
    to_simulator(IN_WAIT);
}

void __wrap_arch_cpu_idle(void)
{
    to_simulator(IN_IDLE);
}

static void take_interrupts(void)
{
    struct machine_cpu *m = &machine[host_cpu->id];

    if (m->kick <= now) {
        m->kick = INT64_MAX;
        ipi_dispatch();
    }
    if (m->deadline <= now) {
        timer_interrupt();
    }
}

void __wrap_arch_cpu_poll_irqs(void)
{
    take_interrupts();
}

void __wrap_arch_vcpu_save(struct vcpu *v)
{
    if (behaviour_of(v)->loaded != host_cpu || !v->running) {
        fail("saved where it is not loaded");
    }
    overtake();
    behaviour_of(v)->loaded = NULL;
    overtake();
}

void __wrap_arch_vcpu_load(struct vcpu *v)
{
    if (behaviour_of(v)->loaded != NULL || v->cpu != host_cpu || !v->running) {
        fail("loaded twice, or not where it belongs");
    }
    overtake();
    behaviour_of(v)->loaded = host_cpu;
    overtake();
}

bool __wrap_arch_vcpu_wakeup_pending(struct vcpu *v __unused)
{
    overtake();
    return false;
}

void __wrap_arch_virq_flush(struct vcpu *v __unused)
{
    overtake();
}

/* A CPU's life. */

/* A tool that takes another vCPU off its CPU: one at a time, as in control_begin. */
static void pause_another(struct vcpu *v)
{
    struct vcpu *other = vcpus[rnd(nr_vcpus)];

    if (other == v || pausing) {
        return;
    }
    pausing = true;
    vcpu_pause_wait(other);
    if (other->running != 0 || behaviour_of(other)->loaded != NULL) {
        fail("paused, but still loaded");
    }
    vcpu_unpause(other);
    pausing = false;
}

static void move_another(struct vcpu *v)
{
    struct domain *d = vcpus[rnd(nr_vcpus)]->d;
    int rc;

    if (d == v->d || pausing) {
        return;
    }
    pausing = true;
    domain_pause(d);
    rc = cpupool_move(d, random_pool());
    if (rc != 0 && rc != -ENOENT && rc != -ENOSPC) {
        fail("a domain that changes pools");
    }
    domain_unpause(d);
    pausing = false;
}

/* What a guest does when it has run long enough. */
static void act(struct vcpu *v, struct behaviour *b)
{
    b->left = b->run;
    if (b->pauses) {
        pause_another(v);
    }
    if (b->moves) {
        move_another(v);
    }
    if (b->yields) {
        sched_yield(v);
    } else {
        b->wake_at = now + (b->sleep != 0 ? b->sleep : (int64_t)rnd(5000000));
        vcpu_block(v);
    }
}

static void cpu_main(void)
{
    struct machine_cpu *m = &machine[host_cpu->id];

    m->guest = guest_exit(NULL);
    for (;;) {
        struct vcpu *v = m->guest;
        struct behaviour *b = behaviour_of(v);

        if (b->loaded != host_cpu || v->sched.state != SCHED_RUNNING || !vcpu_runnable(v)) {
            fail("runs, but should not");
        }
        if ((sched_allowed(v) & cpumask_of(host_cpu)) == 0 && host_cpu->pending == 0) {
            fail("runs where it must not");
        }
        if (b->woken >= 0) {
            b->worst = now - b->woken > b->worst ? now - b->woken : b->worst;
            b->woken = -1;
        }
        to_simulator(IN_GUEST);
        take_interrupts();
        if (b->run != 0 && b->left <= 0) {
            act(v, b);
        }
        if (host_cpu->pending != 0) {
            m->guest = guest_exit(v);
        }
    }
}

static bool cpu_has_work(const struct machine_cpu *m)
{
    if (m->where == IN_GATE) {
        return true;
    }
    if (m->where == IN_WAIT) {
        return __atomic_load_n(m->wait, __ATOMIC_RELAXED) != m->wait_old;
    }
    if (m->kick <= now || m->deadline <= now) {
        return true;
    }
    return m->where == IN_GUEST && behaviour_of(m->guest)->run != 0 &&
           behaviour_of(m->guest)->left <= 0;
}

static void cpu_resume(unsigned int i)
{
    host_cpu = &cpus[i];
    swapcontext(&simulator, &machine[i].context);
    host_cpu = OUTSIDE;
}

void machine_settle(void)
{
    bool any = true;

    while (any) {
        unsigned int first = (unsigned int)rnd(nr_cpus), i;

        any = false;
        for (i = 0; i < nr_cpus; i++) {
            unsigned int id = (first + i) % nr_cpus;

            if (cpu_has_work(&machine[id])) {
                any = true;
                cpu_resume(id);
                early_event();
            }
        }
    }
}

static void take_nothing(struct rangeset *free __unused)
{
}

void machine_init(void)
{
    host_machine(RAM);
    if (rangeset_add(&host_memmap.ram, HOST_RAM_BASE, HOST_RAM_BASE + RAM) != 0) {
        fail("memory");
    }
    page_alloc_init(take_nothing);
    host_cpu = OUTSIDE;
}

void machine_start(unsigned int i)
{
    ucontext_t *context = &machine[i].context;

    getcontext(context);
    context->uc_stack.ss_sp = malloc(STACK);
    context->uc_stack.ss_size = STACK;
    context->uc_link = NULL;
    makecontext(context, cpu_main, 0);
    cpu_resume(i);
}
