/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event_channel_op: each sub-operation checks what a guest asks for and changes or reports
 * bindings. Errors and their order are Xen's.
 */
#include <xen/errno.h>
#include <xen/evtchn_port.h>
#include <xen/guest_copy.h>
#include <xen/op.h>

static long evtchn_op_alloc_unbound(struct op_call *call)
{
    struct evtchn_alloc_unbound *arg = call->arg;
    int rc = evtchn_alloc_unbound(call->d, call->peer->id);

    if (rc < 0) {
        return rc;
    }
    arg->port = (evtchn_port_t)rc;
    return 0;
}

/* May domain `id` connect to e? Bind lock held. */
static bool evtchn_waits_for(const struct evtchn *e, domid_t id)
{
    if (e->state == EVTCHN_OWN) {
        return e->u.peer == NULL && e->wanted == id;
    }
    return e->state == EVTCHN_UNBOUND && e->u.remote == id;
}

/* Join e, just allocated, to the port of rd that waits for e's domain. Bind lock held. */
static int evtchn_join(struct evtchn *e, struct domain *rd, evtchn_port_t rport)
{
    struct evtchn *peer = evtchn_get(rd, rport);
    bool own = peer != NULL && peer->state == EVTCHN_OWN;

    if (peer == NULL || !evtchn_waits_for(peer, e->d->id)) {
        return -EINVAL;
    }
    e->u.peer = peer;
    evtchn_open(e, own ? EVTCHN_TO_OWN : EVTCHN_INTERDOMAIN, 0);
    spin_lock(&peer->lock);
    peer->u.peer = e;
    peer->state = own ? EVTCHN_OWN : EVTCHN_INTERDOMAIN;
    spin_unlock(&peer->lock);
    /* Events sent while the other end was unbound were lost: let the new one look once. */
    evtchn_set_pending(e);
    return 0;
}

static long evtchn_op_bind_interdomain(struct op_call *call)
{
    struct evtchn_bind_interdomain *arg = call->arg;
    struct evtchn *e;
    int rc;

    e = evtchn_alloc(call->d, &rc);
    if (e == NULL) {
        return rc;
    }
    rc = evtchn_join(e, call->peer, arg->remote_port);
    if (rc == 0) {
        arg->local_port = e->port;
    } else {
        evtchn_unalloc(e);
    }
    spin_unlock(&evtchn_bind_lock);
    return rc;
}

static long evtchn_op_bind_virq(struct op_call *call)
{
    return evtchn_bind_virq(call->d, call->arg);
}

static long evtchn_op_bind_ipi(struct op_call *call)
{
    struct evtchn_bind_ipi *arg = call->arg;
    struct evtchn *e;
    int rc;

    if (domain_vcpu(call->d, arg->vcpu) == NULL) {
        return -ENOENT;
    }
    e = evtchn_alloc(call->d, &rc);
    if (e == NULL) {
        return rc;
    }
    evtchn_open(e, EVTCHN_IPI, arg->vcpu);
    arg->port = e->port;
    spin_unlock(&evtchn_bind_lock);
    return 0;
}

/* No domain here has physical interrupts as Xen's x86 knows them. */
static long evtchn_op_bind_pirq(struct op_call *call __unused)
{
    return -EOPNOTSUPP;
}

static long evtchn_op_close(struct op_call *call)
{
    const struct evtchn_close *arg = call->arg;

    return evtchn_close(call->d, arg->port);
}

static long evtchn_op_send(struct op_call *call)
{
    const struct evtchn_send *arg = call->arg;

    return evtchn_send(call->d, arg->port);
}

static void evtchn_describe(const struct evtchn *e, struct evtchn_status *out)
{
    static const uint8_t status[] = {
        [EVTCHN_FREE] = EVTCHNSTAT_closed,
        [EVTCHN_RESERVED] = EVTCHNSTAT_closed,
        [EVTCHN_UNBOUND] = EVTCHNSTAT_unbound,
        [EVTCHN_INTERDOMAIN] = EVTCHNSTAT_interdomain,
        [EVTCHN_TO_OWN] = EVTCHNSTAT_interdomain,
        [EVTCHN_VIRQ] = EVTCHNSTAT_virq,
        [EVTCHN_IPI] = EVTCHNSTAT_ipi,
    };

    out->status = status[e->state];
    out->vcpu = e->vcpu;
    if (e->state == EVTCHN_UNBOUND) {
        out->u.unbound.dom = e->u.remote;
    } else if (evtchn_other_end(e) != NULL) {
        out->u.interdomain.dom = e->u.peer->d->id;
        out->u.interdomain.port = e->u.peer->port;
    } else if (e->state == EVTCHN_VIRQ) {
        out->u.virq = e->u.virq;
    }
}

static long evtchn_op_status(struct op_call *call)
{
    struct evtchn_status *arg = call->arg;
    struct evtchn *e = evtchn_get(call->d, arg->port);
    long rc = -EACCES;

    if (e == NULL) {
        return -EINVAL;
    }
    spin_lock(&e->lock);
    if (e->state != EVTCHN_OWN) {
        evtchn_describe(e, arg);
        rc = 0;
    }
    spin_unlock(&e->lock);
    return rc;
}

