/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Event channels (xen/event/evtchn.c, virq.c, xen/control/evtchn_op.c), with one port per page: two
 * domains of two vCPUs; each has two ports besides the reserved one, and may grow a third. From any
 * valid state (any ports in use, any bindings, any queue of freed ports) any one operation of
 * domain 0, with any arguments, leaves a valid state, so that by induction all sequences of both
 * domains do:
 *
 * - a port is in one state; the ends of a pair name each other, in one domain or in two;
 * - freed ports are in the queue of their domain once, others never: nothing is freed twice or
 *   lost;
 * - a VIRQ's port and the table of its vCPU name each other; bound ports are counted;
 * - every lock is free, and the bind lock was taken before those of ports.
 *
 * An operation changes the port that it is about, and the other end of it, and no other one: any
 * port is watched. What fails changes nothing, but for the order of freed ports. A send makes just
 * the port at the other end pending (an IPI: the port itself), a VIRQ the port that is bound to it;
 * a port that is closed is made not pending, once.
 *
 * Stubs: the form in which ports are told to guests, with contracts for 2-level and FIFO (a freed
 * port may still be in a guest's queue), pages for ports, with failures at will. Not proved here:
 * these forms, pollers, who gets a global VIRQ, the end of a domain, two CPUs at a time.
 */
#include "proof.h"

#include <xen/errno.h>

extern const struct evtchn_ops proof_form;

static void proof_heard(const struct evtchn *e);

#include "xen/control/evtchn_op.c"
#include "xen/event/evtchn.c"
#include "xen/event/virq.c"

#include "evtchn_below.h"
#include "evtchn_state.h"

static bool nothing_is_told(void)
{
    return nr_raised == 0 && nr_cleared == 0 && nr_unmasked == 0 && nr_heard == 0;
}

static void check_state(void)
{
    CHECK(state_is_valid());
    CHECK(rank_held == 0);
    REACHED("the end");
}

/* It failed: nothing has changed. */
static void check_failed(long rc)
{
    CHECK(rc < 0 && nothing_is_told() && is_as_before() && domain0.events.active == active);
}

/* A free port of domain 0 has been bound, no other changed but the one at its other end. */
static void check_bound(evtchn_port_t port, enum evtchn_state state)
{
    const struct evtchn *e = ports[0][port % NR_PORTS];

    CHECK(port != 0 && port < domain0.events.fresh && e->state == state && !domain0.is_dying);
    CHECK(domain0.events.active == active + 1u && nr_cleared == 0 && nr_unmasked == 0);
    if (watch.e == e) {
        CHECK(watch.before.state == EVTCHN_FREE);
    } else if (state == EVTCHN_INTERDOMAIN && watch.e == e->u.peer) {
        CHECK(watch.before.state == EVTCHN_UNBOUND && watch.before.u.remote == domain0.id);
    } else if (state == EVTCHN_TO_OWN && watch.e == e->u.peer) {
        CHECK(watch.before.state == EVTCHN_OWN && watch.before.u.peer == NULL);
        CHECK(watch.before.wanted == domain0.id);
    } else {
        CHECK(is_as_before());
    }
}

/* Operations of domain 0. */

void prove_pair(void)
{
    struct evtchn_bind_interdomain arg = {.remote_port = nondet_u32()};
    unsigned int peer = any_below(NR_DOMAINS);
    struct op_call call = {.d = &domain0, .peer = domains[peer], .arg = &arg};
    long rc;

    any_state();
    rc = evtchn_op_bind_interdomain(&call);
    if (rc == 0) {
        const struct evtchn *e = ports[0][arg.local_port % NR_PORTS];

        check_bound(arg.local_port, e->state == EVTCHN_TO_OWN ? EVTCHN_TO_OWN : EVTCHN_INTERDOMAIN);
        CHECK(arg.remote_port < NR_PORTS && e->u.peer == ports[peer][arg.remote_port % NR_PORTS]);
        CHECK(nr_raised == 1 && raised == e); /* told to look once */
        REACHED("two ports are bound");
    } else {
        check_failed(rc);
        REACHED("they are not");
    }
    check_state();
}

void prove_unbound(void)
{
    struct evtchn_alloc_unbound arg = {.port = 0};
    struct op_call call = {.d = &domain0, .peer = domains[any_below(NR_DOMAINS)], .arg = &arg};
    long rc;

    any_state();
    rc = evtchn_op_alloc_unbound(&call);
    if (rc == 0) {
        check_bound(arg.port, EVTCHN_UNBOUND);
        CHECK(nr_raised == 0 && ports[0][arg.port % NR_PORTS]->u.remote == call.peer->id);
        REACHED("a port waits for its peer");
    } else {
        check_failed(rc);
    }
    check_state();
}

void prove_virq(void)
{
    struct evtchn_bind_virq arg = {.virq = nondet_u32(), .vcpu = nondet_u32()};
    struct op_call call = {.d = &domain0, .arg = &arg};
    long rc;

    any_state();
    rc = evtchn_op_bind_virq(&call);
    if (rc == 0) {
        check_bound(arg.port, EVTCHN_VIRQ);
        CHECK(nr_raised == 0 && ports[0][arg.port % NR_PORTS]->vcpu == arg.vcpu);
        CHECK(ports[0][arg.port % NR_PORTS]->u.virq == arg.virq);
        REACHED("a VIRQ is bound");
    } else {
        check_failed(rc);
    }
    check_state();
}

void prove_ipi(void)
{
    struct evtchn_bind_ipi arg = {.vcpu = nondet_u32()};
    struct op_call call = {.d = &domain0, .arg = &arg};
    long rc;

    any_state();
    rc = evtchn_op_bind_ipi(&call);
    if (rc == 0) {
        check_bound(arg.port, EVTCHN_IPI);
        CHECK(nr_raised == 0 && ports[0][arg.port % NR_PORTS]->vcpu == arg.vcpu);
        REACHED("an IPI is bound");
    } else {
        check_failed(rc);
    }
    check_state();
}

void prove_close(void)
{
    evtchn_port_t port = nondet_u32();
    const struct evtchn *e = ports[0][port % NR_PORTS];
    int rc;

    any_state();
    rc = evtchn_close(&domain0, port);
    if (rc == 0) {
        CHECK(port != 0 && port < NR_PORTS && e->state == EVTCHN_FREE);
        CHECK(domain0.events.free_last == port && domain0.events.active + 1u == active);
        CHECK(nr_raised == 0 && nr_unmasked == 0 && nr_cleared == 1 && cleared == e);
        if (watch.e == e) {
            CHECK(watch.before.state >= EVTCHN_UNBOUND);
        } else if (watch.before.state == EVTCHN_OWN && watch.before.u.peer == e) {
            CHECK(watch.e->state == EVTCHN_OWN && watch.e->u.peer == NULL);
        } else if (evtchn_other_end(&watch.before) == e) {
            CHECK(watch.before.state == EVTCHN_INTERDOMAIN);
            CHECK(watch.e->state == EVTCHN_UNBOUND && watch.e->u.remote == domain0.id);
            REACHED("the other end waits again");
        } else {
            CHECK(is_as_before());
        }
    } else {
        check_failed(rc);
        REACHED("there is nothing to close");
    }
    check_state();
}

void prove_close_own(void)
{
    evtchn_port_t port = 1u + any_below(NR_PORTS - 2u);
    const struct evtchn *e = ports[0][port];

    any_state();
    ASSUME(port < domain0.events.nr_ports && e->state == EVTCHN_OWN);
    evtchn_close_own(&domain0, port);
    CHECK(e->state == EVTCHN_FREE && domain0.events.active == active && nr_raised == 0);
    if (watch.e != e && evtchn_other_end(&watch.before) == e) {
        CHECK(watch.e->state == EVTCHN_UNBOUND && watch.e->u.remote == domain0.id);
        REACHED("who was connected waits");
    } else {
        CHECK(watch.e == e || is_as_before());
    }
    check_state();
}

void prove_send(void)
{
    evtchn_port_t port = nondet_u32();
    const struct evtchn *e = ports[0][port % NR_PORTS];
    int rc;

    any_state();
    rc = evtchn_send(&domain0, port);
    CHECK(is_as_before() && nr_cleared == 0 && nr_unmasked == 0);
    if (rc != 0) {
        check_failed(rc);
    } else if (e->state == EVTCHN_UNBOUND) {
        CHECK(nr_raised == 0);
    } else if (e->state == EVTCHN_TO_OWN) {
        CHECK(nr_raised == 0 && nr_heard == 1 && heard == e->u.peer);
        REACHED("the hypervisor hears of it");
    } else {
        CHECK(port < NR_PORTS && (e->state == EVTCHN_INTERDOMAIN || e->state == EVTCHN_IPI));
        CHECK(nr_raised == 1 && raised == (e->state == EVTCHN_IPI ? e : e->u.peer));
        REACHED("an event arrives");
    }
    check_state();
}

void prove_unmask(void)
{
    struct evtchn_unmask arg = {.port = nondet_u32()};
    struct op_call call = {.d = &domain0, .arg = &arg};
    const struct evtchn *e = ports[0][arg.port % NR_PORTS];
    long rc;

    any_state();
    rc = evtchn_op_unmask(&call);
    CHECK(is_as_before() && nr_raised == 0 && nr_cleared == 0);
    CHECK(nr_unmasked == (rc == 0 && evtchn_usable(e)));
    CHECK(nr_unmasked == 0 || unmasked == e);
    check_state();
}

void prove_move(void)
{
    struct evtchn_bind_vcpu arg = {.port = nondet_u32(), .vcpu = nondet_u32()};
    struct op_call call = {.d = &domain0, .arg = &arg};
    const struct evtchn *e = ports[0][arg.port % NR_PORTS];
    long rc;

    any_state();
    rc = evtchn_op_bind_vcpu(&call);
    CHECK(nothing_is_told());
    if (rc == 0) {
        CHECK(e->vcpu == arg.vcpu && (watch.e == e || is_as_before()));
        REACHED("another vCPU is told");
    } else {
        check_failed(rc);
    }
    check_state();
}

void prove_raise(void)
{
    unsigned int id = any_below(NR_VCPUS), virq = any_below(NR_VIRQS);
    evtchn_port_t port;

    any_state();
    port = vcpus[0][id]->event.virq_port[virq];
    evtchn_raise_virq(vcpus[0][id], virq);
    CHECK(is_as_before() && nr_raised == (port != 0) && nr_cleared == 0 && nr_unmasked == 0);
    CHECK(port == 0 || raised == ports[0][port % NR_PORTS]);
    check_state();
}

void prove_reset(void)
{
    any_state();
    domain0.is_dying = false;
    if (evtchn_reset(&domain0) == 0) {
        CHECK(domain0.events.active == 0 && domain0.events.fresh == 1);
        CHECK(nr_raised == 0 && nr_unmasked == 0 && nr_cleared == active);
        REACHED("all ports are closed");
    }
    check_state();
}
