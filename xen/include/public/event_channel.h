/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event_channel_op(cmd, arg) and the shared structures of the FIFO form. The 2-level arrays are in
 * struct shared_info.
 */
#pragma once

#include <public/types.h>

#define EVTCHNOP_bind_interdomain 0
#define EVTCHNOP_bind_virq        1
#define EVTCHNOP_bind_pirq        2
#define EVTCHNOP_close            3
#define EVTCHNOP_send             4
#define EVTCHNOP_status           5
#define EVTCHNOP_alloc_unbound    6
#define EVTCHNOP_bind_ipi         7
#define EVTCHNOP_bind_vcpu        8
#define EVTCHNOP_unmask           9
#define EVTCHNOP_reset            10
#define EVTCHNOP_init_control     11
#define EVTCHNOP_expand_array     12
#define EVTCHNOP_set_priority     13

/* evtchn_status.status */
#define EVTCHNSTAT_closed      0
#define EVTCHNSTAT_unbound     1
#define EVTCHNSTAT_interdomain 2
#define EVTCHNSTAT_pirq        3
#define EVTCHNSTAT_virq        4
#define EVTCHNSTAT_ipi         5

/* A port of `dom` that `remote_dom` may connect to. Out: port */
struct evtchn_alloc_unbound {
    domid_t dom;
    domid_t remote_dom;
    evtchn_port_t port;
};

/* Connect to a port that the peer allocated. Out: local_port */
struct evtchn_bind_interdomain {
    domid_t remote_dom;
    evtchn_port_t remote_port;
    evtchn_port_t local_port;
};

/* A port for a virtual interrupt. Out: port */
struct evtchn_bind_virq {
    uint32_t virq;
    uint32_t vcpu;
    evtchn_port_t port;
};

/* A port for a physical interrupt; not on the architectures of this project. */
#define BIND_PIRQ__WILL_SHARE 1
struct evtchn_bind_pirq {
    uint32_t pirq;
    uint32_t flags;
    evtchn_port_t port;
};

/* A port for interrupts between vCPUs, received by `vcpu`. Out: port */
struct evtchn_bind_ipi {
    uint32_t vcpu;
    evtchn_port_t port;
};

/* Free a port; the peer becomes unbound. */
struct evtchn_close {
    evtchn_port_t port;
};

/* Raise the other end. */
struct evtchn_send {
    evtchn_port_t port;
};

/* What a port is; `u` is valid according to `status`. */
struct evtchn_status {
    domid_t dom;
    evtchn_port_t port;
    uint32_t status;
    uint32_t vcpu;
    union {
        struct {
            domid_t dom;
        } unbound;
        struct {
            domid_t dom;
            evtchn_port_t port;
        } interdomain;
        uint32_t pirq;
        uint32_t virq;
    } u;
};

/* Which vCPU receives a port. */
struct evtchn_bind_vcpu {
    evtchn_port_t port;
    uint32_t vcpu;
};

/* Clear the mask bit and deliver what became pending meanwhile. */
struct evtchn_unmask {
    evtchn_port_t port;
};

/* Close all ports of a domain and return it to the 2-level form. */
struct evtchn_reset {
    domid_t dom;
};

/* Switch to the FIFO form with the vCPU's control block at `offset` of a guest frame. */
struct evtchn_init_control {
    uint64_t control_gfn;
    uint32_t offset;
    uint32_t vcpu;
    uint8_t link_bits; /* out */
    uint8_t _pad[7];
};

/* Give one more frame of event words. */
struct evtchn_expand_array {
    uint64_t array_gfn;
};

/* Queue of a port, 0 first; FIFO only. */
struct evtchn_set_priority {
    evtchn_port_t port;
    uint32_t priority;
};

#define EVTCHN_2L_NR_CHANNELS 4096

#define EVTCHN_FIFO_PRIORITY_MAX     0
#define EVTCHN_FIFO_PRIORITY_DEFAULT 7
#define EVTCHN_FIFO_PRIORITY_MIN     15

enum {
    EVTCHN_FIFO_MAX_QUEUES = 16
};

/* Bits of an event word; the low EVTCHN_FIFO_LINK_BITS are the next port of the queue. */
#define EVTCHN_FIFO_PENDING     31
#define EVTCHN_FIFO_MASKED      30
#define EVTCHN_FIFO_LINKED      29
#define EVTCHN_FIFO_BUSY        28
#define EVTCHN_FIFO_LINK_BITS   17
#define EVTCHN_FIFO_LINK_MASK   0x1FFFF
#define EVTCHN_FIFO_NR_CHANNELS 0x20000

typedef uint32_t event_word_t;

/* Per vCPU: which queues have events, and their heads. */
struct evtchn_fifo_control_block {
    uint32_t ready;
    uint32_t _rsvd;
    uint32_t head[EVTCHN_FIFO_MAX_QUEUES];
};
