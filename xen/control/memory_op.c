/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory_op: the table of all commands, and those that tell or claim. Reservations are in
 * reservation.c, what stands where in physmap.c.
 */
#include <arch/mm.h>
#include <public/memory.h>
#include <xen/access.h>
#include <xen/domain.h>
#include <xen/errno.h>
#include <xen/hypercall.h>
#include <xen/memmap.h>
#include <xen/memory_op.h>
#include <xen/nospec.h>
#include <xen/page_domain.h>

#define RDM_FLAGS_ALL 1u

/* struct xen_reserved_device_memory_map: what is read and written of it. */
struct reserved_device_map {
    uint32_t flags;
    uint32_t nr_entries;
};

/* Whatever is wrong, the answer is how many extents were done. */
#define RESERVATION(function) {.fn = (function), .flags = OP_RESUMES | OP_ASKS, .who = ACCESS_SELF}
#define SHARING               {.fn = memory_sharing, .flags = OP_RESUMES, .who = ACCESS_ANY}

static long memory_max_ram_page(struct op_call *call __unused)
{
    return (long)memmap_max_frame();
}

static long memory_current_reservation(struct op_call *call)
{
    return (long)atomic_load(&call->d->tot_pages);
}

static long memory_maximum_reservation(struct op_call *call)
{
    return (long)atomic_load(&call->d->max_pages);
}

static long memory_maximum_gpfn(struct op_call *call)
{
    uint64_t end = atomic_load(&call->d->p2m.max_mapped.n);

    return (long)(end - (end != 0));
}

/* Frames are never exchanged behind a translated domain's back. */
static long memory_exchange(struct op_call *call __unused)
{
    return -EOPNOTSUPP;
}

static long memory_claim(struct op_call *call)
{
    const struct xen_memory_reservation *in = call->arg;
    struct domain *d;
    long rc = -EPERM;

    if (in->extent_start != 0 || in->extent_order != 0 || in->mem_flags != 0) {
        return -EINVAL;
    }
    d = domain_get_by_id(in->domid);
    if (d == NULL) {
        return -EINVAL;
    }
    if (access_control(call->v->d)) {
        rc = domain_page_reserve(d, in->nr_extents);
    }
    domain_put(d);
    return rc;
}

/* No domain has a virtual NUMA topology. */
static long memory_vnuma(struct op_call *call)
{
    const struct xen_vnuma_topology_info *in = call->arg;

    return in->pad != 0 ? -EINVAL : -EOPNOTSUPP;
}

/* There is no such memory. */
static long memory_reserved_device(struct op_call *call)
{
    struct reserved_device_map *map = call->arg;

    if ((map->flags & ~RDM_FLAGS_ALL) != 0) {
        return -EINVAL;
    }
    map->nr_entries = 0;
    return 0;
}

/* Pages are not shared between domains. */
static long memory_sharing(struct op_call *call)
{
    return memory_op_start(call) != 0 ? -ENOSYS : 0;
}

static const struct op memory_rows[] = {
    [XENMEM_increase_reservation] = RESERVATION(memory_increase),
    [XENMEM_decrease_reservation] = RESERVATION(memory_decrease),
    [XENMEM_populate_physmap] = RESERVATION(memory_populate),
    [XENMEM_maximum_ram_page] = OP_BARE(memory_max_ram_page, ACCESS_ANY),
    [XENMEM_current_reservation] =
        OP_ON(memory_current_reservation, xen_memory_domain, domid, 0, ACCESS_SELF),
    [XENMEM_maximum_reservation] =
        OP_ON(memory_maximum_reservation, xen_memory_domain, domid, 0, ACCESS_SELF),
    [XENMEM_maximum_gpfn] = OP_ON(memory_maximum_gpfn, xen_memory_domain, domid, 0, ACCESS_SELF),
    [XENMEM_add_to_physmap] =
        OP_ON(memory_add_to_physmap, xen_add_to_physmap, domid, OP_RESUMES, ACCESS_SELF),
    [XENMEM_exchange] = OP_ON(memory_exchange, xen_memory_exchange, in.domid, 0, ACCESS_SELF),
    [XENMEM_remove_from_physmap] =
        OP_ON(memory_remove_from_physmap, xen_remove_from_physmap, domid, 0, ACCESS_SELF),
    [XENMEM_get_sharing_freed_pages] = SHARING,
    [XENMEM_get_sharing_shared_pages] = SHARING,
    [XENMEM_add_to_physmap_batch] = OP_ON(memory_add_to_physmap_batch, xen_add_to_physmap_batch,
                                          domid, OP_RESUMES, ACCESS_SELF),
    [XENMEM_claim_pages] = OP_WITH(memory_claim, xen_memory_reservation, OP_ASKS, ACCESS_CONTROL),
    [XENMEM_get_vnumainfo] = OP_ON(memory_vnuma, xen_vnuma_topology_info, domid, 0, ACCESS_SELF),
    [XENMEM_reserved_device_memory_map] =
        OP_WITH(memory_reserved_device, reserved_device_map, OP_OUT, ACCESS_ANY),
    [XENMEM_acquire_resource] = OP_ON(memory_acquire_resource, xen_mem_acquire_resource, domid,
                                      OP_ID | OP_RESUMES, ACCESS_OTHER),
};

/* Is it a command that is never done in part? */
static bool memory_op_is_whole(uint32_t cmd)
{
    const struct op *op = cmd < ARRAY_SIZE(memory_rows)
                              ? &memory_rows[index_nospec(cmd, ARRAY_SIZE(memory_rows))]
                              : NULL;

    return op != NULL && op->fn != NULL && (op->flags & OP_RESUMES) == 0;
}

static long memory_op(struct vcpu *v, uint64_t *arg, const struct op_table *table)
{
    uint32_t cmd = arg[0] & MEMOP_CMD_MASK;

    if (arg[0] >> MEMOP_EXTENT_SHIFT != 0 && memory_op_is_whole(cmd)) {
        return -EINVAL;
    }
    return op_run_at(v, cmd, arg[1], arg, table);
}

const struct op_table memory_ops = {OP_TABLE(memory_op, memory_rows)};
