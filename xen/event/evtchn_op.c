/*
 * event_channel_op: each sub-operation checks what a guest asks for and changes or reports
 * bindings. Errors and their order are Xen's.
 */
#include <xen/access.h>
#include <xen/errno.h>
#include <xen/evtchn_port.h>
#include <xen/guest_copy.h>
#include <xen/hypercall.h>

/* The domain that `id` names, referenced, if v may act on it; NULL and *rc. */
static struct domain *op_target(const struct vcpu *v, domid_t id, long *rc)
{
    struct domain *d = domain_by_id_or_self(id);

    if (d == NULL) {
        *rc = -ESRCH;
    } else if (!access_act_on(v->d, d)) {
        *rc = -EPERM;
        domain_put(d);
        d = NULL;
    }
    return d;
}

static long op_alloc_unbound(struct vcpu *v, void *p)
{
    struct evtchn_alloc_unbound *arg = p;
    long rc;
    struct domain *d = op_target(v, arg->dom, &rc);
    struct domain *remote;

    if (d == NULL) {
        return rc;
    }
    remote = domain_by_id_or_self(arg->remote_dom);
    rc = remote == NULL                 ? -ESRCH
         : access_talk(v->d, d, remote) ? evtchn_alloc_unbound(d, remote->id)
                                        : -EPERM;
    if (remote != NULL) {
        domain_put(remote);
    }
    domain_put(d);
    if (rc < 0) {
        return rc;
    }
    arg->port = (evtchn_port_t)rc;
    return 0;
}

/* Join e, just allocated, to the port of rd that waits for e's domain. Bind lock held. */
static int evtchn_join(struct evtchn *e, struct domain *rd, evtchn_port_t rport)
{
    struct evtchn *peer = evtchn_get(rd, rport);

    if (peer == NULL || peer->state != EVTCHN_UNBOUND || peer->u.remote != e->d->id) {
        return -EINVAL;
    }
    if (!access_talk(e->d, e->d, rd)) {
        return -EPERM;
    }
    e->u.peer = peer;
    evtchn_open(e, EVTCHN_INTERDOMAIN, 0);
    spin_lock(&peer->lock);
    peer->u.peer = e;
    peer->state = EVTCHN_INTERDOMAIN;
    spin_unlock(&peer->lock);
    /* Events sent while the other end was unbound were lost: let the new one look once. */
    evtchn_set_pending(e);
    return 0;
}

static long op_bind_interdomain(struct vcpu *v, void *p)
{
    struct evtchn_bind_interdomain *arg = p;
    struct domain *rd = domain_by_id_or_self(arg->remote_dom);
    struct evtchn *e;
    int rc;

    if (rd == NULL) {
        return -ESRCH;
    }
    e = evtchn_alloc(v->d, &rc);
    if (e != NULL) {
        rc = evtchn_join(e, rd, arg->remote_port);
        if (rc == 0) {
            arg->local_port = e->port;
        } else {
            evtchn_unalloc(e);
        }
        spin_unlock(&evtchn_bind_lock);
    }
    domain_put(rd);
    return rc;
}

static long op_bind_virq(struct vcpu *v, void *p)
{
    return evtchn_bind_virq(v->d, p);
}

static long op_bind_ipi(struct vcpu *v, void *p)
{
    struct evtchn_bind_ipi *arg = p;
    struct evtchn *e;
    int rc;

    if (domain_vcpu(v->d, arg->vcpu) == NULL) {
        return -ENOENT;
    }
    e = evtchn_alloc(v->d, &rc);
    if (e == NULL) {
        return rc;
    }
    evtchn_open(e, EVTCHN_IPI, arg->vcpu);
    arg->port = e->port;
    spin_unlock(&evtchn_bind_lock);
    return 0;
}

/* No domain here has physical interrupts as Xen's x86 knows them. */
static long op_bind_pirq(struct vcpu *v, void *p)
{
    (void)v;
    (void)p;
    return -EOPNOTSUPP;
}

static long op_close(struct vcpu *v, void *p)
{
    const struct evtchn_close *arg = p;

    return evtchn_close(v->d, arg->port);
}

static void evtchn_describe(const struct evtchn *e, struct evtchn_status *out)
{
    static const uint8_t status[] = {
        [EVTCHN_FREE] = EVTCHNSTAT_closed,     [EVTCHN_RESERVED] = EVTCHNSTAT_closed,
        [EVTCHN_UNBOUND] = EVTCHNSTAT_unbound, [EVTCHN_INTERDOMAIN] = EVTCHNSTAT_interdomain,
        [EVTCHN_VIRQ] = EVTCHNSTAT_virq,       [EVTCHN_IPI] = EVTCHNSTAT_ipi,
    };

    out->status = status[e->state];
    out->vcpu = e->vcpu;
    if (e->state == EVTCHN_UNBOUND) {
        out->u.unbound.dom = e->u.remote;
    } else if (e->state == EVTCHN_INTERDOMAIN) {
        out->u.interdomain.dom = e->u.peer->d->id;
        out->u.interdomain.port = e->u.peer->port;
    } else if (e->state == EVTCHN_VIRQ) {
        out->u.virq = e->u.virq;
    }
}

