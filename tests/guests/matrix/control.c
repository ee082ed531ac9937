/* SPDX-License-Identifier: Apache-2.0 */
/*
 * domctl, without what stops a domain, and sysctl: dom0 may, nobody else, whatever the domain.
 */
#include "matrix.h"

#include <public/arch.h>
#include <public/domctl.h>
#include <public/sysctl.h>

/* `self` and `guest`: what dom0 gets for its own domain and for another. */
#define DOMCTL(name, self, guest, ...) \
    CALL(domctl, XEN_DOMCTL_##name), NUMBERS(xen_domctl, domain), \
        ARGUMENT(xen_domctl, .cmd = XEN_DOMCTL_##name, \
                 .interface_version = XEN_DOMCTL_INTERFACE_VERSION, .u = {__VA_ARGS__}), \
        .want = TARGETS(self, guest, NOT_THERE, DENIED, DENIED, DENIED, NOT_THERE)

#define SYSCTL(name, rc, ...) \
    CALL(sysctl, XEN_SYSCTL_##name), \
        ARGUMENT(xen_sysctl, .cmd = XEN_SYSCTL_##name, \
                 .interface_version = XEN_SYSCTL_INTERFACE_VERSION, .u = {__VA_ARGS__}), \
        .want = CALLERS(rc, DENIED)

#define NOT_BUILT (-XEN_EOPNOTSUPP)

#ifdef GUEST_PL011_BASE
#define NO_VUART_OP BAD
#else
#define NO_VUART_OP (-XEN_ENOSYS)
#endif

/* Xen looks at the frames before it looks at the caller: those of dom0 alone are bad. */
static void prepare_permission(struct cell *cell)
{
    struct xen_domctl *op = (void *)cell->data;
    op->u.iomem_permission.nr_mfns = cell->caller == 0 ? 0 : 1;
}

static void prepare_mapping(struct cell *cell)
{
    struct xen_domctl *op = (void *)cell->data;
    op->u.memory_mapping.nr_mfns = cell->caller == 0 ? 0 : 1;
}

/* Of dom0's PCI bus on QEMU's boards of both architectures. */
#define PCI_IRQ 35

/* Of PCI's memory on one, of a virtio slot on the other. */
#define DEVICE_FRAME 0x10001u

#define SPI(irq, virq) \
    .bind_pt_irq = {.machine_irq = (virq), .irq_type = PT_IRQ_TYPE_SPI, .u.spi.spi = (irq)}

#define EARLY(rc) \
    .why = "Xen looks at the arguments before it looks at the caller", \
    .xen = TARGETS(rc, rc, NOT_THERE, rc, rc, rc, NOT_THERE)

const struct row matrix_domctl[] = {
    {CALL(domctl, XEN_DOMCTL_createdomain),
     ARGUMENT(xen_domctl, .cmd = XEN_DOMCTL_createdomain,
              .interface_version = XEN_DOMCTL_INTERFACE_VERSION, .u.createdomain.flags = ~0U),
     .want = CALLERS(BAD, DENIED)},
    {DOMCTL(getdomaininfo, 0, 0)},
    {DOMCTL(setvcpuaffinity, BAD, BAD)},
    {DOMCTL(max_mem, 0, 0, .max_mem.max_memkb = 256 << 10)},
    {DOMCTL(setvcpucontext, BAD, BAD, .vcpucontext.vcpu = 99)},
    {DOMCTL(getvcpucontext, BAD, BAD, .vcpucontext.vcpu = 99)},
    {DOMCTL(getvcpuinfo, 0, 0)},
    {DOMCTL(max_vcpus, BAD, BAD, .max_vcpus.max = 99)},
    {DOMCTL(scheduler_op, BAD, BAD, .scheduler_op.sched_id = XEN_SCHEDULER_RTDS)},
    {DOMCTL(setdomainhandle, 0, 0)},
    {DOMCTL(setdebugging, BAD, 0)},
    {DOMCTL(iomem_permission, BAD, BAD, .iomem_permission.first_mfn = 1),
     .prepare = prepare_permission},
    {DOMCTL(iomem_permission, 0, 0,
            .iomem_permission = {.first_mfn = DEVICE_FRAME, .nr_mfns = 1, .allow_access = 1}),
     .variant = "device"},
    {DOMCTL(settimeoffset, 0, 0)},
    {DOMCTL(getvcpuaffinity, BAD, BAD)},
    {DOMCTL(resumedomain, BAD, 0)},
    {DOMCTL(subscribe, 0, 0)},
    {DOMCTL(set_address_size, BAD, BAD, .address_size.size = 3)},
    {DOMCTL(assign_device, NOT_BUILT, NOT_BUILT)},
    {DOMCTL(bind_pt_irq, -XEN_EBUSY, -XEN_EBUSY, SPI(PCI_IRQ, PCI_IRQ))},
    {DOMCTL(bind_pt_irq, NOT_BUILT, NOT_BUILT), .variant = "kind", EARLY(NOT_BUILT)},
    {DOMCTL(bind_pt_irq, BAD, BAD, SPI(PCI_IRQ, PCI_IRQ + 1)), .variant = "renumbered", EARLY(BAD)},
    {DOMCTL(bind_pt_irq, DENIED, DENIED, SPI(0, 0)), .variant = "private"},
    {DOMCTL(memory_mapping, BAD, BAD, .memory_mapping.first_mfn = 1), .prepare = prepare_mapping},
    {DOMCTL(memory_mapping, 0, 0, .memory_mapping = {.first_mfn = DEVICE_FRAME, .nr_mfns = 1}),
     .variant = "device"},
    {DOMCTL(test_assign_device, NOT_BUILT, NOT_BUILT)},
    {DOMCTL(deassign_device, NOT_BUILT, NOT_BUILT)},
    {DOMCTL(unbind_pt_irq, -XEN_EBUSY, BAD, SPI(PCI_IRQ, PCI_IRQ))},
    {DOMCTL(unbind_pt_irq, NOT_BUILT, NOT_BUILT), .variant = "kind", EARLY(NOT_BUILT)},
    {DOMCTL(unbind_pt_irq, BAD, BAD, SPI(PCI_IRQ, PCI_IRQ + 1)), .variant = "renumbered",
     EARLY(BAD)},
    {DOMCTL(set_virq_handler, BAD, BAD, .set_virq_handler.virq = 99)},
    {DOMCTL(setnodeaffinity, BAD, BAD)},
    {DOMCTL(getnodeaffinity, 0, 0)},
    {DOMCTL(cacheflush, 0, 0)},
    {DOMCTL(vuart_op, NO_VUART_OP, NO_VUART_OP, .vuart_op.cmd = 99)},
    {DOMCTL(get_paging_mempool_size, 0, 0)},
    {DOMCTL(set_paging_mempool_size, BAD, BAD, .paging_mempool.size = 1)},
    {DOMCTL(set_llc_colors, NOT_BUILT, NOT_BUILT)},
    {0},
};

const struct row matrix_sysctl[] = {
    {SYSCTL(readconsole, 0)},
    {SYSCTL(physinfo, 0)},
    {SYSCTL(sched_id, 0)},
    {SYSCTL(getdomaininfolist, 0)},
    {SYSCTL(debug_keys, 0)},
    {SYSCTL(getcpuinfo, 0)},
    {SYSCTL(availheap, 0)},
    {SYSCTL(cputopoinfo, 0)},
    {SYSCTL(numainfo, 0)},
    {SYSCTL(cpupool_op, -XEN_ENOSYS, .cpupool_op.op = 99)},
    {SYSCTL(scheduler_op, BAD, .scheduler_op.cmd = 99)},
    {SYSCTL(coverage_op, NOT_BUILT)},
    {SYSCTL(dt_overlay, NOT_BUILT)},
    {0},
};
