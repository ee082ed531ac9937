/*
 * sched_op: what a guest says about its own running - yield, block, poll, shut down - and its
 * watchdogs.
 */
#include <arch/vcpu.h>
#include <public/sched.h>
#include <xen/access.h>
#include <xen/cpu.h>
#include <xen/domain.h>
#include <xen/errno.h>
#include <xen/guest_copy.h>
#include <xen/hypercall.h>

#define POLL_MAX 128u /* ports in one SCHEDOP_poll, as in Xen */

static long sched_op_yield(struct vcpu *v, void *arg __unused)
{
    sched_yield(v);
    return 0;
}

static long sched_op_block(struct vcpu *v, void *arg __unused)
{
    vcpu_block(v);
    return 0;
}

static long sched_op_shutdown(struct vcpu *v, void *arg)
{
    const struct sched_shutdown *shutdown = arg;

    domain_shutdown(v->d, (uint8_t)shutdown->reason);
    return 0;
}

static long sched_op_shutdown_code(struct vcpu *v, void *arg)
{
    const struct sched_shutdown *shutdown = arg;

    spin_lock(&v->d->lock);
    if (v->d->shutdown_code == SHUTDOWN_CODE_NONE) {
        v->d->shutdown_code = (uint8_t)shutdown->reason;
    }
    spin_unlock(&v->d->lock);
    return 0;
}

/* Anything that ends the poll at once? 1: yes, 0: no, -EINVAL: a port that is none. */
static long poll_ready(struct vcpu *v, const evtchn_port_t *port, uint32_t nr)
{
    uint32_t i;

    if (arch_vcpu_wakeup_pending(v)) {
        return 1;
    }
    for (i = 0; i < nr; i++) {
        if (!evtchn_port_valid(v->d, port[i])) {
            return -EINVAL;
        }
        if (evtchn_port_is_pending(v->d, port[i])) {
            return 1;
        }
    }
    return 0;
}

/* Still asleep, or did somebody wake us while we were looking? */
static bool poll_blocked(const struct vcpu *v)
{
    return atomic_load(&v->pause_flags) == VPF_BLOCKED && atomic_load(&v->poll_port) != 0 &&
           atomic_test_bit(v->id, v->d->poll_mask);
}

static long sched_op_poll(struct vcpu *v, void *arg)
{
    const struct sched_poll *poll = arg;
    evtchn_port_t port[POLL_MAX];
    long rc;

    if (poll->nr_ports > POLL_MAX) {
        return -EINVAL;
    }
    if (guest_copy_from(port, poll->ports, poll->nr_ports * sizeof(*port)) != 0) {
        return -EFAULT;
    }
    if (timer_armed(&v->poll_timer)) {
        timer_stop(&v->poll_timer); /* of an earlier poll that an event ended */
    }
    atomic_store(&v->poll_port, poll->nr_ports == 1 && port[0] != 0 ? port[0] : EVTCHN_POLL_ANY);
    (void)atomic_test_and_set_bit(v->id, v->d->poll_mask);
    atomic_fetch_or(&v->pause_flags, VPF_BLOCKED);
    smp_mb(); /* we are seen as asleep before we look: pairs with whoever makes a port pending */
    rc = poll_ready(v, port, poll->nr_ports);
    if (rc == 0 && poll_blocked(v)) {
        if (poll->timeout != 0) {
            timer_set_here(&v->poll_timer, (s_time_t)(poll->timeout & INT64_MAX));
        }
        cpu_request(this_cpu(), CPU_PENDING_RESCHED);
        return 0;
    }
    vcpu_unblock(v);
    return rc < 0 ? rc : 0;
}

static long sched_op_remote_shutdown(struct vcpu *v, void *arg)
{
    const struct sched_remote_shutdown *remote = arg;
    struct domain *d = domain_get_by_id(remote->domain_id);
    long rc = 0;

    if (d == NULL) {
        return -ESRCH;
    }
    if (access_control(v->d)) {
        domain_shutdown(d, (uint8_t)remote->reason);
    } else {
        rc = -EPERM;
    }
    domain_put(d);
    return rc;
}

static long sched_op_watchdog(struct vcpu *v, void *arg)
{
    const struct sched_watchdog *watchdog = arg;

    return domain_watchdog_set(v->d, watchdog->id, watchdog->timeout);
}

static long sched_op_pin_override(struct vcpu *v, void *arg)
{
    const struct sched_pin_override *pin = arg;

    return sched_pin_override(v, pin->pcpu);
}

long do_sched_op(struct vcpu *v, uint64_t *arg)
{
    static const struct hypercall_op ops[] = {
        [SCHEDOP_yield] = {sched_op_yield, 0, 0},
        [SCHEDOP_block] = {sched_op_block, 0, 0},
        [SCHEDOP_shutdown] = {sched_op_shutdown, sizeof(struct sched_shutdown), 0},
        [SCHEDOP_poll] = {sched_op_poll, sizeof(struct sched_poll), 0},
        [SCHEDOP_remote_shutdown] = {sched_op_remote_shutdown, sizeof(struct sched_remote_shutdown),
                                     0},
        [SCHEDOP_shutdown_code] = {sched_op_shutdown_code, sizeof(struct sched_shutdown), 0},
        [SCHEDOP_watchdog] = {sched_op_watchdog, sizeof(struct sched_watchdog), 0},
        [SCHEDOP_pin_override] = {sched_op_pin_override, sizeof(struct sched_pin_override),
                                  OP_PRIV},
    };

    return hypercall_op(v, ops, ARRAY_SIZE(ops), arg[0], arg[1]);
}
