/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The timers of a guest [Arm ARM D11]: virtual and physical, by compare value and by downcounter,
 * masked, in WFI, and their interrupts' end.
 */
#include <guest/print.h>
#include <guest/test.h>
#include <port/arm64.h>
#include <port/gicv2.h>

enum {
    PHYSICAL = 30,
    VIRTUAL = 27
};

static volatile unsigned int ticks[32];

static void tick_virtual(unsigned int irq)
{
    WRITE_SYSREG(cntv_ctl_el0, 3);
    ticks[irq]++;
}

static void tick_physical(unsigned int irq)
{
    WRITE_SYSREG(cntp_ctl_el0, 3);
    ticks[irq]++;
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

static void test_counters(void)
{
    uint64_t first = port_counter();
    check("the frequency is known", port_frequency() >= 1000000);
    check("virtual time passes", port_counter() > first);
    uint64_t physical = READ_SYSREG(cntpct_el0);
    check("physical time can be read", physical >= first);
    check("and passes", READ_SYSREG(cntpct_el0) > physical);
    check("virtual time began with the domain", READ_SYSREG(cntvct_el0) < physical);
}

static void test_virtual(void)
{
    uint64_t at = port_counter() + milliseconds(5);
    WRITE_SYSREG(cntv_cval_el0, at);
    WRITE_SYSREG(cntv_ctl_el0, 1);
    check_eq("virtual: not yet", ticks[VIRTUAL], 0);
    check_eq("virtual: ISTATUS clear", (int64_t)READ_SYSREG(cntv_ctl_el0), 1);
    spin_until(at + milliseconds(5));
    check_eq("virtual: once", ticks[VIRTUAL], 1);
    check_eq("virtual: ISTATUS and IMASK", (int64_t)READ_SYSREG(cntv_ctl_el0), 7);
    WRITE_SYSREG(cntv_tval_el0, milliseconds(2));
    WRITE_SYSREG(cntv_ctl_el0, 1);
    spin_until(port_counter() + milliseconds(10));
    check_eq("virtual: by downcounter", ticks[VIRTUAL], 2);
    WRITE_SYSREG(cntv_cval_el0, 0);
    WRITE_SYSREG(cntv_ctl_el0, 1);
    spin_until(port_counter() + milliseconds(2));
    check_eq("virtual: a time that has passed", ticks[VIRTUAL], 3);
    WRITE_SYSREG(cntv_cval_el0, 0);
    WRITE_SYSREG(cntv_ctl_el0, 3);
    spin_until(port_counter() + milliseconds(2));
    check_eq("virtual: masked, none", ticks[VIRTUAL], 3);
    WRITE_SYSREG(cntv_ctl_el0, 0);
}

static void test_physical(void)
{
    uint64_t at = READ_SYSREG(cntpct_el0) + milliseconds(5);
    WRITE_SYSREG(cntp_cval_el0, at);
    check_eq("physical: compare value", (int64_t)READ_SYSREG(cntp_cval_el0), (int64_t)at);
    WRITE_SYSREG(cntp_ctl_el0, 1);
    check_eq("physical: CTL", (int64_t)(READ_SYSREG(cntp_ctl_el0) & 3), 1);
    spin_until(port_counter() + milliseconds(10));
    check_eq("physical: once", ticks[PHYSICAL], 1);
    check_eq("physical: ISTATUS", (int64_t)(READ_SYSREG(cntp_ctl_el0) >> 2 & 1), 1);
    WRITE_SYSREG(cntp_tval_el0, milliseconds(2));
    WRITE_SYSREG(cntp_ctl_el0, 1);
    spin_until(port_counter() + milliseconds(10));
    check_eq("physical: by downcounter", ticks[PHYSICAL], 2);
    WRITE_SYSREG(cntp_tval_el0, milliseconds(1));
    WRITE_SYSREG(cntp_ctl_el0, 0);
    spin_until(port_counter() + milliseconds(5));
    check_eq("physical: off, none", ticks[PHYSICAL], 2);
}

/* Sleeps until the timer: woken by it, and by nothing long before it. */
static void test_sleep(void)
{
    uint64_t at = port_counter() + milliseconds(20);
    WRITE_SYSREG(cntv_cval_el0, at);
    WRITE_SYSREG(cntv_ctl_el0, 1);
    unsigned int before = ticks[VIRTUAL];
    while (ticks[VIRTUAL] == before) {
        port_irq_disable();
        if (ticks[VIRTUAL] == before) {
            port_wait();
        }
        port_irq_enable();
    }
    uint64_t late = port_counter() - at;
    check("sleep: not before the time", (int64_t)late >= 0);
    check("sleep: at most 10 ms late", late < milliseconds(10));
    WRITE_SYSREG(cntp_tval_el0, milliseconds(10));
    WRITE_SYSREG(cntp_ctl_el0, 1);
    before = ticks[PHYSICAL];
    while (ticks[PHYSICAL] == before) {
        port_irq_disable();
        if (ticks[PHYSICAL] == before) {
            port_wait();
        }
        port_irq_enable();
    }
    check("sleep: woken by the physical timer", true);
}

/* A hundred in a row: each is delivered once. */
static void test_train(void)
{
    unsigned int before = ticks[VIRTUAL];
    for (unsigned int i = 1; i <= 100; i++) {
        WRITE_SYSREG(cntv_tval_el0, milliseconds(1) / 10);
        WRITE_SYSREG(cntv_ctl_el0, 1);
        uint64_t end = port_counter() + milliseconds(100);
        while (ticks[VIRTUAL] != before + i && port_counter() < end) {
            port_relax();
        }
    }
    check_eq("a hundred ticks", ticks[VIRTUAL], before + 100);
}

void guest_main(void)
{
    port_irq_handle(VIRTUAL, tick_virtual);
    port_irq_handle(PHYSICAL, tick_physical);
    port_irq_enable();
    test_counters();
    test_virtual();
    test_physical();
    test_sleep();
    test_train();
    port_irq_disable();
}
