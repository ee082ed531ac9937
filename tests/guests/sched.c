/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sched_op: yield, block, poll, watchdogs, errors; it ends by a shutdown that the test did not
 * name.
 */
#include <guest/event.h>
#include <guest/hypercall.h>
#include <guest/memory.h>
#include <guest/port.h>
#include <guest/test.h>
#include <public/errno.h>
#include <public/sched.h>

static void *const bad = (void *)(uintptr_t)0x7000000000UL;

static void test_arguments(void)
{
    static uint64_t zero[8];
    struct sched_remote_shutdown remote = {.domain_id = 77, .reason = SHUTDOWN_poweroff};
    struct sched_pin_override pin = {.pcpu = 99};
    check_eq("yield", sched_op(SCHEDOP_yield, NULL), 0);
    check_eq("shutdown, unmapped", sched_op(SCHEDOP_shutdown, bad), -XEN_EFAULT);
    check_eq("shutdown_code, unmapped", sched_op(SCHEDOP_shutdown_code, bad), -XEN_EFAULT);
    check_eq("poll, unmapped", sched_op(SCHEDOP_poll, bad), -XEN_EFAULT);
    check_eq("remote_shutdown, unmapped", sched_op(SCHEDOP_remote_shutdown, bad), -XEN_EFAULT);
    check_eq("remote_shutdown of nobody", sched_op(SCHEDOP_remote_shutdown, &remote), -XEN_ESRCH);
    check_eq("watchdog, unmapped", sched_op(SCHEDOP_watchdog, bad), -XEN_EFAULT);
    check_eq("pin_override, unmapped", sched_op(SCHEDOP_pin_override, bad), -XEN_EFAULT);
    check_eq("pin_override to no CPU", sched_op(SCHEDOP_pin_override, &pin), -XEN_EINVAL);
    pin.pcpu = 0;
    check_eq("pin_override", sched_op(SCHEDOP_pin_override, &pin), 0);
    check_eq("pin_override again", sched_op(SCHEDOP_pin_override, &pin), -XEN_EBUSY);
    pin.pcpu = -1;
    check_eq("pin_override ends", sched_op(SCHEDOP_pin_override, &pin), 0);
    check_eq("command 8", sched_op(8, zero), -XEN_ENOSYS);
    check_eq("command -1", sched_op(~0U, zero), -XEN_ENOSYS);
}

static int64_t watchdog(uint32_t id, uint32_t timeout)
{
    struct sched_watchdog arg = {.id = id, .timeout = timeout};
    return sched_op(SCHEDOP_watchdog, &arg);
}

static void test_watchdog(void)
{
    check_eq("first watchdog", watchdog(0, 3600), 1);
    check_eq("second watchdog", watchdog(0, 3600), 2);
    check_known("a third", watchdog(0, 3600), -XEN_ENOSPC, (uint32_t)-XEN_ENOSPC,
                "Xen loses the sign in 64 bits");
    check_eq("arm again", watchdog(1, 3600), 0);
    check_eq("stop", watchdog(1, 0), 0);
    check_eq("stop again", watchdog(1, 0), -XEN_EINVAL);
    check_eq("unknown id", watchdog(3, 10), -XEN_EINVAL);
    check_eq("id -1", watchdog(~0U, 10), -XEN_EINVAL);
    check_eq("the first is free", watchdog(0, 3600), 1);
    check_eq("stop 1", watchdog(1, 0), 0);
    check_eq("stop 2", watchdog(2, 0), 0);
}

static volatile unsigned int upcalls;
static volatile unsigned int ticks;

static void upcall(unsigned int irq)
{
    (void)irq;
    event_info->evtchn_upcall_pending = 0;
    upcalls++;
}

static void tick(unsigned int irq)
{
    (void)irq;
    port_timer_stop();
    ticks++;
}

/* Blocked until the timer's interrupt, not for ever and not at all. */
static void test_block(void)
{
    port_irq_handle(port_timer_irq(), tick);
    port_irq_enable();
    uint64_t begin = port_counter();
    uint64_t delay = port_frequency() / 100;
    port_timer_set(begin + delay);
    check_eq("block", sched_op(SCHEDOP_block, NULL), 0);
    check_eq("woken by the timer", ticks, 1);
    check("not before it", port_counter() >= begin + delay);
    port_irq_disable();
}

static int64_t poll(const evtchn_port_t *ports, unsigned int count, uint64_t timeout)
{
    struct sched_poll arg = {
        .ports = hypercall_pointer(ports), .nr_ports = count, .timeout = timeout};
    return sched_op(SCHEDOP_poll, &arg);
}

static void test_poll(void)
{
    evtchn_port_t port = (evtchn_port_t)event_bind_ipi(0);
    evtchn_port_t ports[2] = {port, 4000};
    event_set_mask(port, true);
    event_send(port);
    check_eq("poll for what is pending", poll(ports, 1, 0), 0);
    event_clear(port);
    check_eq("poll until a time that has passed", poll(ports, 1, 1), 0);
    check_eq("poll for a port that is not", poll(ports + 1, 1, 1), -XEN_EINVAL);
    check_eq("poll for none", poll(ports, 0, 1), 0);
    check_eq("poll for 129", poll(ports, 129, 1), -XEN_EINVAL);
    check_eq("poll, list unmapped", poll(bad, 1, 1), -XEN_EFAULT);
    ports[1] = ~0U;
    check_eq("poll for port -1", poll(ports + 1, 1, 1), -XEN_EINVAL);
    event_close(port);
}

void guest_main(void)
{
    event_shared();
    port_irq_handle(port_event_irq(), upcall);
    test_arguments();
    test_watchdog();
    test_block();
    test_poll();
}