static long op_status(struct vcpu *v, void *p)
{
    struct evtchn_status *arg = p;
    struct domain *d = domain_by_id_or_self(arg->dom);
    struct evtchn *e;
    long rc = 0;

    if (d == NULL) {
        return -ESRCH;
    }
    e = evtchn_get(d, arg->port);
    if (e == NULL) {
        rc = -EINVAL;
    } else if (!access_act_on(v->d, d)) {
        rc = -EPERM;
    } else {
        spin_lock(&e->lock);
        evtchn_describe(e, arg);
        spin_unlock(&e->lock);
    }
    domain_put(d);
    return rc;
}

static long op_bind_vcpu(struct vcpu *v, void *p)
{
    const struct evtchn_bind_vcpu *arg = p;
    struct evtchn *e = evtchn_get(v->d, arg->port);
    long rc = -EINVAL;

    if (domain_vcpu(v->d, arg->vcpu) == NULL) {
        return -ENOENT;
    }
    if (e == NULL) {
        return -EINVAL;
    }
    spin_lock(&e->lock);
    if (e->state == EVTCHN_UNBOUND || e->state == EVTCHN_INTERDOMAIN ||
        (e->state == EVTCHN_VIRQ && virq_is_global(e->u.virq))) {
        atomic_store(&e->vcpu, (uint16_t)arg->vcpu);
        rc = 0;
    }
    spin_unlock(&e->lock);
    return rc;
}

static long op_unmask(struct vcpu *v, void *p)
{
    const struct evtchn_unmask *arg = p;
    struct domain *d = v->d;
    struct evtchn *e = evtchn_get(d, arg->port);

    if (e == NULL) {
        return -EINVAL;
    }
    spin_lock(&e->lock);
    if (evtchn_usable(e)) {
        struct vcpu *target = d->vcpu[e->vcpu];

        if (target != NULL) {
            evtchn_abi(d)->unmask(target, e);
        }
    }
    spin_unlock(&e->lock);
    return 0;
}

static long op_reset(struct vcpu *v, void *p)
{
    const struct evtchn_reset *arg = p;
    long rc;
    struct domain *d = op_target(v, arg->dom, &rc);

    if (d == NULL) {
        return rc;
    }
    rc = evtchn_reset(d);
    domain_put(d);
    return rc;
}

static long op_init_control(struct vcpu *v, void *p)
{
    return evtchn_fifo_init_control(v->d, p);
}

static long op_expand_array(struct vcpu *v, void *p)
{
    const struct evtchn_expand_array *arg = p;

    return evtchn_fifo_expand_array(v->d, arg->array_gfn);
}

static long op_set_priority(struct vcpu *v, void *p)
{
    const struct evtchn_set_priority *arg = p;
    struct evtchn *e = evtchn_get(v->d, arg->port);
    long rc = -EACCES;

    if (e == NULL) {
        return -EINVAL;
    }
    spin_lock(&e->lock);
    if (evtchn_usable(e)) {
        rc = evtchn_abi(v->d)->set_priority(e, arg->priority);
    }
    spin_unlock(&e->lock);
    return rc;
}

static const struct hypercall_op evtchn_table[] = {
    [EVTCHNOP_bind_interdomain] = {op_bind_interdomain, sizeof(struct evtchn_bind_interdomain),
                                   OP_OUT},
    [EVTCHNOP_bind_virq] = {op_bind_virq, sizeof(struct evtchn_bind_virq), OP_OUT},
    [EVTCHNOP_bind_pirq] = {op_bind_pirq, sizeof(struct evtchn_bind_pirq), OP_OUT},
    [EVTCHNOP_close] = {op_close, sizeof(struct evtchn_close), 0},
    [EVTCHNOP_status] = {op_status, sizeof(struct evtchn_status), OP_OUT},
    [EVTCHNOP_alloc_unbound] = {op_alloc_unbound, sizeof(struct evtchn_alloc_unbound), OP_OUT},
    [EVTCHNOP_bind_ipi] = {op_bind_ipi, sizeof(struct evtchn_bind_ipi), OP_OUT},
    [EVTCHNOP_bind_vcpu] = {op_bind_vcpu, sizeof(struct evtchn_bind_vcpu), 0},
    [EVTCHNOP_unmask] = {op_unmask, sizeof(struct evtchn_unmask), 0},
    [EVTCHNOP_reset] = {op_reset, sizeof(struct evtchn_reset), 0},
    [EVTCHNOP_init_control] = {op_init_control, sizeof(struct evtchn_init_control), OP_OUT},
    [EVTCHNOP_expand_array] = {op_expand_array, sizeof(struct evtchn_expand_array), 0},
    [EVTCHNOP_set_priority] = {op_set_priority, sizeof(struct evtchn_set_priority), 0},
};

long do_event_channel_op(struct vcpu *v, uint64_t *arg)
{
    /* What guests do all the time goes the short way. */
    if (likely((uint32_t)arg[0] == EVTCHNOP_send)) {
        struct evtchn_send send;

        return guest_copy_from(&send, arg[1], sizeof(send)) != 0 ? -EFAULT
                                                                 : evtchn_send(v->d, send.port);
    }
    return hypercall_op(v, evtchn_table, ARRAY_SIZE(evtchn_table), arg[0], arg[1]);
}
