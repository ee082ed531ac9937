/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ports of a domain: where they are kept, how they are allocated, closed and signalled. What a
 * guest asks for is in evtchn_op.c, how a pending port is told to it in evtchn_2l.c and
 * evtchn_fifo.c; <xen/evtchn_port.h> explains the locks.
 */
#include <arch/irq.h>
#include <xen/cpu.h>
#include <xen/errno.h>
#include <xen/evtchn_port.h>
#include <xen/heap.h>
#include <xen/hypercall.h>
#include <xen/lib.h>
#include <xen/page_alloc.h>

/* How many freed ports are looked at for one that the guest has taken off its queue. */
#define FREE_TRIES 8u

spinlock_t evtchn_bind_lock = SPINLOCK_INIT(LOCK_EVENT);

static uint32_t evtchn_limit(const struct domain *d)
{
    return min_u32(d->events.max_ports, d->events.ops->max_ports);
}

/* Bind lock held. */
static struct evtchn *evtchn_take_free(struct domain *d)
{
    struct evtchn_table *t = &d->events;
    struct evtchn *e;

    for (unsigned int i = 0; i < FREE_TRIES && t->free_first != 0; i++) {
        e = evtchn_get(d, t->free_first);
        t->free_first = e->u.next;
        if (!t->ops->is_busy(e)) {
            return e;
        }
        evtchn_unalloc(e);
    }
    while (t->fresh < min_u32(t->nr_ports, evtchn_limit(d))) {
        e = evtchn_get(d, t->fresh++);
        if (e->state == EVTCHN_FREE) { /* not the hypervisor's own, which outlives a reset */
            return e;
        }
    }
    return NULL;
}

/* Add a page of ports. Heap and p2m locks rank below the bind lock, so it is not held here. */
static int evtchn_grow(struct domain *d)
{
    struct evtchn_table *t = &d->events;
    struct evtchn *bucket = page_alloc(0);

    if (bucket == NULL) {
        return -ENOMEM;
    }
    spin_lock(&evtchn_bind_lock);
    if (t->nr_ports < evtchn_limit(d)) {
        for (uint32_t i = 0; i < EVTCHN_PER_BUCKET; i++) {
            bucket[i].d = d;
            bucket[i].port = t->nr_ports + i;
            spin_init(&bucket[i].lock, LOCK_EVENT_PORT);
        }
        t->bucket[t->nr_ports / EVTCHN_PER_BUCKET] = bucket;
        atomic_store_release(&t->nr_ports, t->nr_ports + (uint32_t)EVTCHN_PER_BUCKET);
        bucket = NULL;
    }
    spin_unlock(&evtchn_bind_lock);
    if (bucket != NULL) {
        page_free(bucket, 0); /* another CPU came first */
    }
    return 0;
}

struct evtchn *evtchn_alloc(struct domain *d, int *rc)
{
    for (;;) {
        struct evtchn *e = NULL;

        spin_lock(&evtchn_bind_lock);
        if (d->is_dying) {
            *rc = -EINVAL;
        } else if ((e = evtchn_take_free(d)) != NULL) {
            return e;
        } else {
            *rc = d->events.nr_ports < evtchn_limit(d) ? 0 : -ENOSPC;
        }
        spin_unlock(&evtchn_bind_lock);
        if (*rc == 0) {
            *rc = evtchn_grow(d);
        }
        if (*rc != 0) {
            return NULL;
        }
    }
}

/* To the end of the queue, so that a guest that still has it in a FIFO queue has time to take it
 * off. */
void evtchn_unalloc(struct evtchn *e)
{
    struct evtchn_table *t = &e->d->events;

    e->u.next = 0;
    if (t->free_first == 0) {
        t->free_first = e->port;
    } else {
        evtchn_get(e->d, t->free_last)->u.next = e->port;
    }
    t->free_last = e->port;
}

void evtchn_open(struct evtchn *e, enum evtchn_state state, unsigned int vcpu)
{
    spin_lock(&e->lock);
    e->state = (uint8_t)state;
    e->priority = EVTCHN_FIFO_PRIORITY_DEFAULT;
    atomic_store(&e->vcpu, (uint16_t)vcpu);
    spin_unlock(&e->lock);
    e->d->events.active++;
}

