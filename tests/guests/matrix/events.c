/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event_channel_op. Ports that a call needs are allocated by dom0, who may for everybody.
 */
#include "matrix.h"

#include <guest/event.h>

/* Places of a port in the structures. */
enum {
    PORT_FIRST = 0,
    PORT_SECOND = 4
};

static void put_port(struct cell *cell, unsigned int at, domid_t owner, domid_t remote)
{
    int64_t port = event_alloc_unbound(owner, remote);
    *(evtchn_port_t *)(void *)(cell->data + at) = port > 0 ? (evtchn_port_t)port : 1;
}

/* A port of the caller, which nobody has bound. */
static void prepare_own(struct cell *cell)
{
    put_port(cell, PORT_FIRST, cell->caller, 0);
}

static void prepare_status(struct cell *cell)
{
    put_port(cell, PORT_SECOND, cell->target, 0);
}

/* A port of the named domain that waits for the caller. */
static void prepare_bind(struct cell *cell)
{
    put_port(cell, PORT_SECOND, cell->target, cell->caller);
}

#define BIND  CALL(event_channel_op, EVTCHNOP_bind_interdomain)
#define ALLOC CALL(event_channel_op, EVTCHNOP_alloc_unbound)

const struct row matrix_events[] = {
    {BIND, .variant = "peer", NAMES(evtchn_bind_interdomain, remote_dom), .prepare = prepare_bind,
     ARGUMENT(evtchn_bind_interdomain, 0),
     .want = TARGETS(0, 0, NOT_THERE, 0, 0, DENIED, NOT_THERE)},
    {BIND, .variant = "no_port", NAMES(evtchn_bind_interdomain, remote_dom),
     ARGUMENT(evtchn_bind_interdomain, .remote_port = ~0U),
     .want = TARGETS(BAD, BAD, NOT_THERE, BAD, BAD, DENIED, NOT_THERE), .why = DOMAIN_FIRST,
     .xen = TARGETS(BAD, BAD, NOT_THERE, BAD, BAD, BAD, NOT_THERE)},
    {CALL(event_channel_op, EVTCHNOP_bind_virq), ARGUMENT(evtchn_bind_virq, .virq = VIRQ_DEBUG),
     .want = CALLERS(0, 0)},
    {CALL(event_channel_op, EVTCHNOP_bind_virq), .variant = "global",
     ARGUMENT(evtchn_bind_virq, .virq = VIRQ_DOM_EXC), .want = CALLERS(0, 0)},
    {CALL(event_channel_op, EVTCHNOP_bind_pirq), .want = CALLERS(-XEN_EOPNOTSUPP, -XEN_EOPNOTSUPP)},
    {CALL(event_channel_op, EVTCHNOP_close), ARGUMENT(evtchn_close, 0), .prepare = prepare_own,
     .want = CALLERS(0, 0)},
    {CALL(event_channel_op, EVTCHNOP_send), ARGUMENT(evtchn_send, 0), .prepare = prepare_own,
     .want = CALLERS(0, 0)},
    {CALL(event_channel_op, EVTCHNOP_status), ARGUMENT(evtchn_status, 0), NAMES(evtchn_status, dom),
     .prepare = prepare_status, .want = TARGETS(0, 0, NOT_THERE, 0, DENIED, DENIED, NOT_THERE)},
    {CALL(event_channel_op, EVTCHNOP_status), .variant = "no_port",
     ARGUMENT(evtchn_status, .port = ~0U), NAMES(evtchn_status, dom),
     .want = TARGETS(BAD, BAD, NOT_THERE, BAD, DENIED, DENIED, NOT_THERE), .why = DOMAIN_FIRST,
     .xen = TARGETS(BAD, BAD, NOT_THERE, BAD, BAD, BAD, NOT_THERE)},
    {ALLOC, ARGUMENT(evtchn_alloc_unbound, .remote_dom = DOMID_SELF),
     NAMES(evtchn_alloc_unbound, dom),
     .want = TARGETS(0, 0, NOT_THERE, 0, DENIED, DENIED, NOT_THERE)},
    {ALLOC, .variant = "peer", ARGUMENT(evtchn_alloc_unbound, .dom = DOMID_SELF),
     NAMES(evtchn_alloc_unbound, remote_dom),
     .want = TARGETS(0, 0, NOT_THERE, 0, 0, DENIED, NOT_THERE)},
    {ALLOC, .variant = "to_nobody", ARGUMENT(evtchn_alloc_unbound, .remote_dom = NOBODY),
     NAMES(evtchn_alloc_unbound, dom),
     .want = TARGETS(NOT_THERE, NOT_THERE, NOT_THERE, NOT_THERE, DENIED, DENIED, NOT_THERE),
     .why = "who may not on the one domain is not told of the other",
     .xen = TARGETS(NOT_THERE, NOT_THERE, NOT_THERE, NOT_THERE, NOT_THERE, NOT_THERE, NOT_THERE)},
    {CALL(event_channel_op, EVTCHNOP_bind_ipi), ARGUMENT(evtchn_bind_ipi, .vcpu = 0),
     .want = CALLERS(0, 0)},
    {CALL(event_channel_op, EVTCHNOP_bind_vcpu), ARGUMENT(evtchn_bind_vcpu, 0),
     .prepare = prepare_own, .want = CALLERS(0, 0)},
    {CALL(event_channel_op, EVTCHNOP_unmask), ARGUMENT(evtchn_unmask, 0), .prepare = prepare_own,
     .want = CALLERS(0, 0)},
    {CALL(event_channel_op, EVTCHNOP_set_priority), ARGUMENT(evtchn_set_priority, 0),
     .prepare = prepare_own, .want = CALLERS(-XEN_ENOSYS, -XEN_ENOSYS)},
    {CALL(event_channel_op, EVTCHNOP_init_control), ARGUMENT(evtchn_init_control, .offset = 1),
     .want = CALLERS(BAD, BAD)},
    {CALL(event_channel_op, EVTCHNOP_expand_array), ARGUMENT(evtchn_expand_array, 0),
     .want = CALLERS(-XEN_EOPNOTSUPP, -XEN_EOPNOTSUPP)},
    {CALL(event_channel_op, EVTCHNOP_reset), ARGUMENT(evtchn_reset, 0), NAMES(evtchn_reset, dom),
     .want = TARGETS(0, 0, NOT_THERE, 0, DENIED, DENIED, NOT_THERE)},
    {0},
};
