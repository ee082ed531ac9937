/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory_op: what stands where in a domain's guest-physical space besides its RAM - the shared
 * page, grant frames, pages of other domains, device pages - and taking it away. Answers follow
 * Xen's Arm port.
 */
#include <arch/mm.h>
#include <public/memory.h>
#include <xen/access.h>
#include <xen/domain.h>
#include <xen/errno.h>
#include <xen/guest_copy.h>
#include <xen/hypercall.h>
#include <xen/lib.h>
#include <xen/memory_op.h>
#include <xen/page.h>
#include <xen/rangeset.h>

/* A page of the hypervisor's that belongs to d. It stands in one place at a time: elsewhere it must
 * be removed first. */
static int physmap_shared(struct domain *d, mfn_t mfn, gfn_t gfn)
{
    struct p2m_leaf leaf = {.mfn = mfn, .kind = P2M_RAM, .flags = P2M_WRITE};
    struct page *pg = page_get_frame(mfn, d);
    uint64_t nowhere = 0;
    int rc = -EBUSY;

    if (pg == NULL) {
        return -EINVAL;
    }
    /* p2m_remove.c resets it when the mapping goes. */
    if (atomic_compare_exchange(&pg->user, &nowhere, gfn.n + 1u)) {
        rc = p2m_map(d, gfn, 1, leaf);
        if (rc != 0) {
            atomic_store(&pg->user, 0u);
        }
    }
    page_put(pg);
    return rc;
}

static int physmap_foreign_page(struct domain *d, struct page *pg, bool write, gfn_t gfn)
{
    struct p2m_leaf leaf = {
        .mfn = page_mfn(pg), .kind = P2M_FOREIGN, .flags = write ? P2M_WRITE : 0};
    int rc = p2m_map(d, gfn, 1, leaf);

    if (rc != 0) {
        page_put(pg);
    }
    return rc;
}

static int physmap_foreign(struct domain *d, domid_t from, uint64_t frame, gfn_t gfn)
{
    struct domain *od = domain_get_by_id(from);
    struct page *pg = NULL;
    bool write = true;
    int rc = 0;

    if (od == NULL) {
        return -ESRCH;
    }
    if (od == current_vcpu()->d || !access_control(d)) {
        rc = -EPERM;
    } else if (od == d) {
        rc = -EINVAL;
    } else {
        pg = p2m_get_page(od, (gfn_t){frame}, true);
        if (pg == NULL) {
            write = false;
            pg = p2m_get_page(od, (gfn_t){frame}, false);
        }
        rc = pg != NULL ? physmap_foreign_page(d, pg, write, gfn) : -EINVAL;
    }
    domain_put(od);
    return rc;
}

/* A device page for the hardware domain itself. What it may not have is passed over without an
 * error, as in Xen. */
static int physmap_device(struct domain *d, uint64_t frame, gfn_t gfn)
{
    struct p2m_leaf leaf = {.mfn = {frame}, .kind = P2M_MMIO, .flags = P2M_WRITE | P2M_CACHED};
    bool allowed;

    if (frame == UINT64_MAX || d->iomem == NULL) {
        return 0;
    }
    spin_lock(&d->lock); /* the tools may be changing the set */
    allowed = rangeset_contains(d->iomem, frame, frame + 1u);
    spin_unlock(&d->lock);
    return allowed ? p2m_map(d, gfn, 1, leaf) : 0;
}

static int physmap_add(struct domain *d, unsigned int space, domid_t foreign, uint64_t index,
                       gfn_t gfn)
{
    mfn_t mfn;
    int rc;

    switch (space) {
    case XENMAPSPACE_shared_info:
        if (index != 0) {
            return -EINVAL;
        }
        return physmap_shared(d, (mfn_t){arch_va_to_pa(d->shared_info) >> PAGE_SHIFT}, gfn);
    case XENMAPSPACE_grant_table:
        rc = grant_table_frame(d, index, &mfn);
        return rc == 0 ? physmap_shared(d, mfn, gfn) : rc;
    case XENMAPSPACE_gmfn_foreign: return physmap_foreign(d, foreign, index, gfn);
    case XENMAPSPACE_dev_mmio: return physmap_device(d, index, gfn);
    default: return -ENOSYS;
    }
}

/* Device pages only the hardware domain may map, and only its own. */
static bool physmap_space_ok(const struct op_call *call, unsigned int space)
{
    return space != XENMAPSPACE_dev_mmio || (call->d->is_hardware && call->d == call->v->d);
}

long memory_add_to_physmap(struct op_call *call)
{
    const struct xen_add_to_physmap *in = call->arg;
    uint64_t start = memory_op_start(call);
    int rc;

    if (start > UINT16_MAX) {
        return -EDOM;
    }
    if (in->space == XENMAPSPACE_gmfn_foreign) {
        return -ENOSYS; /* only in the batch form, which has the other domain's id */
    }
    if (!physmap_space_ok(call, in->space)) {
        return -EACCES;
    }
    if (in->space != XENMAPSPACE_gmfn_range) {
        rc = physmap_add(call->d, in->space, DOMID_INVALID, in->idx, gfn(in->gpfn));
        return rc == -ERESTART ? memory_op_again(call, start) : rc;
    }
    if (in->size < start) {
        return -EILSEQ;
    }
    return in->size == start ? 0 : -ENOSYS;
}