int evtchn_alloc_unbound(struct domain *d, domid_t remote)
{
    struct evtchn *e;
    int rc;

    e = evtchn_alloc(d, &rc);
    if (e == NULL) {
        return rc;
    }
    e->u.remote = remote;
    evtchn_open(e, EVTCHN_UNBOUND, 0);
    rc = (int)e->port;
    spin_unlock(&evtchn_bind_lock);
    return rc;
}

/* Bind lock and e's lock held. */
static void evtchn_free(struct evtchn *e)
{
    struct evtchn_table *t = &e->d->events;

    /* A guest that gets the port again must not find an old event. */
    evtchn_abi(e->d)->clear_pending(e);
    t->active -= evtchn_usable(e);
    e->state = EVTCHN_FREE;
    e->vcpu = 0;
    e->pending = false;
    if (e->port < t->fresh) { /* else, after a reset, its turn comes */
        evtchn_unalloc(e);
    }
}

/* Bind lock held. */
static void evtchn_end(struct evtchn *e)
{
    struct evtchn *other = evtchn_other_end(e), *peer = other != NULL ? other : e;

    spin_lock_pair(&e->lock, &peer->lock);
    evtchn_free(e);
    if (other != NULL && other->state == EVTCHN_OWN) {
        other->u.peer = NULL;
    } else if (other != NULL) {
        other->state = EVTCHN_UNBOUND;
        other->u.remote = e->d->id;
    }
    spin_unlock_pair(&e->lock, &peer->lock);
}

/* One that is in this state or a later one of enum evtchn_state. */
static int evtchn_close_from(struct domain *d, evtchn_port_t port, enum evtchn_state first)
{
    struct evtchn *e = evtchn_get(d, port);

    if (e == NULL) {
        return -EINVAL;
    }
    spin_lock(&evtchn_bind_lock);
    if (e->state < first) {
        spin_unlock(&evtchn_bind_lock);
        return -EINVAL;
    }
    if (e->state == EVTCHN_VIRQ) {
        evtchn_virq_unbind(e);
    }
    evtchn_end(e);
    spin_unlock(&evtchn_bind_lock);
    return 0;
}

int evtchn_close(struct domain *d, evtchn_port_t port)
{
    return evtchn_close_from(d, port, EVTCHN_UNBOUND);
}

int evtchn_alloc_own(struct domain *d, domid_t remote, evtchn_heard_fn *heard)
{
    struct evtchn *e;
    int rc;

    e = evtchn_alloc(d, &rc);
    if (e == NULL) {
        return rc;
    }
    spin_lock(&e->lock);
    e->u.peer = NULL;
    e->wanted = remote;
    e->heard = heard;
    e->state = EVTCHN_OWN;
    spin_unlock(&e->lock);
    rc = (int)e->port;
    spin_unlock(&evtchn_bind_lock);
    return rc;
}

void evtchn_send_own(struct domain *d, evtchn_port_t port)
{
    struct evtchn *e = evtchn_get(d, port);

    spin_lock(&e->lock);
    if (e->u.peer != NULL) {
        evtchn_set_pending(e->u.peer);
    }
    spin_unlock(&e->lock);
}

void evtchn_close_own(struct domain *d, evtchn_port_t port)
{
    (void)evtchn_close_from(d, port, EVTCHN_OWN);
}

int evtchn_send(struct domain *d, evtchn_port_t port)
{
    struct evtchn *e = evtchn_get(d, port);
    int rc = 0;

    if (unlikely(e == NULL)) {
        return -EINVAL;
    }
    spin_lock(&e->lock);
    if (likely(e->state == EVTCHN_INTERDOMAIN)) {
        evtchn_set_pending(e->u.peer);
    } else if (e->state == EVTCHN_IPI) {
        evtchn_set_pending(e);
    } else if (e->state == EVTCHN_TO_OWN) {
        e->u.peer->heard(e->u.peer->d);
    } else if (e->state != EVTCHN_UNBOUND) { /* nobody hears an unbound port */
        rc = -EINVAL;
    }
    spin_unlock(&e->lock);
    return rc;
}

