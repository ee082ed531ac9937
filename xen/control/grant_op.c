/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grant_table_op: finding the operation, lists of them with continuation, and the operations on
 * tables as a whole. Errors and their order are Xen's.
 */
#include <arch/mm.h>
#include <xen/access.h>
#include <xen/errno.h>
#include <xen/grant_table.h>
#include <xen/guest_copy.h>
#include <xen/hypercall.h>
#include <xen/nospec.h>
#include <xen/op.h>
#include <xen/page.h>
#include <xen/printk.h>

/* The command's upper bits carry the cursor of a cache_flush that goes on, in steps. */
#define GRANT_CMD_BITS 12u
#define GRANT_CMD_MASK ((1u << GRANT_CMD_BITS) - 1u)

/* An operation on a list: `fn` works on a copy of an element; its status goes back, or all of the
 * element. Without it: unmapping, of several at once. */
struct grant_list_op {
    int16_t (*fn)(struct domain *d, void *op);
    uint8_t size;
    uint8_t status; /* offset of the status field */
    bool whole;
};

static int16_t grant_list_map(struct domain *d, void *op)
{
    return grant_op_map(d, op);
}

static int16_t grant_list_copy(struct domain *d, void *op)
{
    return grant_op_copy(d, op);
}

static int16_t grant_list_swap(struct domain *d, void *op)
{
    return grant_op_swap(d, op);
}

#define LIST_OP(function, type, all) \
    {function, sizeof(struct type), offsetof(struct type, status), all}

static const struct grant_list_op list_ops[] = {
    [GNTTABOP_map_grant_ref] = LIST_OP(grant_list_map, gnttab_map_grant_ref, true),
    [GNTTABOP_unmap_grant_ref] = LIST_OP(NULL, gnttab_unmap_grant_ref, false),
    [GNTTABOP_copy] = LIST_OP(grant_list_copy, gnttab_copy, false),
    [GNTTABOP_unmap_and_replace] = LIST_OP(NULL, gnttab_unmap_and_replace, false),
    [GNTTABOP_swap_grant_ref] = LIST_OP(grant_list_swap, gnttab_swap_grant_ref, false),
};

static long grant_list(struct op_call *call)
{
    /* new_addr, which must be 0 for a domain with second-stage translation, stands for
     * dev_bus_addr. */
    _Static_assert(offsetof(struct gnttab_unmap_and_replace, new_addr) ==
                           offsetof(struct gnttab_unmap_grant_ref, dev_bus_addr) &&
                       sizeof(struct gnttab_unmap_and_replace) ==
                           sizeof(struct gnttab_unmap_grant_ref),
                   "one layout for both");
    _Static_assert(GRANT_UNMAP_MAX * sizeof(struct gnttab_unmap_grant_ref) >=
                       sizeof(struct gnttab_copy),
                   "room for one of the largest");
    uint64_t cmd = index_nospec((uint32_t)call->reg[0], ARRAY_SIZE(list_ops)), *arg = call->reg;
    const struct grant_list_op *row = &list_ops[cmd];
    struct gnttab_unmap_grant_ref buffer[GRANT_UNMAP_MAX];
    bool first = true;

    for (; arg[2] != 0; first = false) {
        unsigned int nr = row->fn != NULL ? 1 : (unsigned int)min_u64(arg[2], GRANT_UNMAP_MAX);
        uint8_t *op = (uint8_t *)buffer;

        if (!first && hypercall_preempt()) {
            return -ERESTART;
        }
        if (guest_copy_from(op, arg[1], nr * row->size) != 0) {
            nr = 1; /* the list may end where it cannot be read */
            if (guest_copy_from(op, arg[1], row->size) != 0) {
                return -EFAULT;
            }
        }
        if (row->fn == NULL) {
            nr = grant_op_unmap(call->d, buffer, nr, cmd == GNTTABOP_unmap_and_replace);
        } else {
            *(int16_t *)(void *)(op + row->status) = row->fn(call->d, op);
        }
        for (; nr != 0; nr--, op += row->size) {
            int rc = row->whole
                         ? guest_copy_to(arg[1], op, row->size)
                         : guest_copy_to(arg[1] + row->status, op + row->status, sizeof(int16_t));

            if (rc != 0) {
                return -EFAULT;
            }
            arg[1] += row->size;
            arg[2]--;
        }
    }
    return 0;
}

