/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interrupts that change their target while the other CPU idles, is off, or has not ended them: what
 * a list register of that CPU still holds must not keep them from coming.
 */
#include <guest/memory.h>
#include <guest/port.h>
#include <guest/print.h>
#include <guest/test.h>
#include <port/arm64.h>
#include <port/gicv2.h>

enum {
    HOSTED = 34, /* a device of QEMU virt is behind it (PL031) */
    PLAIN = 60,
    MASKED = 61,
    LEFT = 62,
    IPI = 3
};

static uint64_t gicc, gicd;
static volatile unsigned int taken[2], go, step;

static void on_any(unsigned int irq)
{
    (void)irq;
    taken[port_cpu()]++;
}

static void on_ipi(unsigned int irq)
{
    (void)irq;
}

static uint64_t word_of(unsigned int first, unsigned int irq)
{
    return gicd + first + irq / 32U * 4U;
}

/* Masks and unmasks itself while it is active. */
static void on_masked(unsigned int irq)
{
    write32(word_of(GICD_ICENABLER, irq), 1U << (irq % 32U));
    write32(word_of(GICD_ISENABLER, irq), 1U << (irq % 32U));
    on_any(irq);
}

static void pend(unsigned int irq)
{
    write32(word_of(GICD_ISPENDR, irq), 1U << (irq % 32U));
}

static bool is_active(unsigned int irq)
{
    return (read32(word_of(GICD_ISACTIVER, irq)) >> (irq % 32U) & 1U) != 0;
}

static void target(unsigned int irq, unsigned int cpu)
{
    write8(gicd + GICD_ITARGETSR + irq, (uint8_t)(1U << cpu));
}

static bool becomes(const volatile unsigned int *what, unsigned int value)
{
    uint64_t end = port_give_up();

    while (*what != value && port_counter() < end) {
        port_relax();
    }
    return *what == value;
}

static void run_idle(void)
{
    port_irq_handle(IPI, on_ipi);
    port_irq_enable();
    step = 1;
    while (go == 0) {
        port_wait();
    }
    port_irq_disable();
    step = 2;
}

/* The interrupt waits in this CPU's list register when it is given away and the CPU ends. */
static void run_leave(void)
{
    target(LEFT, 1);
    pend(LEFT);
    target(LEFT, 0);
    step = 3;
}

/* Made pending for the other CPU while it is active here, outside list registers. */
static void run_hosted(void)
{
    uint32_t iar;

    write32(gicc + GICC_PMR, 0xff);
    write32(gicc, 1);
    target(HOSTED, 1);
    pend(HOSTED);
    iar = read32(gicc + GICC_IAR);
    write32(gicd + GICD_CTLR, 0);
    target(HOSTED, 0);
    pend(HOSTED);
    write32(gicd + GICD_CTLR, 1);
    (void)read32(gicd + GICD_ISENABLER); /* an exit: it is back in a list register */
    write32(gicc + GICC_EOIR, iar);
    taken[1] = iar & 0x3ffU;
    step = 4;
    while (go != 2) {
        port_relax();
    }
    step = 5;
}

static void start(void (*fn)(void), unsigned int reached)
{
    uint64_t end = port_give_up();
    int64_t rc;

    do { /* it may still be on its way off */
        rc = port_cpu_start(1, fn);
    } while (rc != 0 && port_counter() < end);
    check_eq("CPU 1 starts", rc, 0);
    check_eq("and comes to the step", becomes(&step, reached), true);
}

static void test_idle(void)
{
    uint64_t end;

    start(run_idle, 1);
    port_irq_handle(PLAIN, on_any);
    target(PLAIN, 1);
    pend(PLAIN);
    check("CPU 1 takes the first", becomes(&taken[1], 1));
    port_irq_handle(MASKED, on_masked);
    target(MASKED, 1);
    pend(MASKED);
    check("and one that masks itself", becomes(&taken[1], 2));
    end = port_give_up();
    while (is_active(MASKED) && port_counter() < end) {
        port_relax();
    }
    check("what an idle CPU has ended is not active", !is_active(MASKED));
    target(PLAIN, 0);
    pend(PLAIN);
    port_irq_enable();
    check("what it had before comes to CPU 0", becomes(&taken[0], 1));
    port_irq_disable();
    go = 1;
    port_ipi(1, IPI);
    check("CPU 1 ends", becomes(&step, 2));
}

static void test_off(void)
{
    taken[0] = 0;
    port_irq_handle(LEFT, on_any);
    start(run_leave, 3);
    port_irq_enable();
    check_known("what waited at a CPU that ended comes to CPU 0", becomes(&taken[0], 1), 1, 0,
                "Xen leaves it in the list register of the vCPU that is off");
    port_irq_disable();
}

static void test_hosted(void)
{
    taken[0] = 0;
    port_irq_handle(HOSTED, on_any);
    start(run_hosted, 4);
    check_eq("CPU 1 has taken the host's", taken[1], HOSTED);
    port_irq_enable();
    check("it comes to CPU 0 when CPU 1 has ended it", becomes(&taken[0], 1));
    port_irq_disable();
    go = 2;
    check("CPU 1 goes on", becomes(&step, 5));
}

void guest_main(void)
{
    gicc = gic_cpu_interface();
    gicd = gic_distributor();
    port_irq_handle(IPI, on_ipi);
    test_idle();
    test_off();
    test_hosted();
}
