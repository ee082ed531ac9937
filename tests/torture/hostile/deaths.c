/* SPDX-License-Identifier: Apache-2.0 */
/*
 * T9: each way to die, or to be a nuisance, on all vCPUs of a domain, while dom0 and another domain
 * pass an event to and fro. Only the culprit may suffer.
 */
#include <guest/event.h>
#include <public/event_channel.h>
#include <public/memory.h>
#include <public/sched.h>
#include <public/vcpu.h>
#include <torture/hostile.h>

enum {
    HONEST = 1000, /* mode of the one that answers */
    OWN_WAYS = 8,
    TURNS = 20,
    LIMIT_MS = 200 /* for one turn: the culprit has four vCPUs on the same CPUs */
};

static void free_image(void)
{
    uint64_t frames[2] = {(GUEST_RAM0_BASE >> PAGE_SHIFT) + CLONE_IMAGE,
                          (GUEST_RAM0_BASE >> PAGE_SHIFT) + CLONE_IMAGE + 512};
    struct xen_memory_reservation arg = {.extent_start = hypercall_pointer(frames),
                                         .nr_extents = 2,
                                         .extent_order = 9,
                                         .domid = DOMID_SELF};
    (void)memory_op(XENMEM_decrease_reservation, &arg);
}

/* For ever: a call, with something that stays the same. */
static void flood(unsigned int nr, unsigned int sub, uint64_t a, uint64_t b)
{
    for (;;) {
        (void)port_hypercall(nr, sub, a, b, 0, 0);
        control->beat[port_cpu()]++;
    }
}

static void own_way(unsigned int kind)
{
    struct sched_shutdown shutdown = {.reason = kind};
    struct evtchn_send send = {.port = 0};
    uint64_t period = 1000000; /* ns */
    switch (kind) {
    case SHUTDOWN_poweroff:
    case SHUTDOWN_reboot:
    case SHUTDOWN_suspend:
    case SHUTDOWN_crash: (void)sched_op(SCHEDOP_shutdown, &shutdown); break;
    case 4: free_image(); break;
    case 5:
        send.port = (evtchn_port_t)event_bind_ipi(port_cpu());
        flood(__HYPERVISOR_event_channel_op, EVTCHNOP_send, hypercall_pointer(&send), 0);
        break;
    case 6:
        (void)vcpu_op(VCPUOP_set_periodic_timer, port_cpu(), &period);
        flood(__HYPERVISOR_sched_op, SCHEDOP_yield, 0, 0);
        break;
    default: flood(__HYPERVISOR_sched_op, SCHEDOP_block, 0, 0); break;
    }
}

static void deaths_run(void)
{
    unsigned int kind = (unsigned int)control->mode;
    if (kind < OWN_WAYS) {
        own_way(kind);
    } else {
        machine_die(kind - OWN_WAYS);
    }
    for (;;) {
        hostile_yield();
    }
}

/* Answers each event of dom0's with one. */
static void honest(void)
{
    struct evtchn_bind_interdomain bind = {.remote_dom = 0, .remote_port = (uint32_t)control->peer};
    (void)event_shared();
    if (event_channel_op(EVTCHNOP_bind_interdomain, &bind) != 0) {
        give_up("bind_interdomain");
    }
    evtchn_port_t port = bind.local_port;
    struct sched_poll poll = {hypercall_pointer(&port), 1, 0};
    control->value[0] = 1;
    for (;;) {
        while (!event_pending(port)) {
            (void)sched_op(SCHEDOP_poll, &poll);
        }
        event_clear(port);
        (void)event_send(port);
        control->beat[0]++;
    }
}

void deaths_clone(void)
{
    if (control->mode == HONEST) {
        honest();
    } else {
        clone_cpus(deaths_run);
    }
}

/* There and back; ticks, or 0: not within a second. */
static uint64_t turn(evtchn_port_t port)
{
    uint64_t begin = port_counter();
    uint64_t end = begin + port_frequency();
    event_clear(port);
    (void)event_send(port);
    while (!event_pending(port)) {
        if (port_counter() > end) {
            return 0;
        }
        hostile_turn();
    }
    return port_counter() - begin;
}

static void one(unsigned int kind, evtchn_port_t port)
{
    struct clone culprit;
    struct control order = {.mode = kind, .vcpus = CLONE_CPUS};
    uint64_t longest = 0;
    bool answered = true;
    clone_make(&culprit, 1, &order);
    clone_start(&culprit);
    for (uint64_t i = 0; i < hostile_scaled(TURNS) && answered; i++) {
        uint64_t took = turn(port);
        answered = took != 0;
        longest = took > longest ? took : longest;
    }
    uint64_t micros = longest * 1000000 / port_frequency();
    print("LONGEST T9-%u %lu\n", kind, micros);
    if (!answered || micros > LIMIT_MS * 1000) {
        print("# way %u: %lu us\n", kind, micros);
        check("T9: the other domain answers in time", false);
    }
    clone_destroy(&culprit);
}

void deaths_dom0(void)
{
    struct clone other;
    struct control order = {.mode = HONEST, .vcpus = 1};
    clone_make(&other, 0, &order);
    evtchn_port_t port = (evtchn_port_t)event_alloc_unbound(DOMID_SELF, other.domain);
    other.control->peer = port;
    (void)event_shared();
    event_set_mask(port, true);
    clone_start(&other);
    while (other.control->value[0] == 0 && !clone_ended(&other)) {
        hostile_turn();
    }
    check("T9: the other domain answers", turn(port) != 0);
    for (unsigned int kind = 0; kind < OWN_WAYS + MACHINE_DEATHS; kind++) {
        one(kind, port);
    }
    check("T9: and at the end", turn(port) != 0);
    print("CALLS T9 %lu\n", (OWN_WAYS + MACHINE_DEATHS) * hostile_scaled(TURNS));
    clone_destroy(&other);
    (void)event_close(port);
}
