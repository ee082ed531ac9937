/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Event channels as a guest uses them: the shared page and the 2-level bits.
 */
#pragma once

#include <public/event_channel.h>
#include <public/xen.h>
#include <stdbool.h>
#include <stdint.h>

/* Maps the shared page over a page of ours, once. */
struct shared_info *event_shared(void);

/* Without a hypervisor: a page that stands for the shared one. */
void event_use(struct shared_info *page);

/* vCPU 0's delivery state; in the shared page until a kernel registers another place. */
extern volatile struct vcpu_info *event_info;

bool event_pending(evtchn_port_t port);
bool event_masked(evtchn_port_t port);
void event_set_mask(evtchn_port_t port, bool masked);

/* Clears the port's bit and the two levels above it. */
void event_clear(evtchn_port_t port);

/* Shorthands; the result is a port or a negated XEN_E. */
int64_t event_alloc_unbound(domid_t domain, domid_t remote);
int64_t event_bind_virq(uint32_t virq, uint32_t vcpu);
int64_t event_bind_ipi(uint32_t vcpu);
int64_t event_send(evtchn_port_t port);
int64_t event_close(evtchn_port_t port);
int64_t event_unmask(evtchn_port_t port);
/* EVTCHNSTAT_ or a negated XEN_E; the structure may be null. */
int64_t event_status(evtchn_port_t port, struct evtchn_status *status);
