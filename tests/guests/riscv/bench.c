/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a guest does most, inside windows that a QEMU plugin (tools/xenolith/bench/windows.c) counts
 * by who executes: hypervisor, firmware, guest. `slti x0, x0, 96 + k` opens the window of figure
 * R<k>, 96 closes it. Each operation is warmed up and then measured many times. part=0: one vCPU;
 * part=1: two vCPUs on two CPUs; part=2: two vCPUs on one CPU; boot=1: nothing.
 */
#include <guest/event.h>
#include <guest/hypercall.h>
#include <guest/memory.h>
#include <guest/print.h>
#include <guest/test.h>
#include <port/riscv.h>
#include <port/sbi.h>
#include <public/arch-riscv.h>
#include <public/sched.h>

enum {
    ROUNDS = 73, /* the first eight do not count */
    DELAY = 2000,
    CROSS = 1,
    SWITCH = 2
};

static evtchn_port_t port;
static volatile unsigned int ready;
static volatile unsigned int stop;

/*
 * Ends the window at the first instruction of an interrupt; takes back every interrupt that there
 * may be and counts it in the second word behind sscratch.
 */
extern char bench_vector[];
__asm__(".balign 4\n"
        "bench_vector:\n\t"
        "slti zero, zero, 96\n\t"
        "csrrw sp, sscratch, sp\n\t"
        "sd t0, 0(sp)\n\t"
        "csrci sip, 2\n\t"
        "li t0, -1\n\t"
        "csrw 0x14d, t0\n\t"
        "ld t0, 8(sp)\n\t"
        "addi t0, t0, 1\n\t"
        "sd t0, 8(sp)\n\t"
        "ld t0, 0(sp)\n\t"
        "csrrw sp, sscratch, sp\n\t"
        "sret");

static volatile uint64_t scratch[PORT_MAX_CPUS][2];

static uint64_t interrupts(unsigned int cpu)
{
    return scratch[cpu][1];
}

/* Interrupts go to bench_vector, and the handlers come back. */
static uint64_t vector_begin(void)
{
    uint64_t vector = CSR_READ(stvec);
    CSR_WRITE(sscratch, (uint64_t)(uintptr_t)scratch[port_cpu()]);
    CSR_WRITE(stvec, (uint64_t)(uintptr_t)bench_vector);
    return vector;
}

static void vector_end(uint64_t vector)
{
    port_irq_disable();
    CSR_WRITE(stvec, vector);
    CSR_WRITE(sscratch, 0);
}

/* One SBI call in window `k`, a constant. */
#define CALL(k, extension, function, b, c) \
    do { \
        register uint64_t a0 __asm__("a0") = (b); \
        register uint64_t a1 __asm__("a1") = (c); \
        register uint64_t a2 __asm__("a2") = (c); \
        register uint64_t a6 __asm__("a6") = (function); \
        register uint64_t a7 __asm__("a7") = (extension); \
        __asm__ volatile("slti zero, zero, 96 + %[window]\n\tecall\n\tslti zero, zero, 96" \
                         : "+r"(a0), "+r"(a1) \
                         : "r"(a2), "r"(a6), "r"(a7), [window] "i"(k) \
                         : "memory"); \
    } while (0)

static void bench_calls(void)
{
    for (unsigned int i = 0; i < ROUNDS; i++) {
        CALL(1, SBI_BASE, 0, 0, 0);
    }
    for (unsigned int i = 0; i < ROUNDS; i++) {
        CALL(2, XEN_SBI_EXT_HYPERCALL, 63, 0, 0);
    }
    uint64_t far = port_counter() + 3600 * port_frequency();
    for (unsigned int i = 0; i < ROUNDS; i++) {
        CALL(3, SBI_TIME, 0, far, 0);
    }
    port_timer_stop();
}

static void bench_timer(void)
{
    trap_enable(5, true);
    for (unsigned int i = 0; i < ROUNDS; i++) {
        uint64_t before = interrupts(port_cpu());
        port_timer_set(port_counter() + DELAY);
        __asm__ volatile("slti zero, zero, 96 + 4" ::: "memory");
        while (interrupts(port_cpu()) == before) {
        }
    }
    trap_enable(5, false);
}

