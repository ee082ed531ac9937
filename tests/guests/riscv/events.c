/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event interrupt as RISC-V has it: a local interrupt that the guest clears in its own sip. Set
 * before it is enabled, cleared late or never, cleared too early, per vCPU. Nothing is lost and
 * nothing storms. cpus= says how many vCPUs.
 */
#include <guest/event.h>
#include <guest/hypercall.h>
#include <guest/memory.h>
#include <guest/print.h>
#include <guest/test.h>
#include <port/riscv.h>
#include <public/sched.h>
#include <public/vcpu.h>

static unsigned int irq;
static evtchn_port_t port;
static volatile unsigned int taken[PORT_MAX_CPUS];
static volatile struct vcpu_info *info[PORT_MAX_CPUS];

/*
 * The library has cleared the bit already. An interrupt of the host between that and the next line
 * sets it again, because the byte is still set: the interrupt that follows brings nothing.
 */
static void upcall(unsigned int number)
{
    (void)number;
    unsigned int cpu = port_cpu();
    if (info[cpu]->evtchn_upcall_pending == 0) {
        return;
    }
    info[cpu]->evtchn_upcall_pending = 0;
    info[cpu]->evtchn_pending_sel = 0;
    taken[cpu]++;
}

/* As long as it is enabled in sie. QEMU shows local interrupts of a guest in stopi, never in
 * sip. */
static bool pending_here(void)
{
    return (CSR_READ(sip) >> irq & 1) != 0 || CSR_READ(0xdb0) >> 16 == irq;
}

static void clear_here(void)
{
    CSR_CLEAR(sip, 1UL << irq);
}

/* Lets a few interrupts of the hypervisor's come, at which it looks at what is pending here. */
static void pass(void)
{
    struct sched_poll at_once = {.timeout = 1};
    uint64_t end = port_counter() + port_frequency() / 50;
    while (port_counter() < end) {
        sched_op(SCHEDOP_poll, &at_once);
        port_relax();
    }
}

static void settle(void)
{
    event_clear(port);
    pass();
    clear_here();
}

static void wait_taken(unsigned int cpu, unsigned int count)
{
    uint64_t end = port_give_up();
    while (taken[cpu] != count && port_counter() < end) {
        port_relax();
    }
}

/* Interrupts off: the bit is seen, cleared by either side. */
static void test_bit(void)
{
    trap_enable(irq, true);
    check("clear at first", !pending_here());
    event_send(port);
    check("set by a send", pending_here());
    check_eq("with its level", info[0]->evtchn_upcall_pending, 1);
    clear_here();
    check("cleared by the guest", !pending_here());
    event_clear(port);
    pass();
    check("and stays clear", !pending_here());
    event_send(port);
    event_clear(port);
    pass();
    check("cleared by the hypervisor when nothing is pending", !pending_here());
    settle();
    check("settled", !pending_here());
}

/* Pending before the guest enables it, in its two places. */
static void test_before_enable(void)
{
    port_irq_handle(irq, upcall);
    trap_enable(irq, false);
    event_send(port);
    port_irq_enable();
    check_eq("not taken while disabled in sie", taken[0], 0);
    trap_enable(irq, true);
    pass();
    wait_taken(0, 1);
    check_eq("taken once when enabled in sie", taken[0], 1);
    port_irq_disable();
    settle();
    event_send(port);
    check_eq("not taken with interrupts off", taken[0], 1);
    port_irq_enable();
    wait_taken(0, 2);
    check_eq("taken once when they are on", taken[0], 2);
    port_irq_disable();
    settle();
}

/* Sends one after another: each that finds the level down comes once. */
static void test_train(void)
{
    unsigned int before = taken[0];
    port_irq_enable();
    for (unsigned int i = 1; i <= 100; i++) {
        event_send(port);
        check_eq("taken at once", taken[0], before + i);
        event_clear(port);
    }
    port_irq_disable();
    settle();
}

/*
 * A handler that takes the level down and leaves the bit, as a guest does that knows no better. It
 * counts, and returns with interrupts off when that was often enough. sscratch points to its data.
 */
extern char late_vector[];
__asm__(".balign 4\n"
        "late_vector:\n\t"
        "csrrw sp, sscratch, sp\n\t"
        "sd t0, 0(sp)\n\t"
        "sd t1, 8(sp)\n\t"
        "ld t0, 16(sp)\n\t"
        "addi t0, t0, 1\n\t"
        "sd t0, 16(sp)\n\t"
        "ld t1, 24(sp)\n\t"
        "bltu t0, t1, 1f\n\t"
        "li t0, 0x20\n\t"
        "csrc sstatus, t0\n"
        "1:\tld t1, 32(sp)\n\t"
        "sb zero, 0(t1)\n\t"
        "ld t0, 0(sp)\n\t"
        "ld t1, 8(sp)\n\t"
        "csrrw sp, sscratch, sp\n\t"
        "sret");

enum {
    LATE_COUNT = 2,
    LATE_LIMIT = 3,
    LATE_LEVEL = 4,
    STORM = 1000000
};

