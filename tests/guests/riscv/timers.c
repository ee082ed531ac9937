/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The timer of a guest: `time`, SBI set_timer, stimecmp where the ISA string has Sstc; masked, in
 * WFI, for times that have passed, and a hundred in a row.
 */
#include <guest/print.h>
#include <guest/test.h>
#include <port/riscv.h>
#include <port/sbi.h>

#define NEVER   (~0UL)
#define PENDING (1UL << 5)

typedef void set_fn(uint64_t at);

static volatile unsigned int ticks;
static set_fn *set_timer;

static void set_by_sbi(uint64_t at)
{
    sbi_call(SBI_TIME, 0, at, 0, 0, 0, 0, 0);
}

static void set_by_csr(uint64_t at)
{
    CSR_WRITE(0x14d, at);
}

static void tick(unsigned int irq)
{
    (void)irq;
    set_timer(NEVER);
    ticks++;
}

static uint64_t milliseconds(uint64_t count)
{
    return port_frequency() * count / 1000;
}

static void spin_until(uint64_t counter)
{
    while (port_counter() < counter) {
        port_relax();
    }
}

static void test_counter(void)
{
    uint64_t first = port_counter();
    check("the frequency is known", port_frequency() >= 1000000);
    spin_until(first + 100);
    check("time passes", port_counter() >= first + 100);
    check("time began with the domain",
          guest_first_time < port_frequency() * 60 && first >= guest_first_time);
}

static void test_once(void)
{
    ticks = 0;
    uint64_t at = port_counter() + milliseconds(5);
    set_timer(at);
    check_eq("not yet", ticks, 0);
    check_eq("not pending", (int64_t)(CSR_READ(sip) & PENDING), 0);
    spin_until(at + milliseconds(5));
    check_eq("once", ticks, 1);
    spin_until(port_counter() + milliseconds(2));
    check_eq("only once", ticks, 1);
    set_timer(0);
    spin_until(port_counter() + milliseconds(1));
    check_eq("a time that has passed", ticks, 2);
    set_timer(port_counter() + milliseconds(2));
    set_timer(NEVER);
    spin_until(port_counter() + milliseconds(5));
    check_eq("taken back", ticks, 2);
    set_timer(NEVER - 1);
    check_eq("almost never", (int64_t)(CSR_READ(sip) & PENDING), 0);
    set_timer(NEVER);
}

static void test_masked(void)
{
    unsigned int before = ticks;
    trap_enable(5, false);
    set_timer(0);
    check_eq("disabled: pending", (int64_t)(CSR_READ(sip) & PENDING), PENDING);
    CSR_CLEAR(sip, PENDING);
    check_eq("the guest cannot clear it", (int64_t)(CSR_READ(sip) & PENDING), PENDING);
    spin_until(port_counter() + milliseconds(1));
    check_eq("disabled: not taken", ticks, before);
    trap_enable(5, true);
    spin_until(port_counter() + milliseconds(1));
    check_eq("enabled: taken", ticks, before + 1);
    check_eq("and gone", (int64_t)(CSR_READ(sip) & PENDING), 0);
}

static void sleep_until_tick(unsigned int before)
{
    while (ticks == before) {
        port_irq_disable();
        if (ticks == before) {
            port_wait();
        }
        port_irq_enable();
    }
}

/* Sleeps until the timer: woken by it, and by nothing long before it. */
static void test_sleep(void)
{
    uint64_t at = port_counter() + milliseconds(20);
    set_timer(at);
    sleep_until_tick(ticks);
    uint64_t late = port_counter() - at;
    check("sleep: not before the time", (int64_t)late >= 0);
    check("sleep: at most 10 ms late", late < milliseconds(10));
    /* A disabled interrupt wakes, too, if it is enabled in sie [RVPRIV 3.3.3]. */
    port_irq_disable();
    at = port_counter() + milliseconds(5);
    set_timer(at);
    while ((CSR_READ(sip) & PENDING) == 0) {
        port_wait();
    }
    check("wakes with interrupts off", port_counter() >= at);
    set_timer(NEVER);
    port_irq_enable();
}

static void test_train(void)
{
    unsigned int before = ticks;
    for (unsigned int i = 1; i <= 100; i++) {
        set_timer(port_counter() + milliseconds(1) / 10);
        uint64_t end = port_counter() + milliseconds(100);
        while (ticks != before + i && port_counter() < end) {
            port_relax();
        }
    }
    check_eq("a hundred ticks", ticks, before + 100);
}

static void test_by(const char *name, set_fn *set)
{
    print("# by %s\n", name);
    set_timer = set;
    set_timer(NEVER);
    test_once();
    test_masked();
    test_sleep();
    test_train();
    set_timer(NEVER);
}

/* Both ways set the same timer. */
static void test_both(void)
{
    unsigned int before = ticks;
    set_by_csr(port_counter() + milliseconds(1));
    set_by_sbi(NEVER);
    spin_until(port_counter() + milliseconds(3));
    check_eq("taken back by the SBI", ticks, before);
    set_by_sbi(1234567 + (1UL << 60));
    check_eq("stimecmp reads what the SBI set", (int64_t)CSR_READ(0x14d), 1234567 + (1L << 60));
    set_by_csr(NEVER);
}

void guest_main(void)
{
    set_timer = set_by_sbi;
    port_irq_handle(port_timer_irq(), tick);
    port_irq_enable();
    test_counter();
    test_by("SBI", set_by_sbi);
    if (cpu_has("sstc")) {
        test_by("stimecmp", set_by_csr);
        test_both();
    }
    port_irq_disable();
}
