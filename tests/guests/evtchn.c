/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event_channel_op, 2-level: every operation, its errors, delivery as an interrupt.
 */
#include <guest/event.h>
#include <guest/hypercall.h>
#include <guest/memory.h>
#include <guest/port.h>
#include <guest/print.h>
#include <guest/test.h>
#include <public/errno.h>

static void *const bad = (void *)(uintptr_t)0x7000000000UL;
static volatile unsigned int upcalls;

/* As a guest's upcall: the summary byte first, then nothing: the tests look at the bits. */
static void upcall(unsigned int irq)
{
    (void)irq;
    event_info->evtchn_upcall_pending = 0;
    upcalls++;
}

static int64_t bind_interdomain(domid_t domain, evtchn_port_t remote)
{
    struct evtchn_bind_interdomain arg = {.remote_dom = domain, .remote_port = remote};
    int64_t rc = event_channel_op(EVTCHNOP_bind_interdomain, &arg);
    return rc ? rc : arg.local_port;
}

static int64_t bind_vcpu(evtchn_port_t port, uint32_t vcpu)
{
    struct evtchn_bind_vcpu arg = {.port = port, .vcpu = vcpu};
    return event_channel_op(EVTCHNOP_bind_vcpu, &arg);
}

static void test_arguments(void)
{
    static uint64_t zero[8];
    for (unsigned int cmd = 0; cmd <= EVTCHNOP_set_priority; cmd++) {
        check_eq("unmapped argument", event_channel_op(cmd, bad), -XEN_EFAULT);
        check_eq("null argument", event_channel_op(cmd, NULL), -XEN_EFAULT);
    }
    check_known("command 14", event_channel_op(14, zero), -XEN_ENOSYS, -XEN_EBUSY,
                "continues a reset there, from a number that guests can use");
    check_eq("command 15", event_channel_op(15, zero), -XEN_ENOSYS);
    check_eq("command -1", event_channel_op(~0U, zero), -XEN_ENOSYS);
    check_eq("bind_pirq", event_channel_op(EVTCHNOP_bind_pirq, zero), -XEN_EOPNOTSUPP);
    check_eq("the old hypercall",
             hypercall2(__HYPERVISOR_event_channel_op_compat, hypercall_pointer(zero), 0),
             -XEN_ENOSYS);
}

static void test_unbound(void)
{
    struct evtchn_status status;
    check_eq("alloc_unbound for a domain to come", event_alloc_unbound(DOMID_SELF, 77), -XEN_ESRCH);
    int64_t port = event_alloc_unbound(DOMID_SELF, 0);
    check_range("alloc_unbound", port, 1, 4095);
    check_eq("status unbound", event_status((evtchn_port_t)port, &status), EVTCHNSTAT_unbound);
    check_eq("status: remote", status.u.unbound.dom, 0);
    check_eq("status: vcpu", status.vcpu, 0);
    check_eq("send on unbound", event_send((evtchn_port_t)port), 0);
    check_eq("close", event_close((evtchn_port_t)port), 0);
    check_eq("close again", event_close((evtchn_port_t)port), -XEN_EINVAL);
    check_eq("status closed", event_status((evtchn_port_t)port, NULL), EVTCHNSTAT_closed);
    check_eq("the port is used again", event_alloc_unbound(DOMID_SELF, 0), port);
    event_close((evtchn_port_t)port);
    check_eq("alloc_unbound in nobody", event_alloc_unbound(77, 0), -XEN_ESRCH);
    check_range("alloc_unbound by number, to self", event_alloc_unbound(0, DOMID_SELF), 1, 4095);
    check_eq("status of port 0", event_status(0, NULL), EVTCHNSTAT_closed);
    check_eq("send to port 0", event_send(0), -XEN_EINVAL);
    check_eq("close port 0", event_close(0), -XEN_EINVAL);
    check_eq("status beyond", event_status(0x20000, NULL), -XEN_EINVAL);
    check_eq("send beyond", event_send(~0U), -XEN_EINVAL);
    check_eq("close beyond", event_close(~0U), -XEN_EINVAL);
    check_eq("unmask beyond", event_unmask(~0U), -XEN_EINVAL);
    check_eq("unmask a closed port", event_unmask((evtchn_port_t)port), 0);
    check_eq("bind_vcpu beyond", bind_vcpu(~0U, 0), -XEN_EINVAL);
    struct evtchn_status other = {.dom = 77, .port = 1};
    check_eq("status of nobody", event_channel_op(EVTCHNOP_status, &other), -XEN_ESRCH);
}

