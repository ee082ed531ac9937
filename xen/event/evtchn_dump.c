/* SPDX-License-Identifier: Apache-2.0 */
/* Event channels on the console: debug key 'e'. */
#include <xen/evtchn_port.h>
#include <xen/printk.h>

static const char *const state_names[] = {
    [EVTCHN_FREE] = "free",
    [EVTCHN_RESERVED] = "reserved",
    [EVTCHN_OWN] = "own",
    [EVTCHN_UNBOUND] = "unbound",
    [EVTCHN_INTERDOMAIN] = "domain",
    [EVTCHN_TO_OWN] = "xen",
    [EVTCHN_VIRQ] = "virq",
    [EVTCHN_IPI] = "ipi",
};

static void evtchn_dump_port(struct evtchn *e)
{
    const struct evtchn_ops *ops = evtchn_abi(e->d);

    printk("  %5u [%d/%d/%d] %s v%u", e->port, ops->is_pending(e), ops->is_masked(e),
           ops->is_busy(e), state_names[e->state], e->vcpu);
    if (e->state == EVTCHN_UNBOUND) {
        printk(" d%u", e->u.remote);
    } else if (evtchn_other_end(e) != NULL) {
        printk(" d%u:%u", e->u.peer->d->id, e->u.peer->port);
    } else if (e->state == EVTCHN_VIRQ) {
        printk(" %u", e->u.virq);
    }
    printk("\n");
}

void evtchn_dump(struct domain *d)
{
    printk("d%u: %s event channels, port [pending/masked/linked] state vcpu remote\n", d->id,
           d->events.fifo != NULL ? "FIFO" : "2-level");
    for (evtchn_port_t port = 1; port < atomic_load(&d->events.fresh); port++) {
        struct evtchn *e = evtchn_get(d, port);

        spin_lock(&e->lock);
        if (evtchn_usable(e)) {
            evtchn_dump_port(e);
        }
        spin_unlock(&e->lock);
    }
}
