/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SBI between harts [RVSBI 7 to 9]: starting and stopping with all that is wrong about it, the
 * state that a hart begins with, interrupts both ways, and fences that take effect on the other
 * hart. cpus= says how many; with one there is nothing to do.
 */
#include <guest/memory.h>
#include <guest/print.h>
#include <guest/test.h>
#include <port/riscv.h>
#include <port/sbi.h>

enum {
    IPI = 4,
    SUSPEND_RETENTIVE = 0,
    ALREADY = SBI_ALREADY_AVAILABLE
};

static uint64_t cpus;
static volatile unsigned int arrived;
static volatile unsigned int stop;
static volatile unsigned int ipis[PORT_MAX_CPUS];

static int64_t hsm(uint64_t function, uint64_t hart, uint64_t a1, uint64_t a2)
{
    return sbi_call(SBI_HSM, function, hart, a1, a2, 0, 0, 0).error;
}

static uint64_t status(uint64_t hart)
{
    return sbi_call(SBI_HSM, HSM_STATUS, hart, 0, 0, 0, 0, 0).value;
}

static bool wait_status(uint64_t hart, uint64_t wanted)
{
    uint64_t end = port_give_up();
    while (status(hart) != wanted && port_counter() < end) {
        port_relax();
    }
    return status(hart) == wanted;
}

static bool wait_for(const volatile unsigned int *counter, unsigned int value)
{
    uint64_t end = port_give_up();
    while (*counter != value && port_counter() < end) {
        port_relax();
    }
    return *counter == value;
}

/* Runs where it is loaded, with paging off: keeps what it began with and stops. */
extern char harts_probe[];
__asm__(".balign 4\n"
        "harts_probe:\n\t"
        "sd a0, 0(a1)\n\t"
        "csrr t0, satp\n\t"
        "sd t0, 8(a1)\n\t"
        "csrr t0, sstatus\n\t"
        "sd t0, 16(a1)\n\t"
        "csrr t0, sie\n\t"
        "sd t0, 24(a1)\n\t"
        "li t0, 1\n\t"
        "sd t0, 32(a1)\n\t"
        "li a7, 0x48534d\n\t"
        "li a6, 1\n\t"
        "ecall\n"
        "1:\tj 1b");

static void test_refused(void)
{
    uint64_t code = port_physical(harts_probe);
    check("hart 1 is stopped", status(1) == HSM_STOPPED);
    check_eq("start at an odd address", hsm(HSM_START, 1, code + 1, 0), SBI_INVALID_ADDRESS);
    check_eq("start at -2", hsm(HSM_START, 1, ~1UL, 0), SBI_INVALID_ADDRESS);
    check_eq("start at 2^41", hsm(HSM_START, 1, 1UL << 41, 0), SBI_INVALID_ADDRESS);
    check_eq("start of a hart behind the last", hsm(HSM_START, cpus, code, 0), SBI_INVALID_PARAM);
    check("it is still stopped", status(1) == HSM_STOPPED);
}

static void test_begin(void)
{
    static volatile uint64_t state[5];
    const void *at = (const void *)(uintptr_t)state;
    unsigned int wrong = 0;
    for (unsigned int round = 0; round < 50; round++) {
        for (unsigned int i = 0; i < 5; i++) {
            state[i] = ~0UL;
        }
        int64_t rc = hsm(HSM_START, 1, port_physical(harts_probe), port_physical(at));
        wrong += rc != SBI_OK || !wait_status(1, HSM_STOPPED) || state[4] != 1;
    }
    check_eq("fifty starts and stops", wrong, 0);
    check_eq("a0: the hart", (int64_t)state[0], 1);
    check_eq("satp: paging off", (int64_t)state[1], 0);
    check_eq("sstatus.SIE: interrupts off", (int64_t)(state[2] & 2), 0);
    check_eq("sie", (int64_t)state[3], 0);
}

static void on_ipi(unsigned int irq)
{
    (void)irq;
    __atomic_fetch_add(&ipis[port_cpu()], 1, __ATOMIC_SEQ_CST);
}

static void echo(unsigned int irq)
{
    on_ipi(irq);
    port_ipi(0, IPI);
}

static void idle_run(void)
{
    port_irq_handle(IPI + port_cpu(), echo);
    port_irq_enable();
    __atomic_fetch_add(&arrived, 1, __ATOMIC_SEQ_CST);
    while (!stop) {
        port_wait();
    }
    port_irq_disable();
}

static void test_ipis(void)
{
    port_irq_handle(IPI, on_ipi);
    port_irq_enable();
    for (unsigned int cpu = 1; cpu < cpus; cpu++) {
        check_eq("start", port_cpu_start(cpu, idle_run), SBI_OK);
        check("it runs", wait_for(&arrived, cpu));
        check("it says so", status(cpu) == HSM_STARTED);
        check_eq("start again", hsm(HSM_START, cpu, port_physical(harts_probe), 0), ALREADY);
        unsigned int before = ipis[0];
        for (unsigned int i = 1; i <= 100; i++) {
            port_ipi(cpu, IPI + cpu);
            if (!wait_for(&ipis[0], before + i)) {
                break;
            }
        }
        check_eq("a hundred there and back", ipis[0], before + 100);
    }
}

