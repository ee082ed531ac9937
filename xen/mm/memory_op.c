/*
 * memory_op: the table of all commands, and those that tell or claim. Reservations are in
 * reservation.c, what stands where in physmap.c.
 */
#include <arch/mm.h>
#include <public/memory.h>
#include <xen/access.h>
#include <xen/domain.h>
#include <xen/errno.h>
#include <xen/guest_copy.h>
#include <xen/hypercall.h>
#include <xen/lib.h>
#include <xen/memmap.h>
#include <xen/memory_op.h>
#include <xen/nospec.h>
#include <xen/page_alloc.h>

#define RDM_FLAGS_ALL 1u

long memory_op_again(uint64_t *arg, uint64_t done)
{
    arg[0] = (arg[0] & MEMOP_CMD_MASK) | done << MEMOP_EXTENT_SHIFT;
    return -ERESTART;
}

int memory_op_domain(const struct vcpu *v, uint16_t id, struct domain **d)
{
    *d = domain_by_id_or_self(id);
    if (*d == NULL) {
        return -ESRCH;
    }
    if (!access_act_on(v->d, *d)) {
        domain_put(*d);
        return -EPERM;
    }
    return 0;
}

static long memory_max_ram_page(struct vcpu *v, uint64_t start, uint64_t *arg)
{
    (void)v;
    (void)arg;
    return start != 0 ? -EINVAL : (long)memmap_max_frame();
}

static long memory_stat(struct vcpu *v, uint64_t start, uint64_t *arg)
{
    struct xen_memory_domain in;
    struct domain *d;
    uint64_t value;
    int rc;

    if (start != 0) {
        return -EINVAL;
    }
    if (guest_copy_from(&in, arg[1], sizeof(in)) != 0) {
        return -EFAULT;
    }
    rc = memory_op_domain(v, in.domid, &d);
    if (rc != 0) {
        return rc;
    }
    switch (arg[0] & MEMOP_CMD_MASK) {
    case XENMEM_current_reservation: value = atomic_load(&d->tot_pages); break;
    case XENMEM_maximum_reservation: value = atomic_load(&d->max_pages); break;
    default: /* XENMEM_maximum_gpfn */
        value = atomic_load(&d->p2m.max_mapped.n);
        value -= value != 0;
        break;
    }
    domain_put(d);
    return (long)value;
}

/* Frames are never exchanged behind a translated domain's back. */
static long memory_exchange(struct vcpu *v, uint64_t start, uint64_t *arg)
{
    struct xen_memory_exchange in;
    struct domain *d;
    int rc;

    if (start != 0) {
        return -EINVAL;
    }
    if (guest_copy_from(&in, arg[1], sizeof(in)) != 0) {
        return -EFAULT;
    }
    rc = memory_op_domain(v, in.in.domid, &d);
    if (rc == 0) {
        domain_put(d);
        rc = -EOPNOTSUPP;
    }
    return rc;
}

static long memory_claim(struct vcpu *v, uint64_t start, uint64_t *arg)
{
    struct xen_memory_reservation in;
    struct domain *d;
    long rc = -EPERM;

    if (start != 0) {
        return -EINVAL;
    }
    if (guest_copy_from(&in, arg[1], sizeof(in)) != 0) {
        return -EFAULT;
    }
    if (in.extent_start != 0 || in.extent_order != 0 || in.mem_flags != 0) {
        return -EINVAL;
    }
    d = domain_get_by_id(in.domid);
    if (d == NULL) {
        return -EINVAL;
    }
    if (access_control(v->d)) {
        rc = domain_page_reserve(d, in.nr_extents);
    }
    domain_put(d);
    return rc;
}

/* No domain has a virtual NUMA topology. */
static long memory_vnuma(struct vcpu *v, uint64_t start, uint64_t *arg)
{
    struct xen_vnuma_topology_info in;
    struct domain *d;
    int rc;

    if (start != 0) {
        return -EINVAL;
    }
    if (guest_copy_from(&in, arg[1], sizeof(in)) != 0) {
        return -EFAULT;
    }
    if (in.pad != 0) {
        return -EINVAL;
    }
    rc = memory_op_domain(v, in.domid, &d);
    if (rc == 0) {
        domain_put(d);
        rc = -EOPNOTSUPP;
    }
    return rc;
}

/* xen_reserved_device_memory_map: flags, number of entries, list, device. There is no such memory.
 */
static long memory_reserved_device(struct vcpu *v, uint64_t start, uint64_t *arg)
{
    uint32_t in[2];

    (void)v;
    if (start != 0) {
        return -EINVAL;
    }
    if (guest_copy_from(in, arg[1], sizeof(in)) != 0) {
        return -EFAULT;
    }
    if ((in[0] & ~RDM_FLAGS_ALL) != 0) {
        return -EINVAL;
    }
    in[1] = 0;
    return guest_copy_to(arg[1], in, sizeof(in));
}

/* Pages are not shared between domains. */
static long memory_sharing(struct vcpu *v, uint64_t start, uint64_t *arg)
{
    (void)v;
    (void)arg;
    return start != 0 ? -ENOSYS : 0;
}

static memory_op_fn *const memory_ops[] = {
    [XENMEM_increase_reservation] = memory_increase,
    [XENMEM_decrease_reservation] = memory_decrease,
    [XENMEM_maximum_ram_page] = memory_max_ram_page,
    [XENMEM_current_reservation] = memory_stat,
    [XENMEM_maximum_reservation] = memory_stat,
    [XENMEM_populate_physmap] = memory_populate,
    [XENMEM_add_to_physmap] = memory_add_to_physmap,
    [XENMEM_exchange] = memory_exchange,
    [XENMEM_maximum_gpfn] = memory_stat,
    [XENMEM_remove_from_physmap] = memory_remove_from_physmap,
    [XENMEM_get_sharing_freed_pages] = memory_sharing,
    [XENMEM_get_sharing_shared_pages] = memory_sharing,
    [XENMEM_add_to_physmap_batch] = memory_add_to_physmap_batch,
    [XENMEM_claim_pages] = memory_claim,
    [XENMEM_get_vnumainfo] = memory_vnuma,
    [XENMEM_reserved_device_memory_map] = memory_reserved_device,
    [XENMEM_acquire_resource] = memory_acquire_resource,
};

long do_memory_op(struct vcpu *v, uint64_t *arg)
{
    uint64_t op = arg[0] & MEMOP_CMD_MASK;
    memory_op_fn *fn =
        op < ARRAY_SIZE(memory_ops) ? memory_ops[index_nospec(op, ARRAY_SIZE(memory_ops))] : NULL;

    return fn != NULL ? fn(v, arg[0] >> MEMOP_EXTENT_SHIFT, arg) : -ENOSYS;
}
