/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside xen/event/: one event channel, and how to reach it. The life of a port:
 *
 *              alloc_unbound          bind_interdomain from the other end
 *            .---------------> UNBOUND -----------------> INTERDOMAIN
 *            |                    ^                         |   ^
 *            |                    `---- the peer is closed -'   |
 *       FREE +-- bind_interdomain, on this end -----------------'
 *            +-- bind_virq ----> VIRQ
 *            +-- bind_ipi -----> IPI
 *            ^                     |
 *            `-- close, of any ----'   at the queue's end; not taken from it while is_busy()
 *
 * A port may be the hypervisor's own (OWN): like port 0 it is no port of the guest's, but another
 * domain can connect to it, and has TO_OWN then. What it sends is heard by a function.
 *
 * The way of an event through it, once set_pending() has made its word in the guest's memory
 * pending; a port that is masked stops at the first arrow until unmask():
 *
 *      word pending ---> in a selector (2-level) or queue (FIFO) ---> evtchn_upcall_pending
 *           |                                                               |
 *           v                                                               v
 *      pollers (SCHEDOP_poll) are woken                       arch_virq_upcall, vcpu_kick
 *
 * Locking. The bind lock (one for all domains: bindings are changed rarely and in few instructions)
 * is held by whoever changes the state or binding of a port, and such a change also holds the
 * port's own lock, for an interdomain pair both. So the lock of either end alone keeps a pair
 * together: a sender takes only its own port's lock. Functions of struct evtchn_ops are called with
 * a lock held that pins the binding: the port's, its peer's, or the bind lock.
 */
#pragma once

#include <xen/domain.h>
#include <xen/evtchn.h>
#include <xen/nospec.h>
#include <xen/spinlock.h>

enum evtchn_state {
    EVTCHN_FREE,
    EVTCHN_RESERVED, /* port 0 */
    EVTCHN_OWN,
    EVTCHN_UNBOUND, /* from here on it is the guest's */
    EVTCHN_INTERDOMAIN,
    EVTCHN_TO_OWN,
    EVTCHN_VIRQ,
    EVTCHN_IPI,
};

/* 64 bytes, so that senders to different ports share no cache line. */
struct evtchn {
    struct domain *d; /* whose port; constant */
    union {
        struct evtchn *peer; /* INTERDOMAIN, TO_OWN; OWN: or NULL */
        domid_t remote;      /* UNBOUND: who may connect */
        uint32_t virq;       /* VIRQ */
        evtchn_port_t next;  /* FREE: next of the queue of freed ports */
    } u;
    spinlock_t lock;
    evtchn_port_t port; /* constant */
    uint8_t state;      /* enum evtchn_state */
    uint8_t priority;   /* FIFO queue for the next event; atomic */
    uint16_t vcpu;      /* who is notified; atomic */
    uint16_t last_vcpu; /* FIFO: queue that it was linked to last, under the FIFO's lock */
    uint8_t last_priority;
    bool pending;           /* FIFO: was raised before its event word existed; atomic */
    domid_t wanted;         /* OWN: who may connect */
    evtchn_heard_fn *heard; /* OWN */
} __aligned(64);

_Static_assert(sizeof(struct evtchn) == 64, "a port is one cache line");

#define EVTCHN_PER_BUCKET (PAGE_SIZE / sizeof(struct evtchn))

struct evtchn_ops {
    uint32_t max_ports; /* of the ABI */
    void (*set_pending)(struct vcpu *v, struct evtchn *e);
    void (*clear_pending)(struct evtchn *e);
    void (*unmask)(struct vcpu *v, struct evtchn *e);
    bool (*is_pending)(const struct evtchn *e);
    bool (*is_masked)(const struct evtchn *e);
    bool (*is_busy)(const struct evtchn *e); /* still in a guest's queue: must not be bound anew */
    int (*set_priority)(struct evtchn *e, uint32_t priority);
};