static void test_interdomain(void)
{
    struct evtchn_status status;
    evtchn_port_t a = (evtchn_port_t)event_alloc_unbound(DOMID_SELF, DOMID_SELF);
    int64_t b = bind_interdomain(DOMID_SELF, a);
    check_range("bind_interdomain to self", b, 1, 4095);
    evtchn_port_t port = (evtchn_port_t)b;
    check_eq("status interdomain", event_status(port, &status), EVTCHNSTAT_interdomain);
    check_eq("status: peer", status.u.interdomain.dom, 0);
    check_eq("status: peer port", status.u.interdomain.port, a);
    check("binding marks our end", event_pending(port));
    event_clear(port);
    event_clear(a);
    event_set_mask(a, true);
    check_eq("send", event_send(port), 0);
    check("the peer is pending", event_pending(a));
    check("the sender is not", !event_pending(port));
    check_eq("masked: no upcall", event_info->evtchn_upcall_pending, 0);
    check_eq("unmask", event_unmask(a), 0);
    check_eq("unmask delivers", event_info->evtchn_upcall_pending, 1);
    check("unmask clears the bit", !event_masked(a));
    event_clear(a);
    check_eq("bind it again", bind_interdomain(DOMID_SELF, a), -XEN_EINVAL);
    check_eq("bind to a port never made", bind_interdomain(DOMID_SELF, 3000), -XEN_EINVAL);
    check_eq("bind to nobody", bind_interdomain(77, 1), -XEN_ESRCH);
    check_eq("close one end", event_close(a), 0);
    check_eq("the other is unbound", event_status(port, &status), EVTCHNSTAT_unbound);
    check_eq("for the same domain", status.u.unbound.dom, 0);
    check_eq("send without a peer", event_send(port), 0);
    check_eq("close the other end", event_close(port), 0);
}

static void test_virq(void)
{
    struct evtchn_status status;
    int64_t port = event_bind_virq(VIRQ_DEBUG, 0);
    check_range("bind_virq", port, 1, 4095);
    check_eq("status virq", event_status((evtchn_port_t)port, &status), EVTCHNSTAT_virq);
    check_eq("status: which", status.u.virq, VIRQ_DEBUG);
    check_eq("bind it again", event_bind_virq(VIRQ_DEBUG, 0), -XEN_EEXIST);
    check_eq("virq of vcpu 1", event_bind_virq(VIRQ_DEBUG, 1), -XEN_ENOENT);
    check_eq("virq of vcpu -1", event_bind_virq(VIRQ_DEBUG, ~0U), -XEN_ENOENT);
    check_eq("virq 24", event_bind_virq(24, 0), -XEN_EINVAL);
    check_eq("virq -1", event_bind_virq(~0U, 0), -XEN_EINVAL);
    check_eq("global virq on vcpu 1", event_bind_virq(VIRQ_CONSOLE, 1), -XEN_EINVAL);
    check_eq("per-vcpu virq cannot move", bind_vcpu((evtchn_port_t)port, 0), -XEN_EINVAL);
    check_eq("send on a virq", event_send((evtchn_port_t)port), -XEN_EINVAL);
    check_eq("close", event_close((evtchn_port_t)port), 0);
    int64_t global = event_bind_virq(VIRQ_DOM_EXC, 0);
    check_range("bind a global virq", global, 1, 4095);
    check_eq("global virq may move", bind_vcpu((evtchn_port_t)global, 0), 0);
    check_eq("but not to a vcpu that is not", bind_vcpu((evtchn_port_t)global, 9), -XEN_ENOENT);
    event_close((evtchn_port_t)global);
}