void evtchn_wake_pollers_slow(struct domain *d, evtchn_port_t port)
{
    for (unsigned int id = 0; id < d->max_vcpus; id++) {
        struct vcpu *v = d->vcpu[id];
        uint32_t polled;

        if (!atomic_test_bit(id, d->poll_mask)) {
            continue;
        }
        polled = atomic_load(&v->poll_port);
        if ((polled == port || polled == EVTCHN_POLL_ANY) &&
            atomic_test_and_clear_bit(id, d->poll_mask)) {
            atomic_store(&v->poll_port, 0);
            vcpu_unblock(v);
        }
    }
}

bool evtchn_port_valid(struct domain *d, evtchn_port_t port)
{
    return evtchn_get(d, port) != NULL;
}

bool evtchn_port_is_pending(struct domain *d, evtchn_port_t port)
{
    struct evtchn *e = evtchn_get(d, port);
    bool pending;

    if (e == NULL) {
        return false;
    }
    spin_lock(&e->lock);
    pending = evtchn_usable(e) && evtchn_abi(d)->is_pending(e);
    spin_unlock(&e->lock);
    return pending;
}

/* Close ports from close_next on: 0 all done, or -ERESTART. */
static int evtchn_close_all(struct domain *d)
{
    struct evtchn_table *t = &d->events;
    evtchn_port_t port = t->close_next;

    while (++port < atomic_load(&t->fresh) && atomic_load(&t->active) != 0) {
        if (evtchn_get(d, port)->state != EVTCHN_FREE && evtchn_close(d, port) != 0) {
            continue; /* closed by somebody else meanwhile */
        }
        if (port % 64 == 0 && hypercall_preempt()) {
            t->close_next = port;
            return -ERESTART;
        }
    }
    t->close_next = 0;
    return 0;
}

/* Back to the 2-level form, if no port is bound: -EAGAIN. */
static int evtchn_back_to_2l(struct domain *d)
{
    struct evtchn_table *t = &d->events;
    struct evtchn_fifo *fifo = NULL;
    int rc = -EAGAIN;

    spin_lock(&evtchn_bind_lock);
    if (t->active == 0) {
        fifo = evtchn_fifo_uninstall(d);
        /* Freed ports may be beyond the other form's reach: begin again from the lowest. */
        t->free_first = 0;
        t->fresh = 1;
        rc = 0;
    }
    spin_unlock(&evtchn_bind_lock);
    evtchn_fifo_free(fifo);
    return rc;
}

int evtchn_reset(struct domain *d)
{
    int rc;

    if (d != current_vcpu()->d && d->controller_pause_count == 0) {
        return -EINVAL;
    }
    rc = evtchn_close_all(d);
    return rc != 0 ? rc : evtchn_back_to_2l(d);
}

static size_t evtchn_bucket_bytes(const struct evtchn_table *t)
{
    return div_round_up(t->max_ports, EVTCHN_PER_BUCKET) * sizeof(*t->bucket);
}

int evtchn_domain_init(struct domain *d, uint32_t max_port)
{
    struct evtchn_table *t = &d->events;
    int rc;

    t->max_ports = max_port < EVTCHN_FIFO_NR_CHANNELS ? max_port + 1 : EVTCHN_FIFO_NR_CHANNELS;
    t->ops = &evtchn_2l_ops;
    t->bucket = heap_alloc(evtchn_bucket_bytes(t));
    if (t->bucket == NULL) {
        return -ENOMEM;
    }
    rc = evtchn_grow(d);
    if (rc != 0) {
        heap_free(t->bucket, evtchn_bucket_bytes(t));
        t->bucket = NULL;
        return rc;
    }
    evtchn_get(d, 0)->state = EVTCHN_RESERVED;
    t->fresh = 1;
    return 0;
}

int evtchn_domain_relinquish(struct domain *d)
{
    int rc;

    if (d->events.bucket == NULL) {
        return 0;
    }
    rc = evtchn_close_all(d);
    if (rc != 0) {
        return rc;
    }
    evtchn_virq_forget(d);
    /* A port may have been opened by a call that began before d was dying; then once more. */
    rc = evtchn_back_to_2l(d);
    return rc == -EAGAIN ? -ERESTART : rc;
}

void evtchn_domain_destroy(struct domain *d)
{
    struct evtchn_table *t = &d->events;

    for (uint32_t i = 0; i * EVTCHN_PER_BUCKET < t->nr_ports; i++) {
        page_free(t->bucket[i], 0);
    }
    heap_free(t->bucket, evtchn_bucket_bytes(t));
    t->bucket = NULL;
    t->nr_ports = 0;
}
