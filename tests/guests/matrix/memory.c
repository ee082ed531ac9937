/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory_op.
 */
#include "matrix.h"

#include <public/memory.h>

/* The spare frame of the named domain gets a page, or loses it. */
static void spare_frame(const struct cell *cell, uint64_t cmd)
{
    uint64_t frame = cell_frame(cell->target);
    struct xen_memory_reservation arg = {
        .extent_start = hypercall_pointer(&frame), .nr_extents = 1, .domid = cell->target};
    (void)memory_op(cmd, &arg);
}

static void put_frame_list(struct cell *cell)
{
    struct xen_memory_reservation *arg = (void *)cell->data;
    arg->extent_start = cell->at + LIST;
    *(uint64_t *)(void *)(cell->data + LIST) = cell_frame(cell->target);
}

static void prepare_decrease(struct cell *cell)
{
    spare_frame(cell, XENMEM_populate_physmap);
    put_frame_list(cell);
}

static void prepare_populate(struct cell *cell)
{
    spare_frame(cell, XENMEM_decrease_reservation);
    put_frame_list(cell);
}

/* Xen wants both halves to name the same domain. */
static void prepare_exchange(struct cell *cell)
{
    struct xen_memory_exchange *arg = (void *)cell->data;
    arg->in.extent_start = cell->at + LIST;
    arg->out.extent_start = cell->at + LIST + 8;
    arg->in.nr_extents = 1;
    arg->out.nr_extents = 1;
    arg->out.domid = arg->in.domid;
    *(uint64_t *)(void *)(cell->data + LIST) = cell_frame(cell->target);
}

/* A page of the named domain shall appear in the caller. */
static void prepare_foreign(struct cell *cell)
{
    struct xen_add_to_physmap_batch *arg = (void *)cell->data;
    uint64_t *list = (void *)(cell->data + LIST);
    spare_frame(cell, XENMEM_populate_physmap);
    list[0] = cell_frame(cell->target);
    list[1] = cell_frame(cell->caller) + 1;
    arg->idxs = cell->at + LIST;
    arg->gpfns = cell->at + LIST + 8;
    arg->errs = cell->at + LIST + 16;
}

#define RESERVATION \
    ARGUMENT(xen_memory_reservation, .nr_extents = 1), NAMES(xen_memory_reservation, domid), \
        .answer = ANSWER_EXTENTS, .want = TARGETS(1, 1, 0, 1, 0, 0, 0)

