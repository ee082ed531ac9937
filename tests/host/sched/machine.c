/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine's CPUs: each a coroutine that runs guest_exit() and "the guest". Also all that the
 * scheduler has around it: the port, time, memory.
 */
#include <arch/cpu.h>
#include <arch/irq.h>
#include <arch/vcpu.h>
#include <xen/page.h>
#include <xen/printk.h>
#include <xen/trap.h>

#include "sim.h"

#include <stdlib.h>

#define STACK  (256u << 10)
#define IPI_NS 2000 /* an interrupt from another CPU arrives within this */

uint64_t host_counter;
uint8_t *host_directmap;
_Thread_local struct cpu *host_cpu = OUTSIDE;
struct machine_cpu machine[MAX_CPUS];

static ucontext_t simulator;
static bool waiting;

/* What the scheduler's surroundings are made of. */

s_time_t time_now(void)
{
    return now;
}

uint64_t time_to_ticks(s_time_t ns)
{
    return (uint64_t)ns;
}

void host_timer_program(uint64_t ticks)
{
    machine[host_cpu->id].deadline = ticks > INT64_MAX ? INT64_MAX : (int64_t)ticks;
}

bool host_irq_pending(void)
{
    return false;
}

void arch_cpu_kick(const struct cpu *c)
{
    int64_t at = now + (int64_t)rnd(IPI_NS);

    if (at < machine[c->id].kick) {
        machine[c->id].kick = at;
    }
}

int arch_cpu_start(struct cpu *c __unused)
{
    return 0;
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

void host_wait_while_equal(const uint32_t *p, uint32_t old)
{
    struct machine_cpu *m = &machine[host_cpu->id];

    m->wait = p;
    m->wait_old = old;
    to_simulator(IN_WAIT);
}

void arch_cpu_idle(void)
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

void arch_cpu_poll_irqs(void)
{
    take_interrupts();
}

void arch_vcpu_save(struct vcpu *v)
{
    if (behaviour_of(v)->loaded != host_cpu || !v->running) {
        fail("saved where it is not loaded");
    }
    overtake();
    behaviour_of(v)->loaded = NULL;
    overtake();
}

void arch_vcpu_load(struct vcpu *v)
{
    if (behaviour_of(v)->loaded != NULL || v->cpu != host_cpu || !v->running) {
        fail("loaded twice, or not where it belongs");
    }
    overtake();
    behaviour_of(v)->loaded = host_cpu;
    overtake();
}

bool arch_vcpu_wakeup_pending(struct vcpu *v __unused)
{
    overtake();
    return false;
}

void arch_virq_flush(struct vcpu *v __unused)
{
    overtake();
}

int arch_vcpu_create(struct vcpu *v __unused)
{
    return 0;
}

void arch_vcpu_set_entry(struct vcpu *v __unused, uint64_t pc __unused, uint64_t arg __unused)
{
}

void arch_vcpu_destroy(struct vcpu *v __unused)
{
}

void arch_cpu_halt(void)
{
    fail("halt");
}

void *heap_alloc(size_t size)
{
    return calloc(1, size);
}

void heap_free(void *p, size_t size __unused)
{
    free(p);
}

bool buddy_scrub_idle(void)
{
    return false;
}

void panic(const char *fmt, ...)
{
    fail(fmt);
}

void evtchn_raise_virq(struct vcpu *v __unused, unsigned int virq __unused)
{
}

void domain_reap(void)
{
}

void domain_shutdown(struct domain *d __unused, uint8_t reason __unused)
{
    fail("shutdown");
}

struct page *guest_page_of_gva(uint64_t gva __unused, bool write __unused)
{
    return NULL;
}

mfn_t page_mfn(const struct page *pg __unused)
{
    return mfn(0);
}

void page_put(struct page *pg __unused)
{
}

/* One for all domains here: tools of several domains could wait for each other. */
bool domain_wait_begin(struct domain *d __unused)
{
    bool free = !waiting;

    waiting = true;
    return free;
}

void domain_wait_end(struct domain *d __unused)
{
    waiting = false;
}

/* A CPU's life. */

/* A tool that takes another vCPU off its CPU. */
static void pause_another(struct vcpu *v)
{
    struct vcpu *other = vcpus[rnd(nr_vcpus)];

    if (other == v || !domain_wait_begin(v->d)) {
        return;
    }
    vcpu_pause_wait(other);
    if (other->running != 0 || behaviour_of(other)->loaded != NULL) {
        fail("paused, but still loaded");
    }
    vcpu_unpause(other);
    domain_wait_end(v->d);
}

/* What a guest does when it has run long enough. */
static void act(struct vcpu *v, struct behaviour *b)
{
    b->left = b->run;
    if (b->pauses) {
        pause_another(v);
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
