/* SPDX-License-Identifier: Apache-2.0 */
/* The generic timer as the hypervisor uses it: frequency, interrupts, access of guests. Guests'
 * timers are vtimer.c's. */
#include <arch/domain.h>
#include <arch/time.h>
#include <asm/gicv2.h>
#include <xen/dt.h>
#include <xen/printk.h>
#include <xen/trap.h>

static uint64_t counter_hz;

static const char *const timer_compatible[] = {"arm,armv8-timer", "arm,armv7-timer", NULL};

static const struct dt_node *timer_node(void)
{
    const struct dt_node *n;

    dt_for_each_node(&dt_host, n) {
        if (dt_compatible_any(&dt_host, n, timer_compatible)) {
            return n;
        }
    }
    return NULL;
}

/* Order in the node's interrupts: secure physical, physical, virtual, hypervisor [Linux
 * arm,arch_timer.yaml]. */
static uint32_t timer_irq(const struct dt_node *n, uint32_t index, const char *what)
{
    struct dt_irq irq;
    bool edge;
    int nr = -1;

    if (dt_irq(&dt_host, n, index, &irq) == 0) {
        nr = arch_dt_irq(irq.cells, irq.count, &edge);
    }
    if (nr < (int)GIC_NR_SGIS || nr >= (int)GIC_NR_PRIVATE) {
        panic("the device tree's timer node gives no %s timer interrupt\n", what);
    }
    return (uint32_t)nr;
}

void arch_time_init(void)
{
    const struct dt_node *n = timer_node();
    uint32_t hz = 0;

    if (n == NULL) {
        panic("no arm,armv8-timer in the device tree\n");
    }
    gic.virt_timer = timer_irq(n, 2, "virtual");
    gic.hyp_timer = timer_irq(n, 3, "hypervisor");
    counter_hz = READ_SYSREG(cntfrq_el0) & UINT32_MAX;
    if (dt_u32(&dt_host, n, "clock-frequency", &hz) && hz != 0) {
        counter_hz = hz; /* for firmware that leaves the register unset */
    }
    if (counter_hz == 0) {
        panic("the counter's frequency is unknown: CNTFRQ_EL0 is 0 and the timer node has no "
              "clock-frequency\n");
    }
}

static void timer_fired(unsigned int irq __unused, void *data __unused)
{
    timer_interrupt();
    isb(); /* its level went down there: before the deactivation, or it would fire once more */
}

/* Guests read both counters and own the virtual timer; the physical timer's registers trap [Arm ARM
 * D17.11.2]. */
#define CNTHCTL_EL1PCTEN 1ul

void arch_time_init_cpu(void)
{
    WRITE_SYSREG(CNTHCTL_EL1PCTEN, cnthctl_el2);
    WRITE_SYSREG(0, cnthp_ctl_el2);
    WRITE_SYSREG(0, cntv_ctl_el0);
    WRITE_SYSREG(0, cntp_ctl_el0);
    isb(); /* off before interrupts can be taken */
    gicv2_request(gic.hyp_timer, timer_fired);
}

uint64_t arch_counter_hz(void)
{
    return counter_hz;
}
