/* SPDX-License-Identifier: Apache-2.0 */
/* Random calls of event_channel_op, with both forms, and guests that play with their words. */
#include <public/event_channel.h>

#include "../fuzz/core/scene.h"
#include "race.h"

#include <xen/cpu.h>

#define PORTS 40u

static evtchn_port_t some_port(void)
{
    return (evtchn_port_t)random_below(PORTS);
}

static void event(const struct actor *a, uint64_t command, void *op, size_t size)
{
    (void)call_with(a, __HYPERVISOR_event_channel_op, command, op, size);
}

static void bind(const struct actor *a)
{
    struct evtchn_alloc_unbound unbound = {.dom = a->tool ? some_guest() : DOMID_SELF,
                                           .remote_dom = some_domain()};
    struct evtchn_bind_interdomain join = {.remote_dom = some_domain(), .remote_port = some_port()};
    struct evtchn_bind_virq virq = {.virq = (uint32_t)random_below(8),
                                    .vcpu = (uint32_t)random_below(VCPUS)};
    struct evtchn_bind_ipi ipi = {.vcpu = (uint32_t)random_below(VCPUS)};

    switch (random_below(6)) {
    case 0:
    case 1: event(a, EVTCHNOP_alloc_unbound, &unbound, sizeof(unbound)); break;
    case 2:
    case 3: event(a, EVTCHNOP_bind_interdomain, &join, sizeof(join)); break;
    case 4: event(a, EVTCHNOP_bind_virq, &virq, sizeof(virq)); break;
    default: event(a, EVTCHNOP_bind_ipi, &ipi, sizeof(ipi)); break;
    }
}

static void change(const struct actor *a)
{
    struct evtchn_status status = {.dom = a->tool ? some_guest() : DOMID_SELF, .port = some_port()};
    struct evtchn_bind_vcpu vcpu = {.port = some_port(), .vcpu = (uint32_t)random_below(VCPUS)};
    struct evtchn_set_priority priority = {.port = some_port(),
                                           .priority = (uint32_t)random_below(16)};
    struct evtchn_unmask unmask = {.port = some_port()};

    switch (random_below(5)) {
    case 0: event(a, EVTCHNOP_status, &status, sizeof(status)); break;
    case 1: event(a, EVTCHNOP_bind_vcpu, &vcpu, sizeof(vcpu)); break;
    case 2: event(a, EVTCHNOP_set_priority, &priority, sizeof(priority)); break;
    default: event(a, EVTCHNOP_unmask, &unmask, sizeof(unmask)); break;
    }
}

static void fifo(const struct actor *a)
{
    struct evtchn_init_control control = {
        .control_gfn = GUEST_GFN + FRAME_CONTROL + random_below(VCPUS),
        .offset = (uint32_t)random_below(4) * 128u,
        .vcpu = (uint32_t)random_below(VCPUS),
    };
    struct evtchn_expand_array expand = {.array_gfn = GUEST_GFN + FRAME_WORDS};

    if (a->tool) {
        return;
    }
    if (random_below(2) == 0) { /* a frame that may be taken away meanwhile */
        control.control_gfn = some_frame();
        expand.array_gfn = some_frame();
    }
    if (random_below(2) == 0) {
        event(a, EVTCHNOP_init_control, &control, sizeof(control));
    } else {
        event(a, EVTCHNOP_expand_array, &expand, sizeof(expand));
    }
}

static void reset(const struct actor *a)
{
    struct evtchn_reset op = {.dom = a->tool ? some_guest() : DOMID_SELF};

    if (random_below(8) == 0) {
        event(a, EVTCHNOP_reset, &op, sizeof(op));
    }
}

/* Two event words at once: PENDING, MASKED, LINKED, BUSY and links as they may come. */
static void scribble(const struct actor *a)
{
    uint64_t frame = GUEST_GFN + FRAME_SHARED + random_below(FRAME_WORDS + 1u - FRAME_SHARED);
    uint64_t low = random_below(16) << 28 | random_below(PORTS),
             high = random_below(16) << 28 | random_below(PORTS);

    if (!a->tool) {
        (void)put_word((frame << PAGE_SHIFT) + random_below(PORTS) * 8u, high << 32 | low);
    }
}

void act_event(const struct actor *a)
{
    struct evtchn_send send = {.port = some_port()};
    struct evtchn_close close = {.port = some_port()};

    switch (random_below(14)) {
    case 0:
    case 1: bind(a); break;
    case 2: event(a, EVTCHNOP_close, &close, sizeof(close)); break;
    case 3: change(a); break;
    case 4: fifo(a); break;
    case 5: reset(a); break;
    case 6: scribble(a); break;
    case 7:
    case 8: act_memory(a); break;
    default: event(a, EVTCHNOP_send, &send, sizeof(send)); break;
    }
}