static long evtchn_op_bind_vcpu(struct op_call *call)
{
    const struct evtchn_bind_vcpu *arg = call->arg;
    struct evtchn *e = evtchn_get(call->d, arg->port);
    long rc = -EINVAL;

    if (domain_vcpu(call->d, arg->vcpu) == NULL) {
        return -ENOENT;
    }
    if (e == NULL) {
        return -EINVAL;
    }
    spin_lock(&e->lock);
    if (e->state == EVTCHN_UNBOUND || e->state == EVTCHN_INTERDOMAIN || e->state == EVTCHN_TO_OWN ||
        (e->state == EVTCHN_VIRQ && virq_is_global(e->u.virq))) {
        atomic_store(&e->vcpu, (uint16_t)arg->vcpu);
        rc = 0;
    }
    spin_unlock(&e->lock);
    return rc;
}

static long evtchn_op_unmask(struct op_call *call)
{
    const struct evtchn_unmask *arg = call->arg;
    struct domain *d = call->d;
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

static long evtchn_op_reset(struct op_call *call)
{
    return evtchn_reset(call->d);
}

static long evtchn_op_init_control(struct op_call *call)
{
    return evtchn_fifo_init_control(call->d, call->arg);
}

static long evtchn_op_expand_array(struct op_call *call)
{
    struct evtchn_expand_array *arg = call->arg;

    return evtchn_fifo_expand_array(call->d, &arg->array_gfn);
}

static long evtchn_op_set_priority(struct op_call *call)
{
    const struct evtchn_set_priority *arg = call->arg;
    struct evtchn *e = evtchn_get(call->d, arg->port);
    long rc = -EACCES;

    if (e == NULL) {
        return -EINVAL;
    }
    spin_lock(&e->lock);
    if (evtchn_usable(e)) {
        rc = evtchn_abi(call->d)->set_priority(e, arg->priority);
    }
    spin_unlock(&e->lock);
    return rc;
}

static const struct op evtchn_rows[] = {
    [EVTCHNOP_bind_interdomain] = {.fn = evtchn_op_bind_interdomain,
                                   .size = sizeof(struct evtchn_bind_interdomain),
                                   .flags = OP_OUT,
                                   .who = ACCESS_PEER,
                                   .peer = OP_FIELD(evtchn_bind_interdomain, remote_dom)},
    [EVTCHNOP_bind_virq] = OP_WITH(evtchn_op_bind_virq, evtchn_bind_virq, OP_OUT, ACCESS_ANY),
    [EVTCHNOP_bind_pirq] = OP_WITH(evtchn_op_bind_pirq, evtchn_bind_pirq, OP_OUT, ACCESS_ANY),
    [EVTCHNOP_close] = OP_WITH(evtchn_op_close, evtchn_close, 0, ACCESS_ANY),
    [EVTCHNOP_send] = OP_WITH(evtchn_op_send, evtchn_send, 0, ACCESS_ANY),
    [EVTCHNOP_status] = OP_ON(evtchn_op_status, evtchn_status, dom, OP_OUT, ACCESS_SELF),
    [EVTCHNOP_alloc_unbound] = {.fn = evtchn_op_alloc_unbound,
                                .size = sizeof(struct evtchn_alloc_unbound),
                                .flags = OP_OUT,
                                .who = ACCESS_SELF,
                                .target = OP_FIELD(evtchn_alloc_unbound, dom),
                                .peer = OP_FIELD(evtchn_alloc_unbound, remote_dom)},
    [EVTCHNOP_bind_ipi] = OP_WITH(evtchn_op_bind_ipi, evtchn_bind_ipi, OP_OUT, ACCESS_ANY),
    [EVTCHNOP_bind_vcpu] = OP_WITH(evtchn_op_bind_vcpu, evtchn_bind_vcpu, 0, ACCESS_ANY),
    [EVTCHNOP_unmask] = OP_WITH(evtchn_op_unmask, evtchn_unmask, 0, ACCESS_ANY),
    [EVTCHNOP_reset] = OP_ON(evtchn_op_reset, evtchn_reset, dom, 0, ACCESS_SELF),
    [EVTCHNOP_init_control] =
        OP_WITH(evtchn_op_init_control, evtchn_init_control, OP_OUT, ACCESS_ANY),
    [EVTCHNOP_expand_array] =
        OP_WITH(evtchn_op_expand_array, evtchn_expand_array, OP_KEEPS, ACCESS_ANY),
    [EVTCHNOP_set_priority] = OP_WITH(evtchn_op_set_priority, evtchn_set_priority, 0, ACCESS_ANY),
};

static long evtchn_op(struct vcpu *v, uint64_t *arg, const struct op_table *table)
{
    /* What guests do all the time goes the short way. */
    if (likely((uint32_t)arg[0] == EVTCHNOP_send)) {
        struct evtchn_send send;

        return guest_copy_from(&send, arg[1], sizeof(send)) != 0 ? -EFAULT
                                                                 : evtchn_send(v->d, send.port);
    }
    return op_run(v, arg, table);
}

const struct op_table evtchn_ops = {OP_TABLE(evtchn_op, evtchn_rows)};
