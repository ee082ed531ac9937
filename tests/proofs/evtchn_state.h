/* SPDX-License-Identifier: Apache-2.0 */
/* For evtchn.c: which states are valid, any of them, and a port that is watched. */
#pragma once

/* A port that is watched: any one. */
static struct watch {
    const struct evtchn *e;
    struct evtchn before;
} watch;
static uint32_t active; /* ports of domain 0, before the operation */

/* States. */

static bool virq_is_valid(unsigned int d, const struct evtchn *e)
{
    bool good = e->u.virq < NR_VIRQS;

    for (unsigned int i = 0; good && i < NR_VCPUS; i++) {
        if (i == (virq_is_global(e->u.virq) ? 0 : e->vcpu)) {
            good = vcpus[d][i]->event.virq_port[e->u.virq] == e->port;
        }
    }
    return good;
}

static bool peer_is_valid(const struct evtchn *e)
{
    bool known = false;

    for (unsigned int i = 0; i < NR_DOMAINS * NR_PORTS; i++) {
        const struct evtchn *peer = ports[i / NR_PORTS][i % NR_PORTS];

        known =
            known ||
            (e->u.peer == peer && peer != e && peer->u.peer == e &&
             (i % NR_PORTS < domains[i / NR_PORTS]->events.fresh || peer->state == EVTCHN_OWN) &&
             peer->state == (e->state == EVTCHN_OWN      ? EVTCHN_TO_OWN
                             : e->state == EVTCHN_TO_OWN ? EVTCHN_OWN
                                                         : EVTCHN_INTERDOMAIN));
    }
    return known;
}

static bool port_is_valid(unsigned int d, unsigned int port)
{
    const struct evtchn *e = ports[d][port];
    bool good = e->d == domains[d] && e->port == port && e->vcpu < NR_VCPUS && !is_locked(e);

    if (port == 0) {
        return good && e->state == EVTCHN_RESERVED;
    }
    switch (e->state) {
    case EVTCHN_INTERDOMAIN:
    case EVTCHN_TO_OWN: return good && peer_is_valid(e);
    case EVTCHN_OWN: return good && e->vcpu == 0 && (e->u.peer == NULL || peer_is_valid(e));
    case EVTCHN_VIRQ: return good && virq_is_valid(d, e);
    case EVTCHN_FREE: return good && e->vcpu == 0;
    default: return good && e->state != EVTCHN_RESERVED && e->state <= EVTCHN_IPI;
    }
}

/* The queue of freed ports has each of them once. */
static bool queue_is_valid(unsigned int d)
{
    const struct evtchn_table *t = &domains[d]->events;
    evtchn_port_t at = t->free_first, last = 0;
    uint32_t seen = 0, free = 0;
    bool good = true;

    for (unsigned int i = 1; i < NR_PORTS; i++) {
        evtchn_port_t after = 0;

        for (unsigned int port = 1; port < NR_PORTS; port++) {
            if (at == port) {
                good = good && port < t->fresh && (seen >> port & 1u) == 0;
                seen |= 1u << port;
                after = ports[d][port]->u.next;
            }
        }
        good = good && at < NR_PORTS;
        last = at != 0 ? at : last;
        at = after;
    }
    for (unsigned int port = 1; port < NR_PORTS; port++) {
        free |= port < t->fresh && ports[d][port]->state == EVTCHN_FREE ? 1u << port : 0;
    }
    return good && at == 0 && seen == free && (free == 0 || t->free_last == last);
}

static bool virqs_are_valid(unsigned int d)
{
    bool good = true;

    for (unsigned int i = 0; i < NR_VCPUS * NR_VIRQS; i++) {
        unsigned int id = i / NR_VIRQS, virq = i % NR_VIRQS;
        evtchn_port_t at = vcpus[d][id]->event.virq_port[virq];
        bool known = at == 0;

        for (unsigned int port = 1; port < NR_PORTS; port++) {
            const struct evtchn *e = ports[d][port];

            known = known ||
                    (at == port && port < domains[d]->events.fresh && e->state == EVTCHN_VIRQ &&
                     e->u.virq == virq && (virq_is_global(virq) ? 0 : e->vcpu) == id);
        }
        good = good && known;
    }
    return good;
}

