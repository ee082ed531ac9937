/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Virtual interrupts: events that the hypervisor itself raises. Per-vCPU ones (timers) go to the
 * vCPU that they are about, global ones (console input, a domain's death) to one domain, which may
 * have them notify any of its vCPUs.
 */
#include <xen/errno.h>
#include <xen/evtchn_port.h>

/* Who gets a global virq; NULL: the hardware domain. */
static struct domain *virq_handler[NR_VIRQS];
/* Keeps a handler's domain alive while it is signalled: it is taken before the domain forgets its
 * virqs and goes. */
static spinlock_t virq_handler_lock = SPINLOCK_INIT(LOCK_EVENT);

bool virq_is_global(unsigned int virq)
{
    switch (virq) {
    case VIRQ_TIMER:
    case VIRQ_DEBUG:
    case VIRQ_XENOPROF:
    case VIRQ_XENPMU: return false;
    default: return true;
    }
}

long evtchn_bind_virq(struct domain *d, struct evtchn_bind_virq *arg)
{
    struct vcpu *v = domain_vcpu(d, arg->vcpu);
    evtchn_port_t *slot;
    struct evtchn *e;
    int rc;

    if (arg->virq >= NR_VIRQS || (virq_is_global(arg->virq) && arg->vcpu != 0)) {
        return -EINVAL;
    }
    if (v == NULL) {
        return -ENOENT;
    }
    slot = &v->event.virq_port[index_nospec(arg->virq, NR_VIRQS)];
    if (atomic_load(slot) != 0) {
        return -EEXIST;
    }
    e = evtchn_alloc(d, &rc);
    if (e == NULL) {
        return rc;
    }
    if (*slot != 0) {
        evtchn_unalloc(e);
        rc = -EEXIST;
    } else {
        e->u.virq = arg->virq;
        evtchn_open(e, EVTCHN_VIRQ, arg->vcpu);
        arg->port = e->port;
        atomic_store_release(slot, e->port);
        rc = 0;
    }
    spin_unlock(&evtchn_bind_lock);
    return rc;
}

/* A global virq stands in the table of vCPU 0, whichever vCPU it notifies. */
void evtchn_virq_unbind(struct evtchn *e)
{
    struct vcpu *v = e->d->vcpu[virq_is_global(e->u.virq) ? 0 : e->vcpu];

    atomic_store(&v->event.virq_port[e->u.virq], 0);
}

void evtchn_raise_virq(struct vcpu *v, unsigned int virq)
{
    evtchn_port_t port = atomic_load_acquire(&v->event.virq_port[virq]);
    struct evtchn *e;

    if (port == 0) {
        return;
    }
    e = evtchn_get(v->d, port);
    spin_lock(&e->lock);
    /* It may have been closed, and bound to something else, since the table was read. */
    if (e->state == EVTCHN_VIRQ && e->u.virq == virq &&
        (virq_is_global(virq) || e->vcpu == v->id)) {
        evtchn_set_pending(e);
    }
    spin_unlock(&e->lock);
}

void evtchn_raise_global_virq(unsigned int virq)
{
    struct domain *d;

    spin_lock(&virq_handler_lock);
    d = virq_handler[virq] != NULL ? virq_handler[virq] : hardware_domain;
    if (d != NULL && d->vcpu[0] != NULL) {
        evtchn_raise_virq(d->vcpu[0], virq);
    }
    spin_unlock(&virq_handler_lock);
}

int evtchn_set_virq_handler(struct domain *d, unsigned int virq)
{
    int rc = -EINVAL;

    if (virq >= NR_VIRQS || !virq_is_global(virq)) {
        return rc;
    }
    spin_lock(&virq_handler_lock);
    if (!d->is_dying) {
        virq_handler[index_nospec(virq, NR_VIRQS)] = d;
        rc = 0;
    }
    spin_unlock(&virq_handler_lock);
    return rc;
}

void evtchn_virq_forget(struct domain *d)
{
    spin_lock(&virq_handler_lock);
    for (unsigned int i = 0; i < NR_VIRQS; i++) {
        if (virq_handler[i] == d) {
            virq_handler[i] = NULL;
        }
    }
    spin_unlock(&virq_handler_lock);
}
