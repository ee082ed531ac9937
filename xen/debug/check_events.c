/* SPDX-License-Identifier: Apache-2.0 */
/* Event channels: both ends of a pair know each other, virtual interrupts and their ports too; each
 * free port is queued once. */
#include <xen/evtchn_fifo.h>
#include <xen/evtchn_port.h>
#include <xen/page.h>
#include <xen/vpl011.h>

#include "check.h"

/* What the other end of a port in this state is. */
static uint8_t check_other_end(uint8_t state)
{
    switch (state) {
    case EVTCHN_OWN: return EVTCHN_TO_OWN;
    case EVTCHN_TO_OWN: return EVTCHN_OWN;
    default: return EVTCHN_INTERDOMAIN;
    }
}

static void check_peer(const struct evtchn *e)
{
    const struct evtchn *peer = e->u.peer;

    if (!check_is_domain(peer->d) || evtchn_get(peer->d, peer->port) != peer ||
        peer->state != check_other_end(e->state) || peer->u.peer != e) {
        check_wrong("d%u: the other end of port %u does not know it", e->d->id, e->port);
    }
}

static void check_virq(const struct evtchn *e)
{
    const struct vcpu *v = domain_vcpu(e->d, virq_is_global(e->u.virq) ? 0 : e->vcpu);

    if (v == NULL || e->u.virq >= NR_VIRQS || v->event.virq_port[e->u.virq] != e->port) {
        check_wrong("d%u: port %u is not that of virq %u", e->d->id, e->port, e->u.virq);
    }
}

/* The other way: each virtual interrupt that a vCPU has names its port. */
static void check_virqs_of(const struct vcpu *v)
{
    for (unsigned int virq = 0; virq < NR_VIRQS; virq++) {
        evtchn_port_t port = v->event.virq_port[virq];
        const struct evtchn *e = evtchn_get(v->d, port);

        if (port != 0 && (e == NULL || e->state != EVTCHN_VIRQ || e->u.virq != virq)) {
            check_wrong("d%uv%u: virq %u has port %u, which is another's", v->d->id, v->id, virq,
                        port);
        }
    }
}

/* Ports in the queue of freed ones. */
static uint32_t check_freed(struct domain *d)
{
    const struct evtchn_table *t = &d->events;
    uint32_t nr = 0;

    for (evtchn_port_t port = t->free_first; port != 0; nr++) {
        const struct evtchn *e = evtchn_get(d, port);

        if (e == NULL || e->state != EVTCHN_FREE || port >= t->fresh || nr > t->nr_ports ||
            (e->u.next == 0 && port != t->free_last)) {
            check_wrong("d%u: the queue of freed ports is wrong at %u", d->id, port);
            break;
        }
        port = e->u.next;
    }
    return nr;
}

static void check_ports(struct domain *d)
{
    const struct evtchn_table *t = &d->events;
    uint32_t active = 0, freed = 0, queued = check_freed(d);

    for (evtchn_port_t port = 1; port < t->nr_ports; port++) {
        const struct evtchn *e = evtchn_get(d, port);

        active += evtchn_usable(e);
        freed += port < t->fresh && e->state == EVTCHN_FREE;
        if (e->d != d || e->port != port || e->vcpu >= d->max_vcpus ||
            (port >= t->fresh && e->state != EVTCHN_FREE && e->state != EVTCHN_OWN)) {
            check_wrong("d%u: port %u is not sound", d->id, port);
        } else if (evtchn_other_end(e) != NULL) {
            check_peer(e);
        } else if (e->state == EVTCHN_VIRQ) {
            check_virq(e);
        }
    }
    if (active != t->active || freed != queued) {
        check_wrong("d%u: %u ports are bound, %u are counted; %u are free, %u are queued", d->id,
                    active, t->active, freed, queued);
    }
}

static void check_frame_of(const struct page *pg)
{
    if (pg != NULL) {
        census_reference(page_mfn(pg).n);
    }
}

static void check_fifo(const struct evtchn_fifo *f)
{
    for (uint32_t i = 0; i < f->nr_words / FIFO_WORDS_PER_PAGE; i++) {
        check_frame_of(f->page[i]);
    }
    for (uint32_t i = 0; i < f->nr_vcpus; i++) {
        check_frame_of(f->vcpu[i].page);
    }
}

void check_events(struct domain *d)
{
    const struct vcpu *v;

    for (uint32_t i = 0; i * EVTCHN_PER_BUCKET < d->events.nr_ports; i++) {
        census_claim_object(d->events.bucket[i], 1, CLAIM_OBJECT);
    }
    check_ports(d);
    if (d->events.fifo != NULL) {
        check_fifo(d->events.fifo);
    }
    if (d->vuart != NULL) {
        check_frame_of(d->vuart->page);
    }
    for_each_vcpu(d, v) {
        check_virqs_of(v);
        check_frame_of(v->info_page);
        check_frame_of(v->runstate_area.page[0]);
        check_frame_of(v->runstate_area.page[1]);
    }
}
