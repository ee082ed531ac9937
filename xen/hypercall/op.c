/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a row of a table of sub-operations is run: copy in, find the domains, ask whether the caller
 * may, call, copy out, drop. What the operations mean is not known here.
 */
#include <xen/control.h>
#include <xen/domain.h>
#include <xen/errno.h>
#include <xen/guest_copy.h>
#include <xen/nospec.h>
#include <xen/op.h>
#include <xen/printk.h>
#include <xen/string.h>

/* How versioned structures begin. */
struct op_head {
    uint32_t cmd;
    uint32_t interface_version;
};

static __always_inline const struct op *op_find(const struct op_table *table, uint32_t cmd)
{
    const struct op *op = cmd < table->nr ? &table->row[index_nospec(cmd, table->nr)] : NULL;

    return likely(op != NULL && op->fn != NULL) ? op : table->others;
}

/* The domain whose number stands in a field of the structure, referenced; NULL: there is none. */
static struct domain *op_domain(const struct op_call *call, unsigned int field, bool by_number)
{
    domid_t id;

    memcpy(&id, (const uint8_t *)call->arg + field - 1u, sizeof(id));
    return by_number ? domain_get_by_id(id) : domain_by_id_or_self(id);
}

static long op_act_alone(const struct op *op, struct op_call *call)
{
    long rc;

    if (!control_begin(call->v)) {
        return -ERESTART;
    }
    rc = op->fn(call);
    control_end(call->v);
    return rc;
}

static bool op_permitted(const struct op *op, const struct op_call *call)
{
    return (op->flags & OP_ASKS) != 0 || access_may(op->who, call->v->d, call->d);
}

/* The caller may. */
static long op_act(const struct op *op, struct op_call *call)
{
    long rc = -EPERM;

    if (op->peer == 0) {
        return (op->flags & OP_ALONE) != 0 ? op_act_alone(op, call) : op->fn(call);
    }
    call->peer = op_domain(call, op->peer, false);
    if (call->peer == NULL) {
        return -ESRCH;
    }
    if (access_talk(call->v->d, call->d, call->peer)) {
        rc = op->fn(call);
    }
    domain_put(call->peer);
    return rc;
}

static long op_act_on_target(const struct op *op, struct op_call *call)
{
    long rc;

    call->d = op_domain(call, op->target, (op->flags & OP_ID) != 0);
    if (call->d == NULL) {
        return -ESRCH;
    }
    rc = op_permitted(op, call) ? op_act(op, call) : -EPERM;
    domain_put(call->d);
    return rc;
}

static long op_put_back(const struct op *op, const struct op_call *call, long rc)
{
    bool back = rc >= 0           ? (op->flags & OP_OUT) != 0
                : rc == -ERESTART ? (op->flags & OP_KEEPS) != 0
                                  : (op->flags & OP_OUT_ALWAYS) == OP_OUT_ALWAYS;

    return back && guest_copy_to(call->gva, call->arg, op->size) != 0 ? -EFAULT : rc;
}

/* With a structure, or domains. */
static __noinline long op_run_on(const struct op *op, struct op_call *call)
{
    uint64_t buffer[OP_SIZE_MAX / sizeof(uint64_t)];
    long rc;

    if (op->target == 0 && unlikely(!op_permitted(op, call))) {
        return -EPERM;
    }
    if (op->size == 0) {
        return op->fn(call);
    }
    BUG_ON(op->size > sizeof(buffer));
    if (unlikely(guest_copy_from(buffer, call->gva, op->size) != 0)) {
        return -EFAULT;
    }
    call->arg = buffer;
    rc = op->target == 0 ? op_act(op, call) : op_act_on_target(op, call);
    rc = op_put_back(op, call, rc);
    call->arg = NULL;
    return rc;
}

long op_run_at(struct vcpu *v, uint64_t cmd, uint64_t gva, uint64_t *reg,
               const struct op_table *table)
{
    struct op_call call = {.v = v, .d = v->d, .gva = gva, .reg = reg};
    const struct op *op = op_find(table, (uint32_t)cmd);

    if (unlikely(op == NULL)) {
        return -ENOSYS;
    }
    /* No structure, no domain in it: many rows are so. */
    return op->size == 0 && op->who == ACCESS_ANY ? op->fn(&call) : op_run_on(op, &call);
}

long op_run(struct vcpu *v, uint64_t *reg, const struct op_table *table)
{
    return op_run_at(v, reg[0], reg[1], reg, table);
}

long op_run_versioned(struct vcpu *v, uint64_t *reg, const struct op_table *table)
{
    uint64_t buffer[OP_SIZE_MAX / sizeof(uint64_t)];
    struct op_call call = {.v = v, .d = v->d, .arg = buffer, .gva = reg[0], .reg = reg};
    const struct op_head *head = (const struct op_head *)(const void *)buffer;
    const struct op *op = table->others;
    size_t size = op->size; /* all have one size */
    long rc;

    BUG_ON(size > sizeof(buffer));
    if (guest_copy_from(buffer, reg[0], size) != 0) {
        return -EFAULT;
    }
    if (head->interface_version != table->version) {
        return -EACCES;
    }
    op = op_find(table, head->cmd);
    if (op->target != 0) {
        rc = op_act_on_target(op, &call);
    } else {
        rc = op_permitted(op, &call) ? op_act(op, &call) : -EPERM;
    }
    return op_put_back(op, &call, rc);
}

long op_unknown(struct op_call *call __unused)
{
    return -ENOSYS;
}
