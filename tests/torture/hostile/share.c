/* SPDX-License-Identifier: Apache-2.0 */
/*
 * T11: one honest vCPU beside many that storm, on one CPU: it gets at least 90 % of a fair share.
 */
#include <guest/event.h>
#include <public/event_channel.h>
#include <public/sched.h>
#include <public/vcpu.h>
#include <torture/hostile.h>

enum {
    HONEST = 1,
    STORMS = 3,         /* domains, of CLONE_CPUS vCPUs each */
    PLACE = 1,          /* the CPU */
    PIECES = 10,        /* how long it is measured, in turns of all vCPUs of a slice each */
    SLICE_NS = 10000000 /* the longest run of one while others wait */
};

static void share_honest(void)
{
    for (;;) {
        control->beat[0]++;
    }
}

static void share_run(void)
{
    struct evtchn_send send = {.port = (evtchn_port_t)event_bind_ipi(port_cpu())};
    uint64_t period = 1000000; /* ns */
    uint64_t sink;
    (void)vcpu_op(VCPUOP_set_periodic_timer, port_cpu(), &period);
    for (uint64_t i = 0;; i++) {
        switch ((control->mode + port_cpu()) % 4) {
        case 0: (void)sched_op(SCHEDOP_yield, NULL); break;
        case 1: (void)event_channel_op(EVTCHNOP_send, &send); break;
        case 2: (void)port_hypercall(63, 0, 0, 0, 0, 0); break;
        default: (void)port_try_read(machine_device(), 4, &sink); break;
        }
        control->beat[port_cpu()]++;
    }
}

void share_clone(void)
{
    if (control->mode == HONEST) {
        share_honest();
    } else {
        clone_cpus(share_run);
    }
}

static void pin(domid_t domain, unsigned int vcpu)
{
    uint64_t map = 1UL << PLACE;
    memset(&domain_call, 0, sizeof(domain_call));
    domain_call.u.vcpuaffinity.vcpu = vcpu;
    domain_call.u.vcpuaffinity.flags = XEN_VCPUAFFINITY_HARD;
    domain_call.u.vcpuaffinity.cpumap_hard = (struct xenctl_bitmap){hypercall_pointer(&map), 64};
    if (domain_op(XEN_DOMCTL_setvcpuaffinity, domain) != 0) {
        give_up("setvcpuaffinity");
    }
}

void share_dom0(void)
{
    struct clone clones[STORMS + 1];
    for (unsigned int i = 0; i <= STORMS; i++) {
        struct control order = {.mode = i == 0 ? HONEST : HONEST + i,
                                .vcpus = i == 0 ? 1 : CLONE_CPUS};
        clone_make(&clones[i], i, &order);
        for (unsigned int vcpu = 0; vcpu < CLONE_CPUS; vcpu++) {
            pin(clones[i].domain, vcpu);
        }
        clone_start(&clones[i]);
    }
    /* All of them run by now. */
    uint64_t end = port_counter() + port_frequency() / 20;
    while (port_counter() < end) {
        hostile_turn();
    }
    uint64_t begin = port_counter();
    uint64_t used = clone_time(&clones[0]);
    end = begin + hostile_scaled(PIECES) * (STORMS * CLONE_CPUS + 1) * port_frequency() / 100;
    while (port_counter() < end) {
        hostile_turn();
    }
    used = clone_time(&clones[0]) - used;
    uint64_t passed = (port_counter() - begin) * 1000 / port_frequency() * 1000000;
    uint64_t share = used * (STORMS * CLONE_CPUS + 1) * 100 / passed;
    uint64_t calls = 0;
    for (unsigned int i = 1; i <= STORMS; i++) {
        calls += clone_beats(&clones[i]);
    }
    print("CALLS T11 %lu\n", calls);
    print("INFO T11 share %lu percent of fair\n", share);
    /* The last turn of its own may be just before the end or just behind. */
    check("T11: the honest domain has 90 % of its share",
          (used + SLICE_NS) * (STORMS * CLONE_CPUS + 1) * 100 >= passed * 90);
    for (unsigned int i = 0; i <= STORMS; i++) {
        clone_destroy(&clones[i]);
    }
}
