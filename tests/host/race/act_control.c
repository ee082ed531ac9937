/* SPDX-License-Identifier: Apache-2.0 */
/* Tools change all that a domain has while its vCPUs make calls of every kind. */
#include <public/domctl.h>
#include <public/sysctl.h>

#include "../fuzz/core/scene.h"
#include "race.h"

#include <xen/cpu.h>
#include <xen/lib.h>

static void memory(const struct actor *a, domid_t id)
{
    struct xen_domctl op = {0};
    uint64_t device = DEVICE_GFN + 4u + random_below(DEVICE_PAGES - 6u);

    switch (random_below(6)) {
    case 0:
        op.u.max_mem.max_memkb = (48u + random_below(64)) * 4u;
        (void)domctl(a, XEN_DOMCTL_max_mem, id, &op);
        break;
    case 1:
        op.u.paging_mempool.size = (2u + random_below(3)) * PAGE_SIZE;
        (void)domctl(a, XEN_DOMCTL_set_paging_mempool_size, id, &op);
        break;
    case 2:
        op.u.memory_mapping = (struct xen_domctl_memory_mapping){.first_gfn = some_frame(),
                                                                 .first_mfn = DEVICE_GFN + 4u,
                                                                 .nr_mfns = 2,
                                                                 .add_mapping = 1};
        op.u.memory_mapping.add_mapping = (uint32_t)random_below(2);
        (void)domctl(a, XEN_DOMCTL_memory_mapping, id, &op);
        break;
    case 3:
        op.u.iomem_permission = (struct xen_domctl_iomem_permission){
            .first_mfn = device, .nr_mfns = 2, .allow_access = (uint8_t)random_below(2)};
        (void)domctl(a, XEN_DOMCTL_iomem_permission, some_domain(), &op);
        break;
    case 4: map_device(a); break;
    default:
        op.u.cacheflush = (struct xen_domctl_cacheflush){.start_pfn = GUEST_GFN, .nr_pfns = 520};
        (void)domctl(a, XEN_DOMCTL_cacheflush, id, &op);
        break;
    }
}

/* To one or both of the CPUs of guests. */
static void affinity(const struct actor *a, domid_t id)
{
    uint8_t map = (uint8_t)((1u + random_below(3)) << TOOLS);
    struct xen_domctl op = {
        .u.vcpuaffinity = {.vcpu = (uint32_t)random_below(VCPUS), .flags = XEN_VCPUAFFINITY_HARD}};

    op.u.vcpuaffinity.cpumap_hard.bitmap = a->args + 1024;
    op.u.vcpuaffinity.cpumap_hard.nr_bits = 8;
    if (put(a->args + 1024, &map, sizeof(map))) {
        (void)domctl(a, XEN_DOMCTL_setvcpuaffinity, id, &op);
    }
}

static void domain(const struct actor *a, domid_t id)
{
    struct xen_domctl op = {0};

    switch (random_below(5)) {
    case 0: (void)domctl(a, XEN_DOMCTL_getdomaininfo, id, &op); break;
    case 1:
        op.u.scheduler_op.sched_id = XEN_SCHEDULER_CREDIT2;
        op.u.scheduler_op.cmd = XEN_DOMCTL_SCHEDOP_putinfo;
        op.u.scheduler_op.u.credit2.weight = (uint16_t)(1u + random_below(1000));
        op.u.scheduler_op.u.credit2.cap = (uint16_t)(random_below(2) * 200);
        (void)domctl(a, XEN_DOMCTL_scheduler_op, id, &op);
        break;
    case 2:
        op.u.set_virq_handler.virq = 3u + (uint32_t)random_below(3);
        (void)domctl(a, XEN_DOMCTL_set_virq_handler, id, &op);
        break;
    case 3:
        op.u.max_vcpus.max = VCPUS;
        (void)domctl(a, XEN_DOMCTL_max_vcpus, id, &op);
        break;
    default:
        op.u.subscribe.port = (uint32_t)random_below(8);
        (void)domctl(a, XEN_DOMCTL_subscribe, id, &op);
        break;
    }
}

/* A domain that lives for two calls, beside all others. */
static void brief(const struct actor *a)
{
    struct xen_domctl op = {.u.createdomain = {
                                .flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap,
                                .max_vcpus = VCPUS,
                                .max_evtchn_port = 1023,
                                .max_grant_frames = 4,
                                .max_maptrack_frames = 4,
                                .grant_opts = 1,
                            }};
    domid_t id;

    if (domctl(a, XEN_DOMCTL_createdomain, 0, &op) != 0) {
        return;
    }
    id = op.domain;
    op.u.max_vcpus.max = VCPUS;
    CHECK(domctl(a, XEN_DOMCTL_max_vcpus, id, &op) == 0, id, 0);
    CHECK(domctl(a, XEN_DOMCTL_destroydomain, id, &op) == 0, id, 0);
    guest_gone(a, id);
}

void act_control(const struct actor *a)
{
    static act_fn *const others[] = {act_memory, act_grant, act_event, act_vcpu};
    domid_t id = some_guest();

    if (!a->tool || random_below(3) == 0) {
        others[random_below(ARRAY_SIZE(others))](a);
        return;
    }
    switch (random_below(8)) {
    case 0: brief(a); break;
    case 1:
    case 2: domain(a, id); break;
    case 3:
    case 4: affinity(a, id); break;
    default: memory(a, id); break;
    }
}