static void bench_own_ipi(void)
{
    trap_enable(1, true);
    for (unsigned int i = 0; i < ROUNDS; i++) {
        CALL(5, SBI_IPI, 0, 1, 0);
    }
}

static void bench_events(void)
{
    static struct evtchn_send send;
    send.port = port;
    for (unsigned int i = 0; i < ROUNDS; i++) {
        register uint64_t a0 __asm__("a0") = 0;
        register uint64_t a1 __asm__("a1") = EVTCHNOP_send;
        register uint64_t a2 __asm__("a2") = hypercall_pointer(&send);
        register uint64_t a6 __asm__("a6") = __HYPERVISOR_event_channel_op;
        register uint64_t a7 __asm__("a7") = XEN_SBI_EXT_HYPERCALL;
        __asm__ volatile("slti zero, zero, 96 + 8\n\tecall\n\tslti zero, zero, 96"
                         : "+r"(a0)
                         : "r"(a1), "r"(a2), "r"(a6), "r"(a7)
                         : "memory");
        event_clear(port);
        CSR_CLEAR(sip, 1UL << port_event_irq());
    }
}

static void bench_one(void)
{
    bench_calls();
    event_shared();
    port = (evtchn_port_t)event_bind_ipi(0);
    event_set_mask(port, false);
    event_clear(port);
    bench_events();
    uint64_t vector = vector_begin();
    port_irq_enable();
    if (cpu_has("sstc")) {
        bench_timer();
    }
    bench_own_ipi();
    vector_end(vector);
}

/* A timer that interrupts nobody: QEMU, which runs CPUs in turns, ends the turn when it is due. */
static void let_others_run(void)
{
    port_timer_set(port_counter() + DELAY / 10);
    port_relax();
}

static void cross_run(void)
{
    uint64_t vector = vector_begin();
    trap_enable(1, true);
    port_irq_enable();
    ready = 1;
    while (!stop) {
        let_others_run();
    }
    vector_end(vector);
}

/* The window ends at the other vCPU's first instruction. */
static void bench_cross(void)
{
    for (unsigned int i = 0; i < ROUNDS; i++) {
        uint64_t before = interrupts(1);
        register uint64_t a0 __asm__("a0") = 1;
        register uint64_t a1 __asm__("a1") = 1;
        register uint64_t a6 __asm__("a6") = 0;
        register uint64_t a7 __asm__("a7") = SBI_IPI;
        __asm__ volatile("slti zero, zero, 96 + 6\n\tecall"
                         : "+r"(a0), "+r"(a1)
                         : "r"(a6), "r"(a7)
                         : "memory");
        while (interrupts(1) == before) {
            let_others_run();
        }
    }
}

static void yield(void)
{
    let_others_run();
    sched_op(SCHEDOP_yield, NULL);
}

static void switch_run(void)
{
    ready = 1;
    while (!stop) {
        __asm__ volatile("slti zero, zero, 96" ::: "memory");
        sched_op(SCHEDOP_yield, NULL);
    }
}

/* The window ends at the other vCPU's first instruction after its own yield. */
static void bench_switch(void)
{
    for (unsigned int i = 0; i < ROUNDS; i++) {
        __asm__ volatile("slti zero, zero, 96 + 7" ::: "memory");
        sched_op(SCHEDOP_yield, NULL);
    }
}

static void bench_two(void (*other)(void), void (*bench)(void))
{
    check_eq("start the other vCPU", port_cpu_start(1, other), 0);
    while (!ready) {
        yield();
    }
    bench();
    stop = 1;
    while (sbi_call(SBI_HSM, HSM_STATUS, 1, 0, 0, 0, 0, 0).value != HSM_STOPPED) {
        yield();
    }
}

void guest_main(void)
{
    uint64_t boot_only;
    uint64_t part = 0;
    if (option("boot", &boot_only)) {
        return;
    }
    option("part", &part);
    if (part == CROSS) {
        bench_two(cross_run, bench_cross);
    } else if (part == SWITCH) {
        bench_two(switch_run, bench_switch);
    } else {
        bench_one();
    }
}