static void test_ipi(void)
{
    struct evtchn_status status;
    int64_t port = event_bind_ipi(0);
    check_range("bind_ipi", port, 1, 4095);
    check_eq("status ipi", event_status((evtchn_port_t)port, &status), EVTCHNSTAT_ipi);
    check_eq("ipi to a vcpu that is not", event_bind_ipi(9), -XEN_ENOENT);
    check_eq("an ipi cannot move", bind_vcpu((evtchn_port_t)port, 0), -XEN_EINVAL);
    check_eq("send", event_send((evtchn_port_t)port), 0);
    check("pending", event_pending((evtchn_port_t)port));
    event_clear((evtchn_port_t)port);
    event_close((evtchn_port_t)port);
}

static void test_upcall(void)
{
    evtchn_port_t port = (evtchn_port_t)event_bind_ipi(0);
    port_irq_handle(port_event_irq(), upcall);
    port_irq_enable();
    unsigned int before = upcalls;
    event_send(port);
    check_eq("one upcall", upcalls, before + 1);
    check_eq("selector", (int64_t)(event_info->evtchn_pending_sel >> (port / 64) & 1), 1);
    event_send(port);
    check_eq("already pending: no second one", upcalls, before + 1);
    event_clear(port);
    event_send(port);
    check_eq("again after clearing", upcalls, before + 2);
    event_clear(port);
    event_set_mask(port, true);
    event_send(port);
    check_eq("masked: none", upcalls, before + 2);
    event_unmask(port);
    check_eq("unmask: one", upcalls, before + 3);
    event_clear(port);
    event_unmask(port);
    check_eq("unmask of nothing: none", upcalls, before + 3);
    port_irq_disable();
    event_send(port);
    check_eq("interrupts off: none yet", upcalls, before + 3);
    port_irq_enable();
    check_eq("interrupts on: one", upcalls, before + 4);
    port_irq_disable();
    event_clear(port);
    event_close(port);
}

/* All ports can be had, no more, and all come back. */
static void test_all(void)
{
    int64_t port;
    unsigned int count = 0;
    while ((port = event_bind_ipi(0)) > 0) {
        count++;
    }
    check_eq("no more ports", port, -XEN_ENOSPC);
    check_range("ports of a domain", count, 4000, 4095);
    struct evtchn_reset reset = {.dom = DOMID_SELF};
    check_eq("reset", event_channel_op(EVTCHNOP_reset, &reset), 0);
    check_eq("all closed", event_status(4000, NULL), EVTCHNSTAT_closed);
    reset.dom = 77;
    check_eq("reset nobody", event_channel_op(EVTCHNOP_reset, &reset), -XEN_ESRCH);
    port = event_bind_ipi(0);
    check_range("ports again", port, 1, 10);
    event_close((evtchn_port_t)port);
}

static void test_priority(void)
{
    evtchn_port_t port = (evtchn_port_t)event_bind_ipi(0);
    struct evtchn_set_priority arg = {.port = port, .priority = 3};
    check_eq("set_priority without FIFO", event_channel_op(EVTCHNOP_set_priority, &arg),
             -XEN_ENOSYS);
    arg.port = 4000;
    check_eq("set_priority of a port that is not", event_channel_op(EVTCHNOP_set_priority, &arg),
             -XEN_EINVAL);
    event_close(port);
}

void guest_main(void)
{
    event_shared();
    test_arguments();
    test_unbound();
    test_interdomain();
    test_virq();
    test_ipi();
    test_priority();
    test_upcall();
    test_all();
}
