/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Third port: CPUs. They take turns: one runs until it would enter a guest, sleep or stop, and a
 * CPU that waits for another one plays that one meanwhile. With a thread for each CPU it lets the
 * others go on.
 */
#include "state.h"

#include <arch/cpu.h>
#include <xen/dt.h>
#include <xen/printk.h>
#include <xen/trap.h>
#include <xen/uart.h>

#include <setjmp.h>

_Thread_local struct cpu *host_cpu = &cpus[0];
struct host_machine_state host_state;

static _Thread_local jmp_buf *host_way_out;

void host_leave(enum host_state state)
{
    if (host_way_out == NULL) {
        host_lost(state);
    }
    longjmp(*host_way_out, (int)state + 1);
}

enum host_state host_play(struct cpu *c, void (*fn)(void *), void *data)
{
    struct cpu *const cpu_before = host_cpu;
    jmp_buf *const way_before = host_way_out;
    jmp_buf here;
    int left;

    host_cpu = c;
    host_way_out = &here;
    left = setjmp(here);
    if (left == 0) {
        fn(data);
    }
    host_way_out = way_before;
    host_cpu = cpu_before;
    host_state.cpu[c->id] = left == 0 ? HOST_GUEST : (enum host_state)(left - 1);
    return host_state.cpu[c->id];
}

void arch_early_console(const struct dt *t __unused)
{
    console_early_putc = host_early_putc;
}

void arch_cpu_discover(void)
{
    struct dt_cpu cpu;

    nr_cpus = 0;
    while (nr_cpus < MAX_CPUS && dt_cpu(&dt_host, nr_cpus, &cpu) == 0) {
        nr_cpus++;
    }
}

static void host_start_secondary(void *data __unused)
{
    xen_main_secondary();
}

int arch_cpu_start(struct cpu *c)
{
    host_play(c, host_start_secondary, NULL);
    return 0;
}

void arch_cpu_init(struct cpu *c __unused)
{
}

void arch_cpu_idle(void)
{
    if (!host_irq_waits()) {
        host_leave(HOST_IDLE);
    }
}

void arch_cpu_poll_irqs(void)
{
    host_take_interrupts();
}

void arch_cpu_kick(const struct cpu *c)
{
    __atomic_store_n(&cpus[c->id].arch.kicked, true, __ATOMIC_RELEASE);
}

void arch_cpu_halt(void)
{
    host_leave(HOST_HALTED);
}

void arch_machine_reset(void)
{
    host_leave(HOST_RESET);
}

void arch_machine_poweroff(void)
{
    host_leave(HOST_OFF);
}

/* A panic waits some seconds after this: let them pass. */
void arch_dump_stack(void)
{
    host_state.counter_step = HOST_HZ;
    if (host_state.dump_faults) {
        host_state.dump_faults = false;
        hyp_fault("a fault in the dump", 0, 0, 0);
    }
}

void arch_dump_vcpu(struct vcpu *v __unused)
{
    printk("(registers)\n");
}

bool host_cpu_has_work(const struct cpu *c)
{
    struct cpu *before = host_cpu;
    bool pending;

    host_cpu = &cpus[c->id];
    pending = host_irq_waits();
    host_cpu = before;
    return pending || atomic_load(&c->pending) != 0;
}

void host_wait_while_equal(const uint32_t *p, uint32_t old)
{
    bool helped = false;

    if (host_state.threads) {
        if (__atomic_load_n(p, __ATOMIC_ACQUIRE) == old && host_waits_for_ever(p, old)) {
            host_leave(HOST_DEADLOCK);
        }
        return;
    }
    for (unsigned int i = 0; i < nr_cpus && *(const volatile uint32_t *)p == old; i++) {
        if (&cpus[i] != host_cpu && cpus[i].online && host_cpu_has_work(&cpus[i])) {
            host_gate(i);
            helped = true;
        }
    }
    if (!helped && *(const volatile uint32_t *)p == old) {
        host_leave(HOST_DEADLOCK);
    }
}
