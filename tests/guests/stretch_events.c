/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long event_channel_op keeps interrupts waiting while a domain with many pending ports
 * switches to the FIFO form.
 */
#include <guest/event.h>
#include <guest/hypercall.h>
#include <guest/memory.h>
#include <guest/print.h>
#include <guest/stretch.h>
#include <guest/test.h>

enum {
    PORTS = 2048
};

static volatile struct evtchn_fifo_control_block *control;
static volatile event_word_t *words;

static void open_ports(void)
{
    evtchn_port_t port = 0;
    while (port < PORTS - 1) {
        port = (evtchn_port_t)event_bind_ipi(0);
        event_set_mask(port, true);
        if (event_send(port) != 0) {
            give_up("send");
        }
    }
}

static int64_t init_control(void)
{
    struct evtchn_init_control arg = {.control_gfn = frame_of((void *)(uintptr_t)control)};
    return event_channel_op(EVTCHNOP_init_control, &arg);
}

static int64_t expand_first(void)
{
    struct evtchn_expand_array arg = {.array_gfn = frame_of((void *)(uintptr_t)words)};
    return event_channel_op(EVTCHNOP_expand_array, &arg);
}

static int64_t expand_next(void)
{
    struct evtchn_expand_array arg = {.array_gfn = frame_of(page_alloc())};
    return event_channel_op(EVTCHNOP_expand_array, &arg);
}

/* Follows the default queue. */
static unsigned int count_queue(unsigned int ports)
{
    unsigned int found = 0;
    evtchn_port_t port = control->head[EVTCHN_FIFO_PRIORITY_DEFAULT];
    while (port != 0 && port < ports) {
        found++;
        port = words[port] & EVTCHN_FIFO_LINK_MASK;
    }
    return found;
}

void guest_main(void)
{
    if (on_xen()) {
        check("no limits there", true);
        return;
    }
    struct stretch init = {.name = "init_control with 2047 pending ports",
                           .call = init_control,
                           .limit = STRETCH_GUEST,
                           .rounds = 1};
    struct stretch first = {.name = "expand_array with 1023 pending ports",
                            .call = expand_first,
                            .limit = STRETCH_GUEST,
                            .rounds = 1};
    struct stretch next = {.name = "expand_array with 1024 more pending ports",
                           .call = expand_next,
                           .limit = STRETCH_GUEST,
                           .rounds = 1};
    stretch_begin();
    open_ports();
    control = page_alloc();
    words = page_alloc();
    stretch_measure_whole(&init);
    stretch_measure(&first);
    check_eq("ports that were pending before", count_queue(1024), 1023);
    stretch_measure(&next);
}