/* Sleeps in the SBI: an interrupt ends it, and execution goes on behind the call. */
static void test_suspend(void)
{
    unsigned int before = ipis[0];
    port_irq_disable();
    port_ipi(1, IPI + 1);
    int64_t rc = hsm(HSM_SUSPEND, SUSPEND_RETENTIVE, 0, 0);
    port_irq_enable();
    print("# retentive suspend: %ld\n", rc);
    check("back from suspend", rc == SBI_OK || rc == SBI_NOT_SUPPORTED);
    check("by the interrupt", wait_for(&ipis[0], before + 1));
}

/* Suspends when an odd number of IPIs has come and waits by WFI else. */
static void sleeper_run(void)
{
    unsigned int done = 0;
    port_irq_handle(IPI + 1, on_ipi);
    while (!stop) {
        if (ipis[1] != done && ipis[1] % 2 != 0) {
            done = ipis[1];
            if (hsm(HSM_SUSPEND, SUSPEND_RETENTIVE, 0, 0) == SBI_OK) {
                __atomic_fetch_add(&arrived, 1, __ATOMIC_SEQ_CST);
            }
        } else {
            port_wait();
        }
        port_irq_enable();
        port_irq_disable();
    }
}

/* A hart is suspended from its call on until an interrupt, and at no other time. */
static void test_suspended(void)
{
    unsigned int wrong = 0;
    stop = 0;
    arrived = ipis[1] = 0;
    check_eq("start", port_cpu_start(1, sleeper_run), SBI_OK);
    for (unsigned int i = 1; i <= 50; i++) {
        wrong += !wait_status(1, HSM_STARTED);
        port_ipi(1, IPI + 1);
        wrong += !wait_status(1, HSM_SUSPENDED) || arrived == i;
        wrong += hsm(HSM_START, 1, port_physical(harts_probe), 0) != ALREADY;
        port_ipi(1, IPI + 1);
        wrong += !wait_for(&arrived, i);
        wrong += !wait_for(&ipis[1], 2 * i);
        wrong += status(1) != HSM_STARTED;
    }
    check_eq("fifty times suspended and woken", wrong, 0);
}

/* The other hart reads through a page that is exchanged under it, and calls code that changes. */
static volatile uint64_t *window;
static uint32_t code[2] __attribute__((aligned(64)));
static volatile unsigned int turn;
static volatile uint64_t seen[2];

static void other_run(void)
{
    unsigned int done = 0;
    while (!stop) {
        if (turn != done) {
            done = turn;
            seen[0] = window[0];
            seen[1] = ((uint64_t (*)(void))(uintptr_t)code)();
            __atomic_store_n(&arrived, done, __ATOMIC_SEQ_CST);
        }
        port_relax();
    }
}

static void test_fences(void)
{
    uint64_t *page[2] = {page_alloc(), page_alloc()};
    unsigned int stale = 0;
    page[0][0] = 100;
    page[1][0] = 101;
    window = port_map(6, port_physical(page[0]), true);
    code[1] = 0x00008067; /* ret */
    stop = 0;
    arrived = 0;
    check_eq("start", port_cpu_start(1, other_run), SBI_OK);
    for (unsigned int i = 1; i <= 200; i++) {
        port_map(6, port_physical(page[i % 2]), true);
        code[0] = i << 20 | 10U << 7 | 0x13; /* li a0, i */
        sbi_call(SBI_RFENCE, 0, 2, 0, 0, 0, 0, 0);
        sbi_call(SBI_RFENCE, 1, 2, 0, (uint64_t)(uintptr_t)window, PAGE_SIZE, 0, 0);
        turn = i;
        if (!wait_for(&arrived, i)) {
            break;
        }
        stale += seen[0] != 100 + i % 2 || seen[1] != i;
    }
    check_eq("two hundred exchanges seen", arrived, 200);
    check_eq("of them stale", stale, 0);
}

static void stop_all(void)
{
    stop = 1;
    for (unsigned int cpu = 1; cpu < cpus; cpu++) {
        port_ipi(cpu, IPI + cpu);
        check("stopped", wait_status(cpu, HSM_STOPPED));
    }
}

void guest_main(void)
{
    cpus = 1;
    option("cpus", &cpus);
    if (cpus == 1) {
        check("one hart only", true);
        return;
    }
    test_refused();
    test_begin();
    test_ipis();
    test_suspend();
    stop_all();
    test_suspended();
    stop_all();
    test_fences();
    stop_all();
    port_irq_disable();
}