/* The hypervisor must end it. */
static void test_late(void)
{
    static volatile uint64_t data[8];
    uint64_t vector = CSR_READ(stvec);
    data[LATE_LIMIT] = STORM;
    data[LATE_LEVEL] = (uint64_t)(uintptr_t)&info[0]->evtchn_upcall_pending;
    CSR_WRITE(sscratch, (uint64_t)(uintptr_t)data);
    CSR_WRITE(stvec, (uint64_t)(uintptr_t)late_vector);
    event_send(port);
    port_irq_enable();
    uint64_t end = port_counter() + port_frequency() / 1000;
    while (port_counter() < end && data[LATE_COUNT] < STORM) {
        port_relax();
    }
    port_irq_disable();
    CSR_WRITE(stvec, vector);
    CSR_WRITE(sscratch, 0);
    print("# a bit that the guest leaves: taken %lu times\n", data[LATE_COUNT]);
    check("it comes", data[LATE_COUNT] >= 1);
    check("and ends", data[LATE_COUNT] < STORM);
    settle();
    check("settled", !pending_here());
}

static void test_other_bits(void)
{
    unsigned int stuck = 0;
    for (unsigned int bit = 0; bit < 64; bit++) {
        CSR_SET(sip, 1UL << bit);
        stuck += bit != 1 && bit != irq && (CSR_READ(sip) >> bit & 1) != 0;
        CSR_CLEAR(sip, 1UL << bit);
    }
    check_eq("other bits of sip that the guest can set", stuck, 0);
    CSR_SET(sip, 1UL << irq);
    bool own = pending_here();
    pass();
    print("# the guest can set its event bit: %u, after a call: %u\n", own, pending_here());
    clear_here();
    CSR_SET(sip, 2);
    check("its software interrupt it can", (CSR_READ(sip) & 2) != 0);
    CSR_CLEAR(sip, 2);
}

static volatile unsigned int arrived;
static volatile unsigned int stop;

static void other_run(void)
{
    port_irq_handle(irq, upcall);
    port_irq_enable();
    __atomic_fetch_add(&arrived, 1, __ATOMIC_SEQ_CST);
    while (!stop) {
        port_wait();
    }
    port_irq_disable();
    __atomic_fetch_add(&arrived, 1, __ATOMIC_SEQ_CST);
}

static bool wait_arrived(unsigned int count)
{
    uint64_t end = port_give_up();
    while (arrived != count && port_counter() < end) {
        port_relax();
    }
    return arrived == count;
}

static void place_info(unsigned int cpu, uint8_t *page)
{
    struct vcpu_register_vcpu_info arg = {.mfn = frame_of(page), .offset = 64 * cpu};
    info[cpu] = (volatile struct vcpu_info *)(void *)(page + 64 * cpu);
    check_eq("register_vcpu_info", vcpu_op(VCPUOP_register_vcpu_info, cpu, &arg), 0);
}

/* Events of each vCPU come to it and to no other, also while it sleeps. */
static void test_others(unsigned int cpus)
{
    uint8_t *page = page_alloc();
    for (unsigned int cpu = 0; cpu < cpus; cpu++) {
        place_info(cpu, page);
    }
    event_info = info[0];
    settle();
    for (unsigned int cpu = 1; cpu < cpus; cpu++) {
        check_eq("start", port_cpu_start(cpu, other_run), 0);
        check("it runs", wait_arrived(cpu));
        /* Registered before it ran, with everything pending: taken as soon as it could be. */
        wait_taken(cpu, 1);
        check_eq("what was pending before it ran", taken[cpu], 1);
    }
    unsigned int first = taken[0];
    for (unsigned int cpu = 1; cpu < cpus; cpu++) {
        evtchn_port_t there = (evtchn_port_t)event_bind_ipi(cpu);
        event_set_mask(there, false);
        for (unsigned int i = 1; i <= 50; i++) {
            __atomic_fetch_and(&event_shared()->evtchn_pending[there / 64], ~(1UL << (there % 64)),
                               __ATOMIC_SEQ_CST);
            event_send(there);
            wait_taken(cpu, 1 + i);
        }
        check_eq("fifty events", taken[cpu], 51);
    }
    check_eq("none of them here", taken[0], first);
    stop = 1;
    for (unsigned int cpu = 1; cpu < cpus; cpu++) {
        evtchn_port_t there = (evtchn_port_t)event_bind_ipi(cpu);
        event_set_mask(there, false);
        event_send(there);
    }
    check("all have stopped", wait_arrived(2 * (cpus - 1)));
}

void guest_main(void)
{
    uint64_t cpus = 1;
    irq = port_event_irq();
    if (irq == 0) {
        give_up("needs a hypervisor");
    }
    check_range("a local interrupt of the custom range", irq, 13, 63);
    option("cpus", &cpus);
    event_shared();
    info[0] = event_info;
    port = (evtchn_port_t)event_bind_ipi(0);
    event_set_mask(port, false);
    settle();
    test_bit();
    test_before_enable();
    test_train();
    test_late();
    test_other_bits();
    if (cpus > 1) {
        test_others((unsigned int)cpus);
    }
}