static bool table_is_valid(unsigned int d)
{
    const struct evtchn_table *t = &domains[d]->events;
    bool good = t->fresh >= 1 && t->fresh <= t->nr_ports && t->nr_ports <= NR_PORTS;
    uint32_t bound = 0;

    for (unsigned int port = 0; port < NR_PORTS; port++) {
        const struct evtchn *e = ports[d][port];

        if (port < t->fresh) {
            good = good && port_is_valid(d, port);
            bound += evtchn_usable(e);
        } else if (port < t->nr_ports) {
            good = good && port_is_valid(d, port) &&
                   (e->state == EVTCHN_FREE || e->state == EVTCHN_OWN);
        }
    }
    return good && t->active == bound;
}

static bool state_is_valid(void)
{
    return table_is_valid(0) && table_is_valid(1) && queue_is_valid(0) && queue_is_valid(1) &&
           virqs_are_valid(0) && virqs_are_valid(1) && !spin_is_locked(&evtchn_bind_lock);
}

static struct evtchn *any_peer(void)
{
    struct evtchn *e = &p01;

    for (unsigned int i = 0; i < NR_DOMAINS * NR_PORTS; i++) {
        if (i % NR_PORTS != 0 && i % NR_PORTS != NR_PORTS - 1u && nondet_bool()) {
            e = ports[i / NR_PORTS][i % NR_PORTS];
        }
    }
    return e;
}

static void any_port(unsigned int d, unsigned int port)
{
    struct evtchn *e = ports[d][port];

    e->d = domains[d];
    e->port = port;
    e->lock.rank = LOCK_EVENT_PORT;
    e->state = (uint8_t)(port == 0 ? EVTCHN_RESERVED : any_below(EVTCHN_IPI + 1u));
    e->vcpu = nondet_u16();
    if (e->state == EVTCHN_INTERDOMAIN || e->state == EVTCHN_TO_OWN ||
        (e->state == EVTCHN_OWN && nondet_bool())) {
        e->u.peer = any_peer();
    } else if (e->state == EVTCHN_OWN) {
        e->u.peer = NULL;
        e->wanted = nondet_u16();
    } else {
        e->u.next = nondet_u32();
    }
}

static void any_domain(unsigned int d)
{
    struct evtchn_table *t = &domains[d]->events;

    domains[d]->id = (domid_t)d;
    domains[d]->is_dying = nondet_bool();
    domains[d]->max_vcpus = NR_VCPUS;
    domains[d]->vcpu = d == 0 ? vcpus0 : vcpus1;
    for (unsigned int i = 0; i < NR_VCPUS; i++) {
        vcpus[d][i]->d = domains[d];
        vcpus[d][i]->id = i;
        for (unsigned int n = 0; n < NR_VIRQS; n++) {
            vcpus[d][i]->event.virq_port[n] = nondet_u32();
        }
    }
    t->bucket = d == 0 ? buckets0 : buckets1;
    t->ops = &proof_form;
    t->nr_ports = NR_PORTS - 1u;
    t->max_ports = nondet_bool() ? NR_PORTS : NR_PORTS - 1u;
    t->fresh = nondet_u32();
    t->active = nondet_u32();
    t->free_first = nondet_u32();
    t->free_last = nondet_u32();
    for (unsigned int port = 0; port < NR_PORTS - 1u; port++) {
        any_port(d, port);
    }
}

static void any_state(void)
{
    unsigned int d = any_below(NR_DOMAINS), port = 1u + any_below(NR_PORTS - 2u);

    any_domain(0);
    any_domain(1);
    cpu.current = &vcpu00;
    ASSUME(state_is_valid());
    active = domain0.events.active;
    for (unsigned int i = 0; i < NR_DOMAINS * NR_PORTS; i++) {
        if (d == i / NR_PORTS && port == i % NR_PORTS) {
            watch.e = ports[i / NR_PORTS][i % NR_PORTS];
            watch.before = *ports[i / NR_PORTS][i % NR_PORTS];
        }
    }
}

/* The watched port is bound to what it was bound to. */
static bool is_as_before(void)
{
    const struct evtchn *e = watch.e, *b = &watch.before;
    bool good = e->state == b->state && e->vcpu == b->vcpu;

    switch (b->state) {
    case EVTCHN_INTERDOMAIN:
    case EVTCHN_TO_OWN:
    case EVTCHN_OWN: return good && e->u.peer == b->u.peer;
    case EVTCHN_UNBOUND: return good && e->u.remote == b->u.remote;
    case EVTCHN_VIRQ: return good && e->u.virq == b->u.virq;
    default: return good;
    }
}
