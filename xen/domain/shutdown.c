/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of a domain's activity, by its own wish, a watchdog, or a crash. For the hardware domain
 * it is the machine's end.
 */
#include <arch/cpu.h>
#include <public/sched.h>
#include <public/xen.h>
#include <xen/cpu.h>
#include <xen/domain.h>
#include <xen/opt.h>
#include <xen/printk.h>
#include <xen/time.h>

static void __noreturn machine_poweroff(void)
{
    cpu_halt_others();
    arch_machine_poweroff();
    printk(XENLOG_ERR
           "The firmware cannot power this machine off: halted, switch it off by hand\n");
    arch_cpu_halt();
}

static void __noreturn machine_reset(s_time_t delay)
{
    time_delay(delay);
    cpu_halt_others();
    arch_machine_reset();
    printk(XENLOG_ERR "The firmware cannot reset this machine: halted, reset it by hand\n");
    arch_cpu_halt();
}

/* After something went wrong: leave time to read why. */
static void __noreturn machine_reset_unless_forbidden(void)
{
    if (opt.noreboot) {
        printk("'noreboot' set - not rebooting.\n");
        cpu_halt_others();
        arch_cpu_halt();
    }
    printk("rebooting machine in 5 seconds.\n");
    machine_reset(SECONDS(5));
}

/* The words are Xen's: people and test suites wait for them. */
void machine_end(uint8_t reason)
{
    unsigned int id = hardware_domain != NULL ? hardware_domain->id : 0;

    switch (reason) {
    case SHUTDOWN_poweroff:
        printk("Hardware Dom%u halted: halting machine\n", id);
        machine_poweroff();
    case SHUTDOWN_reboot:
        printk("Hardware Dom%u shutdown: rebooting machine\n", id);
        machine_reset(0);
    case SHUTDOWN_watchdog:
        printk("Hardware Dom%u shutdown: watchdog rebooting machine\n", id);
        machine_reset(0);
    case SHUTDOWN_soft_reset:
        printk("Hardware domain %u did unsupported soft reset, rebooting.\n", id);
        machine_reset(0);
    case SHUTDOWN_crash: printk("Hardware Dom%u crashed: ", id); machine_reset_unless_forbidden();
    default:
        printk("Hardware Dom%u shutdown (unknown reason %u): ", id, reason);
        machine_reset_unless_forbidden();
    }
}

/* Tell who waits for it. */
static void shutdown_notify(struct domain *d, uint8_t reason)
{
    evtchn_port_t port = atomic_load(&d->suspend_port);

    if (reason != SHUTDOWN_suspend || port == 0 || evtchn_send(d, port) != 0) {
        evtchn_raise_global_virq(VIRQ_DOM_EXC);
    }
}

void domain_shutdown(struct domain *d, uint8_t reason)
{
    bool first;

    spin_lock(&d->lock);
    if (d->shutdown_code == SHUTDOWN_CODE_NONE) {
        d->shutdown_code = reason;
    }
    reason = d->shutdown_code;
    first = !d->is_shut_down;
    if (first && !d->is_hardware) {
        domain_pause_nowait(d); /* with the lock: domain_resume takes back what was counted */
    }
    atomic_store(&d->is_shut_down, true);
    spin_unlock(&d->lock);

    if (d->is_hardware) {
        machine_end(reason);
    }
    if (first) {
        shutdown_notify(d, reason);
    }
}

void domain_resume(struct domain *d)
{
    bool was;

    domain_pause(d);
    spin_lock(&d->lock);
    was = d->is_shut_down;
    atomic_store(&d->is_shut_down, false);
    d->shutdown_code = SHUTDOWN_CODE_NONE;
    spin_unlock(&d->lock);
    if (was) {
        domain_unpause(d);
    }
    domain_unpause(d);
}
