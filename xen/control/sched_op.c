/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sched_op: what a guest says about its own running - yield, block, poll, shut down - and its
 * watchdogs.
 */
#include <arch/vcpu.h>
#include <public/sched.h>
#include <xen/cpu.h>
#include <xen/domain.h>
#include <xen/errno.h>
#include <xen/guest_copy.h>
#include <xen/op.h>

#define POLL_MAX 128u /* ports in one SCHEDOP_poll, as in Xen */

static long sched_op_yield(struct op_call *call)
{
    sched_yield(call->v);
    return 0;
}

static long sched_op_block(struct op_call *call)
{
    vcpu_block(call->v);
    return 0;
}

static long sched_op_shutdown(struct op_call *call)
{
    const struct sched_shutdown *shutdown = call->arg;

    domain_shutdown(call->d, (uint8_t)shutdown->reason);
    return 0;
}

static long sched_op_shutdown_code(struct op_call *call)
{
    const struct sched_shutdown *shutdown = call->arg;
    struct domain *d = call->d;

    spin_lock(&d->lock);
    if (d->shutdown_code == SHUTDOWN_CODE_NONE) {
        d->shutdown_code = (uint8_t)shutdown->reason;
    }
    spin_unlock(&d->lock);
    return 0;
}

/* Anything that ends the poll at once? 1: yes, 0: no, -EINVAL: a port that is none. */
static long sched_poll_ready(struct vcpu *v, const evtchn_port_t *port, uint32_t nr)
{
    if (arch_vcpu_wakeup_pending(v)) {
        return 1;
    }
    for (uint32_t i = 0; i < nr; i++) {
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
static bool sched_poll_blocked(const struct vcpu *v)
{
    return atomic_load(&v->pause_flags) == VPF_BLOCKED && atomic_load(&v->poll_port) != 0 &&
           atomic_test_bit(v->id, v->d->poll_mask);
}

static long sched_op_poll(struct op_call *call)
{
    const struct sched_poll *poll = call->arg;
    struct vcpu *v = call->v;
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
    atomic_store(&v->suspended, false);
    atomic_fetch_or(&v->pause_flags, VPF_BLOCKED);
    smp_mb(); /* we are seen as asleep before we look: pairs with whoever makes a port pending */
    rc = sched_poll_ready(v, port, poll->nr_ports);
    if (rc == 0 && sched_poll_blocked(v)) {
        if (poll->timeout != 0) {
            timer_set_here(&v->poll_timer, (s_time_t)(poll->timeout & INT64_MAX));
        }
        cpu_request(this_cpu(), CPU_PENDING_RESCHED);
        return 0;
    }
    vcpu_unblock(v);
    return rc < 0 ? rc : 0;
}

static long sched_op_remote_shutdown(struct op_call *call)
{
    const struct sched_remote_shutdown *remote = call->arg;

    domain_shutdown(call->d, (uint8_t)remote->reason);
    return 0;
}

static long sched_op_watchdog(struct op_call *call)
{
    const struct sched_watchdog *watchdog = call->arg;

    return domain_watchdog_set(call->d, watchdog->id, watchdog->timeout);
}

static long sched_op_pin_override(struct op_call *call)
{
    const struct sched_pin_override *pin = call->arg;

    return sched_pin_override(call->v, pin->pcpu);
}

static const struct op sched_rows[] = {
    [SCHEDOP_yield] = OP_BARE(sched_op_yield, ACCESS_ANY),
    [SCHEDOP_block] = OP_BARE(sched_op_block, ACCESS_ANY),
    [SCHEDOP_shutdown] = OP_WITH(sched_op_shutdown, sched_shutdown, 0, ACCESS_ANY),
    [SCHEDOP_poll] = OP_WITH(sched_op_poll, sched_poll, 0, ACCESS_ANY),
    [SCHEDOP_remote_shutdown] =
        OP_ON(sched_op_remote_shutdown, sched_remote_shutdown, domain_id, OP_ID, ACCESS_CONTROL),
    [SCHEDOP_shutdown_code] = OP_WITH(sched_op_shutdown_code, sched_shutdown, 0, ACCESS_ANY),
    [SCHEDOP_watchdog] = OP_WITH(sched_op_watchdog, sched_watchdog, 0, ACCESS_ANY),
    [SCHEDOP_pin_override] = OP_WITH(sched_op_pin_override, sched_pin_override, 0, ACCESS_CONTROL),
};

const struct op_table sched_ops = {OP_TABLE(op_run, sched_rows)};