#define PHYSMAP(space_, idx_) \
    CALL(memory_op, XENMEM_add_to_physmap), NAMES(xen_add_to_physmap, domid), \
        ARGUMENT(xen_add_to_physmap, .space = XENMAPSPACE_##space_, .idx = (idx_))

#define STAT \
    ARGUMENT(xen_memory_domain, 0), NAMES(xen_memory_domain, domid), \
        .want = TARGETS(VALUE, VALUE, NOT_THERE, VALUE, DENIED, DENIED, NOT_THERE)

/* What its own domain and dom0 may, on this answer. */
#define OWN(rc) TARGETS(rc, rc, NOT_THERE, rc, DENIED, DENIED, NOT_THERE)

const struct row matrix_memory[] = {
    {CALL(memory_op, XENMEM_increase_reservation), RESERVATION},
    {CALL(memory_op, XENMEM_decrease_reservation), RESERVATION, .prepare = prepare_decrease},
    {CALL(memory_op, XENMEM_maximum_ram_page), .want = CALLERS(VALUE, VALUE)},
    {CALL(memory_op, XENMEM_current_reservation), STAT},
    {CALL(memory_op, XENMEM_maximum_reservation), STAT},
    {CALL(memory_op, XENMEM_populate_physmap), RESERVATION, .prepare = prepare_populate},
    {PHYSMAP(shared_info, 1), .want = OWN(BAD)},
    {PHYSMAP(grant_table, 1U << 30), .variant = "grant_table", .want = OWN(BAD)},
    {PHYSMAP(gmfn, 0), .variant = "gmfn", .want = OWN(-XEN_ENOSYS)},
    {PHYSMAP(gmfn_range, 0), .variant = "gmfn_range", .want = OWN(0)},
    {PHYSMAP(gmfn_foreign, 0), .variant = "gmfn_foreign", .want = OWN(-XEN_ENOSYS),
     .why = DOMAIN_FIRST,
     .xen = TARGETS(-XEN_ENOSYS, -XEN_ENOSYS, -XEN_ENOSYS, -XEN_ENOSYS, -XEN_ENOSYS, -XEN_ENOSYS,
                    -XEN_ENOSYS)},
    {PHYSMAP(dev_mmio, 0), .variant = "dev_mmio", .answer = ANSWER_DEVICE,
     .want = TARGETS(0, -XEN_EACCES, NOT_THERE, -XEN_EACCES, DENIED, DENIED, NOT_THERE),
     .why = DOMAIN_FIRST,
     .xen = TARGETS(0, -XEN_EACCES, NOT_THERE, -XEN_EACCES, -XEN_EACCES, -XEN_EACCES, NOT_THERE)},
    {CALL(memory_op, XENMEM_exchange), ARGUMENT(xen_memory_exchange, .nr_exchanged = 0),
     NAMES(xen_memory_exchange, in.domid), .prepare = prepare_exchange,
     .want = OWN(-XEN_EOPNOTSUPP)},
    {CALL(memory_op, XENMEM_maximum_gpfn), STAT},
    {CALL(memory_op, XENMEM_remove_from_physmap),
     ARGUMENT(xen_remove_from_physmap, .gpfn = 1UL << 52), NAMES(xen_remove_from_physmap, domid),
     .want = OWN(-XEN_ENOENT)},
    {CALL(memory_op, XENMEM_get_sharing_freed_pages), .want = CALLERS(0, 0)},
    {CALL(memory_op, XENMEM_get_sharing_shared_pages), .want = CALLERS(0, 0)},
    {CALL(memory_op, XENMEM_add_to_physmap_batch),
     ARGUMENT(xen_add_to_physmap_batch, .space = XENMAPSPACE_grant_table),
     NAMES(xen_add_to_physmap_batch, domid), .want = OWN(0)},
    {CALL(memory_op, XENMEM_add_to_physmap_batch), .variant = "foreign",
     ARGUMENT(xen_add_to_physmap_batch, .domid = DOMID_SELF, .space = XENMAPSPACE_gmfn_foreign,
              .size = 1),
     NUMBERS(xen_add_to_physmap_batch, u.foreign_domid), .answer = ANSWER_ELEMENT,
     .answer_at = LIST + 16, .prepare = prepare_foreign,
     .want = TARGETS(DENIED, 0, NOT_THERE, DENIED, DENIED, DENIED, NOT_THERE)},
    {CALL(memory_op, XENMEM_claim_pages), ARGUMENT(xen_memory_reservation, 0),
     NUMBERS(xen_memory_reservation, domid),
     .want = TARGETS(0, 0, BAD, DENIED, DENIED, DENIED, BAD)},
    {CALL(memory_op, XENMEM_get_vnumainfo), ARGUMENT(xen_vnuma_topology_info, 0),
     NAMES(xen_vnuma_topology_info, domid), .want = OWN(-XEN_EOPNOTSUPP)},
    {CALL(memory_op, XENMEM_reserved_device_memory_map), .want = CALLERS(0, 0)},
    {CALL(memory_op, XENMEM_acquire_resource),
     ARGUMENT(xen_mem_acquire_resource, .type = XENMEM_resource_grant_table),
     NUMBERS(xen_mem_acquire_resource, domid),
     .want = TARGETS(DENIED, 0, NOT_THERE, DENIED, DENIED, DENIED, NOT_THERE)},
    {0},
};