extern const struct evtchn_ops evtchn_2l_ops, evtchn_fifo_ops;
extern spinlock_t evtchn_bind_lock;

/* NULL: d has no such port. */
static inline struct evtchn *evtchn_get(const struct domain *d, evtchn_port_t port)
{
    uint32_t nr = atomic_load_acquire(&d->events.nr_ports);
    uint64_t i;

    if (unlikely(port >= nr)) {
        return NULL;
    }
    i = index_nospec(port, nr);
    return &d->events.bucket[i / EVTCHN_PER_BUCKET][i % EVTCHN_PER_BUCKET];
}

static inline bool evtchn_usable(const struct evtchn *e)
{
    return e->state >= EVTCHN_UNBOUND;
}

/* NULL: it has none, or none yet. */
static inline struct evtchn *evtchn_other_end(const struct evtchn *e)
{
    return e->state == EVTCHN_INTERDOMAIN || e->state == EVTCHN_TO_OWN || e->state == EVTCHN_OWN
               ? e->u.peer
               : NULL;
}

static inline const struct evtchn_ops *evtchn_abi(const struct domain *d)
{
    /* Pairs with evtchn_fifo_install: who sees the FIFO's functions sees the FIFO. */
    return atomic_load_acquire(&d->events.ops);
}

static inline void evtchn_set_pending(struct evtchn *e)
{
    struct domain *d = e->d;
    struct vcpu *v = d->vcpu[atomic_load(&e->vcpu)];

    /* The tools may bind ports before the domain has its vCPUs. */
    if (likely(v != NULL)) {
        evtchn_abi(d)->set_pending(v, e);
    }
}

/* A free port of d; the bind lock is held on success. NULL and *rc (-ENOSPC, -ENOMEM, -EINVAL: d is
 * dying), lock not held. */
struct evtchn *evtchn_alloc(struct domain *d, int *rc);
/* Bind a port just allocated / give it back unused. Bind lock held. `u` is set by the caller
 * before. */
void evtchn_open(struct evtchn *e, enum evtchn_state state, unsigned int vcpu);
void evtchn_unalloc(struct evtchn *e);
int __must_check evtchn_close(struct domain *d, evtchn_port_t port);

/* Sets evtchn_upcall_pending and interrupts v. For the ABI files. */
void evtchn_mark_pending(struct vcpu *v);
/* A port became pending, with a full barrier since: wake the vCPUs that poll it. */
void evtchn_wake_pollers_slow(struct domain *d, evtchn_port_t port);

static inline void evtchn_wake_pollers(struct domain *d, evtchn_port_t port)
{
    for (unsigned int i = 0; i * 64 < d->max_vcpus; i++) {
        if (unlikely(atomic_load(&d->poll_mask[i]) != 0)) {
            evtchn_wake_pollers_slow(d, port);
            return;
        }
    }
}

/* evtchn_2l.c: was e pending in the 2-level form? It is not any more. */
bool evtchn_2l_take(struct evtchn *e);

/* evtchn_fifo.c. install/expand take guest frames; uninstall goes back to 2-level when no port is
 * bound. expand: -ERESTART with *gfn to go on with. */
int __must_check evtchn_fifo_init_control(struct domain *d, struct evtchn_init_control *arg);
int __must_check evtchn_fifo_expand_array(struct domain *d, uint64_t *gfn);
/* Bind lock held; the result must be given to evtchn_fifo_free without it. */
struct evtchn_fifo *evtchn_fifo_uninstall(struct domain *d);
/* Without a lock. It was uninstalled, so nobody is in its pages; NULL is fine. */
void evtchn_fifo_free(struct evtchn_fifo *f);

/* virq.c */
bool virq_is_global(unsigned int virq);
long evtchn_bind_virq(struct domain *d, struct evtchn_bind_virq *arg);
/* The port leaves its virq / d leaves all global ones. Bind lock held / not held. */
void evtchn_virq_unbind(struct evtchn *e);
void evtchn_virq_forget(struct domain *d);
