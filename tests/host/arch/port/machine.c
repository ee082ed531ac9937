/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Third port: what tests do to the machine, on top of the same core a board runs.
 */
#include "state.h"

#include "../host.h"

#include <arch/mm.h>
#include <xen/bitops.h>
#include <xen/domain.h>
#include <xen/errno.h>
#include <xen/lib.h>
#include <xen/mmio.h>
#include <xen/page.h>
#include <xen/rangeset.h>
#include <xen/time.h>
#include <xen/trap.h>

#define ROUNDS_MAX 10000
#define LOG_SIZE   (1 << 18)

static char host_text[LOG_SIZE];
static size_t host_used;

bool host_early_putc(char c)
{
    if (host_used < sizeof(host_text) - 1) {
        host_text[host_used++] = c;
        host_text[host_used] = '\0';
    }
    return true;
}

const char *host_log(void)
{
    return host_text;
}

void host_log_clear(void)
{
    host_used = 0;
    host_text[0] = '\0';
}

void *host_ram(uint64_t pa)
{
    return arch_pa_to_va(pa);
}

void host_preempt(unsigned int n)
{
    host_state.preempt_every = n;
    host_state.preempt_count = 0;
}

void host_repeats(unsigned int limit)
{
    host_state.repeats = limit;
}

static void (*host_thread_fn)(unsigned int cpu);

void host_thread_play(unsigned int cpu)
{
    host_cpu = &cpus[cpu];
    host_thread_fn(cpu);
}

void host_threads(unsigned int n, void (*fn)(unsigned int cpu))
{
    host_thread_fn = fn;
    host_state.threads = true;
    host_threads_run(n);
    host_state.threads = false;
}

void host_clock_step(uint64_t ticks)
{
    host_state.counter_step = ticks;
}

static void host_boot_cpu(void *data)
{
    xen_main(*(const uint64_t *)data);
}

enum host_state host_boot(uint64_t fdt)
{
    return host_play(&cpus[0], host_boot_cpu, &fdt);
}

/* From the guest or the idle loop into the hypervisor and back, as an interrupt does it. */
static void host_pass(void *data)
{
    struct cpu *c = data;
    struct vcpu *v = host_state.cpu[c->id] == HOST_GUEST ? c->current : NULL;

    c->idle = false;
    arch_cpu_poll_irqs();
    guest_exit(v);
}

static bool host_is_dead(unsigned int cpu)
{
    return cpu >= MAX_CPUS || host_state.cpu[cpu] > HOST_IDLE;
}

enum host_state host_gate(unsigned int cpu)
{
    if (host_is_dead(cpu)) {
        return cpu < MAX_CPUS ? host_state.cpu[cpu] : HOST_HALTED;
    }
    return host_play(&cpus[cpu], host_pass, &cpus[cpu]);
}

/* A call, and how it ended before the gate: after that the vCPU may run elsewhere. */
struct host_calling {
    struct vcpu *v;
    uint64_t arg[5];
    int64_t result;
    bool repeat;
};

static void host_call(void *data)
{
    struct host_calling *call = data;
    struct vcpu *v = call->v;
    struct cpu *c = host_cpu;

    v->arch.repeat = false;
    if (!host_state.threads) {
        host_state.fetches_of_call = 0;
    }
    hypercall_enter(v);
    call->repeat = v->arch.repeat;
    call->result = v->arch.result;
    for (unsigned int i = 0; i < 5; i++) {
        call->arg[i] = v->arch.arg[i];
    }
    if (atomic_load(&c->pending) != 0 || host_irq_waits()) {
        arch_cpu_poll_irqs();
        guest_exit(v);
    }
}

enum host_state host_hypercall(unsigned int cpu, uint64_t nr, uint64_t *arg, int64_t *result)
{
    struct cpu *c = &cpus[cpu];
    struct vcpu *v = c->current;
    struct host_calling call = {.v = v};
    enum host_state state = HOST_GUEST;

    if (host_is_dead(cpu) || host_state.cpu[cpu] != HOST_GUEST || v == NULL) {
        return host_is_dead(cpu) ? host_state.cpu[cpu] : HOST_IDLE;
    }
    v->arch.nr = nr;
    for (unsigned int i = 0; i < 5; i++) {
        v->arch.arg[i] = arg[i];
    }
    for (unsigned int n = 0; n < host_state.repeats; n++) {
        state = host_play(c, host_call, &call);
        if (state > HOST_IDLE) {
            return state;
        }
        for (unsigned int i = 0; i < 5; i++) {
            arg[i] = call.arg[i];
        }
        if (!call.repeat) {
            *result = call.result;
            return state;
        }
        if (state == HOST_IDLE || c->current != v) {
            return HOST_AGAIN;
        }
    }
    return HOST_RUNAWAY;
}

struct host_power {
    const struct vcpu *by;
    unsigned int id;
    uint64_t pc, arg;
    int rc;
};

static void host_play_on(void *data)
{
    struct host_power *power = data;
    struct vcpu *v = domain_vcpu(power->by->d, power->id);

    power->rc = v != NULL ? vcpu_start(v, power->pc, power->arg) : -ENOENT;
}

