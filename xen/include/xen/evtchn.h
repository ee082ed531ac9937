/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Event channels. evtchn.c owns ports and bindings, evtchn_op.c what guests ask for, virq.c the
 * hypervisor's own events; evtchn_2l.c and evtchn_fifo.c own how a pending port is told to a guest.
 */
#pragma once

#include <public/event_channel.h>
#include <public/xen.h>
#include <xen/compiler.h>
#include <xen/types.h>

struct domain;
struct vcpu;
struct evtchn;
struct evtchn_fifo;
struct evtchn_ops;

struct evtchn_vcpu {
    evtchn_port_t virq_port[NR_VIRQS]; /* 0: unbound; atomic */
};

struct evtchn_table {       /* of a domain; changed under evtchn.c's bind lock */
    struct evtchn **bucket; /* pages of EVTCHN_PER_BUCKET ports, added as they are needed */
    const struct evtchn_ops *ops;
    struct evtchn_fifo *fifo; /* NULL with the 2-level form */
    uint32_t nr_ports;        /* ports that have a struct evtchn: published after their bucket */
    uint32_t max_ports;       /* limit of the domain: createdomain's max_evtchn_port + 1 */
    uint32_t fresh;           /* ports from here to nr_ports were never used */
    uint32_t active;          /* ports that are bound somehow */
    evtchn_port_t free_first; /* queue of freed ports, 0: empty */
    evtchn_port_t free_last;
    evtchn_port_t close_next; /* where relinquish or reset goes on */
};

int __must_check evtchn_domain_init(struct domain *d, uint32_t max_port);
/* Close everything: 0 or -ERESTART; d->is_dying. Then destroy frees. */
int __must_check evtchn_domain_relinquish(struct domain *d);
void evtchn_domain_destroy(struct domain *d);

/* For the tools' domain builder and dom0less: an unbound port of d for remote; port number or
 * -errno. */
int __must_check evtchn_alloc_unbound(struct domain *d, domid_t remote);
int __must_check evtchn_send(struct domain *d, evtchn_port_t port);

/*
 * A port of d whose end is the hypervisor's: the guest can neither close it nor send from it.
 * `heard` is called for each event of the other end, on the sender's CPU, with a lock of rank
 * LOCK_EVENT_PORT. Port number or -errno.
 */
typedef void evtchn_heard_fn(struct domain *d);
int __must_check evtchn_alloc_own(struct domain *d, domid_t remote, evtchn_heard_fn *heard);
/* An event to the other end, if there is one. Locks as for the hypervisor's own events, below. */
void evtchn_send_own(struct domain *d, evtchn_port_t port);
/* Afterwards `heard` is not called, and does not run, any more. */
void evtchn_close_own(struct domain *d, evtchn_port_t port);

/*
 * The hypervisor's own events. Callable wherever no lock of rank LOCK_EVENT or higher is held. A
 * global one goes to the domain that evtchn_set_virq_handler named, else to the hardware domain;
 * nothing happens where it is not bound.
 */
void evtchn_raise_virq(struct vcpu *v, unsigned int virq);
void evtchn_raise_global_virq(unsigned int virq);
/* -EINVAL: no such global virq, or d is dying. */
int __must_check evtchn_set_virq_handler(struct domain *d, unsigned int virq);

/* v->info is another structure now: whatever the old one had told may be lost, so v is told to look
 * at everything. */
void evtchn_check_upcall(struct vcpu *v);

/*
 * SCHEDOP_poll: is this port pending? The poller has set v->poll_port (the port, or
 * EVTCHN_POLL_ANY) and its bit in d->poll_mask before, with a full barrier between; whoever makes a
 * port pending later clears the bit, sets poll_port to 0 and unblocks v.
 */
#define EVTCHN_POLL_ANY UINT32_MAX
bool evtchn_port_is_pending(struct domain *d, evtchn_port_t port);
bool evtchn_port_valid(struct domain *d, evtchn_port_t port);

/*
 * EVTCHNOP_reset on behalf of d, which is the caller's domain or paused by its controller: 0,
 * -ERESTART, -EINVAL, -EAGAIN (ports were opened meanwhile).
 */
int __must_check evtchn_reset(struct domain *d);

/* Debug key 'e'. */
void evtchn_dump(struct domain *d);