static int physmap_batch_one(struct domain *d, const struct xen_add_to_physmap_batch *in,
                             uint64_t i)
{
    uint64_t index, frame;
    int32_t result;

    if (guest_copy_from(&index, in->idxs + i * sizeof(index), sizeof(index)) != 0 ||
        guest_copy_from(&frame, in->gpfns + i * sizeof(frame), sizeof(frame)) != 0) {
        return -EFAULT;
    }
    result = physmap_add(d, in->space, in->u.foreign_domid, index, gfn(frame));
    if (result == -ERESTART) {
        return result;
    }
    return guest_copy_to(in->errs + i * sizeof(result), &result, sizeof(result));
}

long memory_add_to_physmap_batch(struct op_call *call)
{
    const struct xen_add_to_physmap_batch *in = call->arg;
    uint64_t start = memory_op_start(call), i;
    int rc;

    if (start > UINT16_MAX) {
        return -EDOM;
    }
    if (in->space == XENMAPSPACE_gmfn_range) {
        return -EOPNOTSUPP;
    }
    if (!physmap_space_ok(call, in->space)) {
        return -EACCES;
    }
    if (in->size < start || (in->size == start && start != 0)) {
        return -EILSEQ;
    }
    if (in->space == XENMAPSPACE_dev_mmio && in->u.res0 != 0 && in->size != 0) {
        return -EOPNOTSUPP;
    }
    for (i = start; i < in->size; i++) {
        if (i != start && hypercall_preempt()) {
            return memory_op_again(call, i);
        }
        rc = physmap_batch_one(call->d, in, i);
        if (rc != 0) {
            return rc == -ERESTART ? memory_op_again(call, i) : rc;
        }
    }
    return 0;
}

long memory_remove_from_physmap(struct op_call *call)
{
    const struct xen_remove_from_physmap *in = call->arg;
    gfn_t at = gfn(in->gpfn);
    struct p2m_leaf leaf;
    int rc;

    if (!p2m_lookup(call->d, at, &leaf, NULL) || leaf.kind == P2M_MMIO) {
        return -ENOENT;
    }
    rc = p2m_take_pages(call->d, &at, 1, &leaf);
    return rc < 0 ? rc : 0;
}

/* Map frame number `index` of d's grant table into the caller at a frame that its list tells. */
static int physmap_resource_one(struct domain *self, struct domain *d, uint64_t index, uint64_t gva)
{
    struct page *pg;
    uint64_t frame;
    mfn_t mfn;
    int rc = grant_table_frame(d, index, &mfn);

    if (rc == 0) {
        rc = guest_copy_from(&frame, gva, sizeof(frame));
    }
    if (rc != 0) {
        return rc;
    }
    pg = page_get_frame(mfn, d);
    return pg != NULL ? physmap_foreign_page(self, pg, true, gfn(frame)) : -EINVAL;
}

static int physmap_resource_map(struct vcpu *v, struct domain *d,
                                const struct xen_mem_acquire_resource *in, uint64_t *i)
{
    uint64_t start = *i;
    int rc = in->frame > UINT32_MAX || in->frame + in->nr_frames > UINT32_MAX ? -EINVAL : 0;

    while (rc == 0 && *i < in->nr_frames) {
        if (*i != start && hypercall_preempt()) {
            return -ERESTART;
        }
        rc = physmap_resource_one(v->d, d, in->frame + *i, in->frame_list + *i * sizeof(xen_pfn_t));
        if (rc != 0 && rc != -EFAULT && rc != -ERESTART && *i != 0) {
            rc = -EIO; /* not at the first frame: some are mapped */
        }
        *i += rc == 0;
    }
    return rc;
}

long memory_acquire_resource(struct op_call *call)
{
    struct xen_mem_acquire_resource *in = call->arg;
    uint64_t start = memory_op_start(call);
    int rc;

    if (in->pad != 0 || in->type != XENMEM_resource_grant_table ||
        in->id != XENMEM_resource_grant_table_id_shared) {
        return -EINVAL;
    }
    if (in->frame_list != 0) {
        rc = physmap_resource_map(call->v, call->d, in, &start);
        return rc == -ERESTART ? memory_op_again(call, start) : rc;
    }
    if (in->nr_frames != 0 || start != 0) {
        return -EINVAL;
    }
    in->nr_frames = grant_table_max_frames(call->d);
    return guest_copy_to(call->gva + offsetof(struct xen_mem_acquire_resource, nr_frames),
                         &in->nr_frames, sizeof(in->nr_frames));
}