static long grant_cache_flush(struct op_call *call)
{
    uint64_t *arg = call->reg;
    struct gnttab_cache_flush op;
    uint32_t cursor = ((uint32_t)arg[0] >> GRANT_CMD_BITS) * GRANT_FLUSH_STEP;
    bool first = true;

    for (; arg[2] != 0; first = false) {
        int rc;

        if (!first && hypercall_preempt()) {
            return -ERESTART;
        }
        if (guest_copy_from(&op, arg[1], sizeof(op)) != 0) {
            return -EFAULT;
        }
        do {
            rc = grant_op_cache_flush(call->d, &op, &cursor);
        } while (rc == -ERESTART && !hypercall_preempt());
        arg[0] = GNTTABOP_cache_flush |
                 (rc == -ERESTART ? cursor / GRANT_FLUSH_STEP << GRANT_CMD_BITS : 0);
        if (rc != 0) {
            return rc;
        }
        cursor = 0;
        arg[1] += sizeof(op);
        arg[2]--;
    }
    return 0;
}

/* The domain that `id` names, referenced, if v may see or change its table; NULL and *status. */
static struct domain *grant_target(const struct vcpu *v, domid_t id, int16_t *status)
{
    struct domain *d = domain_by_id_or_self(id);

    *status = GNTST_okay;
    if (d == NULL) {
        *status = GNTST_bad_domain;
    } else if (!access_act_on(v->d, d)) {
        *status = GNTST_permission_denied;
        domain_put(d);
        d = NULL;
    }
    return d;
}

/* Where d has mapped frame i of its table: the p2m knows. */
static xen_pfn_t grant_frame_gfn(const struct domain *d, uint32_t i)
{
    const struct page *pg = page_of(mfn(arch_va_to_pa(d->grants->frame[i]) >> PAGE_SHIFT));

    return pg != NULL ? atomic_load(&pg->user) - 1 : UINT64_MAX;
}

/* GNTST_ for the guest, or -ERESTART, which is none. */
static int grant_setup(const struct vcpu *v, const struct gnttab_setup_table *op)
{
    int16_t status;
    struct domain *d = grant_target(v, op->dom, &status);
    int rc;

    if (d == NULL) {
        return status;
    }
    do {
        rc = grant_grow(d, op->nr_frames);
    } while (rc == -ERESTART && !hypercall_preempt());
    if (rc == -ERESTART) {
        domain_put(d);
        return rc;
    }
    if (rc != 0) {
        status = GNTST_general_error;
    }
    for (uint32_t i = 0; status == GNTST_okay && i < op->nr_frames; i++) {
        xen_pfn_t frame = grant_frame_gfn(d, i);

        if (guest_copy_to(op->frame_list + i * sizeof(frame), &frame, sizeof(frame)) != 0) {
            status = GNTST_bad_virt_addr;
        }
    }
    domain_put(d);
    return status;
}

/* Operations on a table do not come in lists. Then what is in the structure at gva; 0, -EINVAL,
 * -EFAULT. */
static long grant_read_one(const struct op_call *call, void *op, size_t size)
{
    if (call->reg[2] != 1) {
        return -EINVAL;
    }
    return guest_copy_from(op, call->gva, size);
}

static long grant_setup_table(struct op_call *call)
{
    struct gnttab_setup_table op;
    long rc = grant_read_one(call, &op, sizeof(op));

    if (rc != 0) {
        return rc;
    }
    rc = grant_setup(call->v, &op);
    if (rc == -ERESTART) {
        return rc;
    }
    op.status = (int16_t)rc;
    return guest_copy_to(call->gva + offsetof(struct gnttab_setup_table, status), &op.status,
                         sizeof(op.status));
}