enum host_state host_vcpu_on(unsigned int cpu, unsigned int id, uint64_t pc, uint64_t arg, int *rc)
{
    struct host_power power = {.by = cpus[cpu].current, .id = id, .pc = pc, .arg = arg};
    enum host_state state;

    if (host_running(cpu) < 0) {
        return HOST_IDLE;
    }
    state = host_play(&cpus[cpu], host_play_on, &power);
    *rc = power.rc;
    return state;
}

static void host_play_off(void *data)
{
    vcpu_down(data);
}

enum host_state host_vcpu_off(unsigned int cpu)
{
    return host_running(cpu) < 0 ? HOST_IDLE
                                 : host_play(&cpus[cpu], host_play_off, cpus[cpu].current);
}

/* One round over all CPUs: did any have something to do? */
static bool host_round(void)
{
    bool worked = false;

    for (unsigned int i = 0; i < nr_cpus; i++) {
        if (cpus[i].online && !host_is_dead(i) && host_cpu_has_work(&cpus[i])) {
            host_gate(i);
            worked = true;
        }
    }
    return worked;
}

/* The next deadline up to `end`, or `end`. */
static uint64_t host_next_deadline(uint64_t end)
{
    for (unsigned int i = 0; i < nr_cpus; i++) {
        if (cpus[i].online) {
            end = min_u64(end, max_u64(cpus[i].arch.deadline, host_counter));
        }
    }
    return end;
}

void host_advance(uint64_t ns)
{
    uint64_t end = host_counter + time_to_ticks((s_time_t)ns);

    for (unsigned int n = 0; n < ROUNDS_MAX; n++) {
        if (!host_round()) {
            if (host_counter >= end) {
                return;
            }
            host_counter = host_next_deadline(end);
        }
    }
}

int host_running(unsigned int cpu)
{
    const struct vcpu *v = cpus[cpu].current;

    return host_state.cpu[cpu] == HOST_GUEST && v != NULL ? v->d->id << 16 | (int)v->id : -1;
}

enum host_state host_cpu_state(unsigned int cpu)
{
    return host_state.cpu[cpu];
}

int host_access(unsigned int cpu, uint64_t gpa, unsigned int size, bool write, bool sign,
                uint64_t *value)
{
    struct vcpu *v = cpus[cpu].current;
    enum mmio_result result;
    uint64_t read;

    if (write) {
        return (int)mmio_write(v, gpa, size, *value);
    }
    result = mmio_read(v, gpa, size, &read);
    if (result == MMIO_HANDLED) {
        *value = mmio_extend(read, size, sign);
    }
    return (int)result;
}

static struct vcpu *host_vcpu(uint16_t domain, unsigned int vcpu)
{
    struct domain *d = domain_get_by_id(domain);
    struct vcpu *v = d != NULL ? domain_vcpu(d, vcpu) : NULL;

    if (d != NULL) {
        domain_put(d);
    }
    return v;
}

uint32_t host_upcalls(uint16_t domain, unsigned int vcpu)
{
    const struct vcpu *v = host_vcpu(domain, vcpu);

    return v != NULL ? v->arch.upcalls : 0;
}

void host_fault_in_dump(void)
{
    host_state.dump_faults = true;
}

void host_fail_atomics(unsigned int n)
{
    host_state.failing_atomics = n;
}

unsigned int host_atomics_to_fail(void)
{
    return host_state.failing_atomics;
}

bool host_atomic_fails(void)
{
    if (host_state.failing_atomics == 0) {
        return false;
    }
    host_state.failing_atomics--;
    return true;
}

bool host_chunk_split(uint64_t pa)
{
    return chunk_of_pa(pa)->state == CHUNK_SPLIT;
}

unsigned int host_timers(unsigned int cpu)
{
    return cpus[cpu].timers.count;
}

struct domain *host_domain(uint16_t id)
{
    struct domain *d = domain_get_by_id(id);

    if (d != NULL) {
        domain_put(d);
    }
    return d;
}

uint64_t host_entry(uint16_t domain, unsigned int vcpu, uint64_t *arg0)
{
    const struct vcpu *v = host_vcpu(domain, vcpu);

    *arg0 = v != NULL ? v->arch.entry_arg : 0;
    return v != NULL ? v->arch.pc : 0;
}

void host_raise(unsigned int irq)
{
    host_state.irq[irq].pending = true;
    host_state.raised = true;
}

void host_limit_virqs(unsigned int n)
{
    host_state.nr_virqs = n;
}

bool host_virq_pending(uint16_t domain, unsigned int virq)
{
    const struct vcpu *v = host_vcpu(domain, 0);

    return v != NULL && virq < ARCH_NR_IRQS &&
           (v->d->arch.pending[virq / 64] & BIT(virq % 64)) != 0;
}

void host_complete(uint16_t domain, unsigned int virq)
{
    struct vcpu *v = host_vcpu(domain, 0);

    if (v != NULL && virq < ARCH_NR_IRQS) {
        v->d->arch.pending[virq / 64] &= ~BIT(virq % 64);
        if (v->d->arch.host_irq[virq] != 0) {
            host_state.irq[v->d->arch.host_irq[virq]].active = false;
        }
    }
}
