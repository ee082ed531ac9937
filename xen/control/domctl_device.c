/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operations of the tools that give a guest a part of a device: its registers.
 */
#include <public/domctl.h>
#include <xen/control.h>
#include <xen/cpu.h>
#include <xen/domain.h>
#include <xen/errno.h>
#include <xen/lib.h>

#define MAPPING_MAX 64u /* frames in one memory_mapping, as in Xen */
#define FRAMES_MAX  (UINT64_MAX >> PAGE_SHIFT)

/* [first, first + nr) without wrapping; nr 0 means, as in Xen, an error. */
static bool domctl_frames_valid(uint64_t first, uint64_t nr)
{
    uint64_t end;

    return nr != 0 && !add_overflows(first, nr, &end) && end <= FRAMES_MAX;
}

long domctl_iomem_permission(struct op_call *call)
{
    struct domain *d = call->d;
    struct xen_domctl *op = call->arg;
    uint64_t first = op->u.iomem_permission.first_mfn;
    uint64_t nr = op->u.iomem_permission.nr_mfns;
    int rc;

    if (!domctl_frames_valid(first, nr)) {
        return -EINVAL;
    }
    if (!rangeset_contains(current_vcpu()->d->iomem, first, first + nr)) {
        return -EPERM;
    }
    spin_lock(&d->lock);
    rc = op->u.iomem_permission.allow_access != 0 ? rangeset_add(d->iomem, first, first + nr)
                                                  : rangeset_remove(d->iomem, first, first + nr);
    spin_unlock(&d->lock);
    return rc == -ENOSPC ? -ENOMEM : rc;
}

long domctl_memory_mapping(struct op_call *call)
{
    struct domain *d = call->d;
    struct xen_domctl *op = call->arg;
    const struct xen_domctl_memory_mapping *map = &op->u.memory_mapping;
    struct p2m_leaf leaf = {.mfn = mfn(map->first_mfn), .kind = P2M_MMIO, .flags = P2M_WRITE};
    uint64_t end = map->first_mfn + map->nr_mfns;

    if (!domctl_frames_valid(map->first_mfn, map->nr_mfns) ||
        !domctl_frames_valid(map->first_gfn, map->nr_mfns)) {
        return -EINVAL;
    }
    if (map->nr_mfns > MAPPING_MAX) {
        return -E2BIG;
    }
    if (!rangeset_contains(current_vcpu()->d->iomem, map->first_mfn, end) ||
        !rangeset_contains(d->iomem, map->first_mfn, end)) {
        return -EPERM;
    }
    return map->add_mapping == DPCI_ADD_MAPPING
               ? p2m_map(d, gfn(map->first_gfn), map->nr_mfns, leaf)
               : p2m_unmap(d, gfn(map->first_gfn), map->nr_mfns);
}