static long grant_query_size(struct op_call *call)
{
    struct gnttab_query_size op;
    struct domain *d;
    long rc = grant_read_one(call, &op, sizeof(op));

    if (rc != 0) {
        return rc;
    }
    d = grant_target(call->v, op.dom, &op.status);
    if (d != NULL) {
        op.nr_frames = grant_table_frames(d);
        op.max_nr_frames = grant_table_max_frames(d);
        domain_put(d);
    }
    return guest_copy_to(call->gva, &op, sizeof(op));
}

/* Status frames belong to version 2: nobody has any. */
static long grant_status_frames(struct op_call *call)
{
    struct gnttab_get_status_frames op;
    struct domain *d;
    long rc = grant_read_one(call, &op, sizeof(op));

    if (rc != 0) {
        return rc;
    }
    d = grant_target(call->v, op.dom, &op.status);
    if (d != NULL) {
        domain_put(d);
        op.status = op.nr_frames == 0 ? GNTST_okay : GNTST_general_error;
    }
    return guest_copy_to(call->gva + offsetof(struct gnttab_get_status_frames, status), &op.status,
                         sizeof(op.status));
}

static long grant_set_version(struct op_call *call)
{
    struct gnttab_set_version *op = call->arg;
    long rc = op->version == 1 ? 0 : op->version == 2 ? -ENOSYS : -EINVAL;

    op->version = 1;
    return rc;
}

static long grant_get_version(struct op_call *call)
{
    struct gnttab_get_version *op = call->arg;

    op->version = 1;
    return 0;
}

/* Xen on Arm has it switched off. */
static long grant_transfer(struct op_call *call __unused)
{
    return -EOPNOTSUPP;
}

/* Lists, and what answers by a status: these ask for each element, and for the domain in it. */
#define GRANT(function, may) {.fn = (function), .flags = OP_RESUMES | OP_ASKS, .who = (may)}

static const struct op grant_rows[] = {
    [GNTTABOP_map_grant_ref] = GRANT(grant_list, ACCESS_PEER),
    [GNTTABOP_unmap_grant_ref] = GRANT(grant_list, ACCESS_ANY),
    [GNTTABOP_setup_table] = GRANT(grant_setup_table, ACCESS_SELF),
    [GNTTABOP_transfer] = OP_BARE(grant_transfer, ACCESS_ANY),
    [GNTTABOP_copy] = GRANT(grant_list, ACCESS_PEER),
    [GNTTABOP_query_size] = GRANT(grant_query_size, ACCESS_SELF),
    [GNTTABOP_unmap_and_replace] = GRANT(grant_list, ACCESS_ANY),
    [GNTTABOP_set_version] =
        OP_WITH(grant_set_version, gnttab_set_version, OP_OUT_ALWAYS, ACCESS_ANY),
    [GNTTABOP_get_status_frames] = GRANT(grant_status_frames, ACCESS_SELF),
    [GNTTABOP_get_version] = OP_ON(grant_get_version, gnttab_get_version, dom, OP_OUT, ACCESS_SELF),
    [GNTTABOP_swap_grant_ref] = GRANT(grant_list, ACCESS_ANY),
    [GNTTABOP_cache_flush] = GRANT(grant_cache_flush, ACCESS_ANY),
};

static long grant_op(struct vcpu *v, uint64_t *arg, const struct op_table *table)
{
    uint64_t cmd = arg[0] & GRANT_CMD_MASK;

    arg[2] = (uint32_t)arg[2];
    if ((int32_t)arg[2] < 0 || (cmd != GNTTABOP_cache_flush && (uint32_t)arg[0] != cmd)) {
        return -EINVAL;
    }
    return op_run_at(v, cmd, arg[1], arg, table);
}

void grant_dump(struct domain *d)
{
    const struct grant_table *gt = d->grants;

    printk("d%u: grant table of %u frames (at most %u), %u handles\n", d->id, grant_table_frames(d),
           gt->max_frames, gt->nr_maps);
    for (grant_ref_t ref = 0; ref < grant_entries(gt); ref++) {
        const struct grant_active *a = grant_active(gt, ref);

        if (a->readers != 0 || a->writers != 0) {
            printk("  %5u: used by d%u, %u read, %u write\n", ref, a->by, a->readers, a->writers);
        }
    }
}

const struct op_table grant_ops = {OP_TABLE(grant_op, grant_rows)};
