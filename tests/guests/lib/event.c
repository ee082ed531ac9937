/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Event channels: the shared page, its bits, and short forms of the calls.
 */
#include <guest/event.h>
#include <guest/hypercall.h>
#include <guest/memory.h>
#include <guest/test.h>
#include <public/memory.h>

volatile struct vcpu_info *event_info;
static struct shared_info *event_page;

struct shared_info *event_shared(void)
{
    if (!event_page) {
        event_page = page_alloc();
        struct xen_add_to_physmap map = {
            .domid = DOMID_SELF, .space = XENMAPSPACE_shared_info, .gpfn = frame_of(event_page)};
        if (memory_op(XENMEM_add_to_physmap, &map) != 0) {
            give_up("cannot map the shared page");
        }
        event_info = &event_page->vcpu_info[0];
    }
    return event_page;
}

void event_use(struct shared_info *page)
{
    event_page = page;
    event_info = &page->vcpu_info[0];
}

static uint64_t event_word(const volatile uint64_t *words, evtchn_port_t port)
{
    return __atomic_load_n(&words[port / 64], __ATOMIC_ACQUIRE) >> (port % 64) & 1;
}

bool event_pending(evtchn_port_t port)
{
    return event_word(event_shared()->evtchn_pending, port) != 0;
}

bool event_masked(evtchn_port_t port)
{
    return event_word(event_shared()->evtchn_mask, port) != 0;
}

void event_set_mask(evtchn_port_t port, bool masked)
{
    uint64_t *word = &event_shared()->evtchn_mask[port / 64];
    uint64_t bit = 1UL << (port % 64);
    if (masked) {
        __atomic_fetch_or(word, bit, __ATOMIC_SEQ_CST);
    } else {
        __atomic_fetch_and(word, ~bit, __ATOMIC_SEQ_CST);
    }
}

void event_clear(evtchn_port_t port)
{
    event_info->evtchn_upcall_pending = 0;
    __atomic_fetch_and(&event_info->evtchn_pending_sel, ~(1UL << (port / 64)), __ATOMIC_SEQ_CST);
    __atomic_fetch_and(&event_shared()->evtchn_pending[port / 64], ~(1UL << (port % 64)),
                       __ATOMIC_SEQ_CST);
}

int64_t event_alloc_unbound(domid_t domain, domid_t remote)
{
    struct evtchn_alloc_unbound arg = {.dom = domain, .remote_dom = remote};
    int64_t rc = event_channel_op(EVTCHNOP_alloc_unbound, &arg);
    return rc ? rc : arg.port;
}

int64_t event_bind_virq(uint32_t virq, uint32_t vcpu)
{
    struct evtchn_bind_virq arg = {.virq = virq, .vcpu = vcpu};
    int64_t rc = event_channel_op(EVTCHNOP_bind_virq, &arg);
    return rc ? rc : arg.port;
}

int64_t event_bind_ipi(uint32_t vcpu)
{
    struct evtchn_bind_ipi arg = {.vcpu = vcpu};
    int64_t rc = event_channel_op(EVTCHNOP_bind_ipi, &arg);
    return rc ? rc : arg.port;
}

int64_t event_send(evtchn_port_t port)
{
    struct evtchn_send arg = {.port = port};
    return event_channel_op(EVTCHNOP_send, &arg);
}

int64_t event_close(evtchn_port_t port)
{
    struct evtchn_close arg = {.port = port};
    return event_channel_op(EVTCHNOP_close, &arg);
}

int64_t event_unmask(evtchn_port_t port)
{
    struct evtchn_unmask arg = {.port = port};
    return event_channel_op(EVTCHNOP_unmask, &arg);
}

int64_t event_status(evtchn_port_t port, struct evtchn_status *status)
{
    struct evtchn_status arg = {.dom = DOMID_SELF, .port = port};
    int64_t rc = event_channel_op(EVTCHNOP_status, &arg);
    if (status) {
        *status = arg;
    }
    return rc ? rc : arg.status;
}
