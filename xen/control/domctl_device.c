/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operations of the tools that give a guest a part of a device: its interrupts, its registers.
 */
#include <public/domctl.h>
#include <xen/control.h>
#include <xen/cpu.h>
#include <xen/domain.h>
#include <xen/errno.h>
#include <xen/irq.h>
#include <xen/lib.h>
#include <xen/printk.h>

#define MAPPING_MAX 64u /* frames in one memory_mapping, as in Xen */
#define FRAMES_MAX  (UINT64_MAX >> PAGE_SHIFT)

/* Numbers of interrupts are the same in guests as at the host, as in Xen on Arm. */
static int domctl_irq_check(const struct xen_domctl_bind_pt_irq *bind)
{
    uint32_t irq = bind->machine_irq;

    if (bind->irq_type != PT_IRQ_TYPE_SPI) {
        return -EOPNOTSUPP;
    }
    if (bind->u.spi.spi != irq) {
        return -EINVAL;
    }
    if (!rangeset_contains(current_vcpu()->d->irqs, irq, irq + 1ul) || irq_is_own(irq)) {
        guest_printk(current_vcpu(),
                     XENLOG_WARNING
                     "interrupt %u is none that a guest can have: it is of no device "
                     "that the host's device tree has and that is on, or a "
                     "CPU's own, or the hypervisor's\n",
                     irq);
        return -EPERM;
    }
    return 0;
}

static void domctl_irq_explain(const struct domain *d, uint32_t irq, int rc)
{
    if (rc == -EINVAL) {
        guest_printk(current_vcpu(),
                     XENLOG_WARNING
                     "d%u has no interrupt %u: its controller has fewer (nr_spis=)\n",
                     (unsigned int)d->id, irq);
    } else if (rc == -EBUSY) {
        guest_printk(current_vcpu(),
                     XENLOG_WARNING "interrupt %u is taken: if it is dom0's, mark its device "
                                    "with xen,passthrough in the host's device tree\n",
                     irq);
    }
}

long domctl_bind_irq(struct op_call *call)
{
    struct domain *d = call->d;
    const struct xen_domctl *op = call->arg;
    uint32_t irq = op->u.bind_pt_irq.machine_irq;
    int rc = domctl_irq_check(&op->u.bind_pt_irq);

    if (rc != 0) {
        return rc;
    }
    rc = irq_assign(d, irq, irq);
    domctl_irq_explain(d, irq, rc);
    return rc == -EINVAL ? -EBUSY : rc; /* Xen cannot reserve a number that is not there */
}

/* Xen does this to dying guests only. */
long domctl_unbind_irq(struct op_call *call)
{
    struct domain *d = call->d;
    const struct xen_domctl *op = call->arg;
    int rc = domctl_irq_check(&op->u.bind_pt_irq);

    if (rc != 0) {
        return rc;
    }
    if (d == current_vcpu()->d) {
        return -EBUSY;
    }
    domain_pause(d);
    rc = irq_release(d, op->u.bind_pt_irq.machine_irq);
    domain_unpause(d);
    return rc;
}

/* [first, first + nr) without wrapping; nr 0 means, as in Xen, an error. */
static bool domctl_frames_valid(uint64_t first, uint64_t nr)
{
    uint64_t end;

    return nr != 0 && !add_overflows(first, nr, &end) && end <= FRAMES_MAX;
}

long domctl_iomem_permission(struct op_call *call)
{
    struct domain *d = call->d;
    const struct xen_domctl *op = call->arg;
    uint64_t first = op->u.iomem_permission.first_mfn;
    uint64_t nr = op->u.iomem_permission.nr_mfns;
    bool allow = op->u.iomem_permission.allow_access != 0;
    int rc;

    if (!domctl_frames_valid(first, nr)) {
        return -EINVAL;
    }
    if (!rangeset_contains(current_vcpu()->d->iomem, first, first + nr)) {
        guest_printk(current_vcpu(),
                     XENLOG_WARNING "frames %#lx-%#lx are no device memory that can be given: some "
                                    "are of no device in the host's device tree, or RAM, "
                                    "reserved, or the hypervisor's\n",
                     first, first + nr - 1u);
        return -EPERM;
    }
    spin_lock(&d->lock);
    d->has_devices = d->has_devices || allow;
    rc = allow ? rangeset_add(d->iomem, first, first + nr)
               : rangeset_remove(d->iomem, first, first + nr);
    spin_unlock(&d->lock);
    if (rc == 0 && allow) {
        guest_printk(current_vcpu(),
                     XENLOG_WARNING "d%u may use device memory %#lx-%#lx: no IOMMU keeps a device "
                                    "that does DMA from any memory\n",
                     (unsigned int)d->id, first << PAGE_SHIFT, ((first + nr) << PAGE_SHIFT) - 1u);
    }
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
