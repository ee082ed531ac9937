/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Facts about the machine for the tools: processors, memory, and how they are arranged (one node,
 * one socket).
 */
#include <arch/domain.h>
#include <arch/time.h>
#include <public/sysctl.h>
#include <xen/control.h>
#include <xen/cpu.h>
#include <xen/errno.h>
#include <xen/guest_copy.h>
#include <xen/lib.h>
#include <xen/memmap.h>
#include <xen/page_alloc.h>
#include <xen/page_domain.h>
#include <xen/string.h>

#define LOCAL_DISTANCE 20u /* what Xen says where there is one node */

long sysctl_physinfo(struct op_call *call)
{
    struct xen_sysctl *op = call->arg;
    struct xen_sysctl_physinfo *info = &op->u.physinfo;

    memset(info, 0, sizeof(*info));
    info->threads_per_core = 1;
    info->cores_per_socket = nr_cpus_online;
    info->nr_cpus = nr_cpus_online;
    info->max_cpu_id = nr_cpus_online - 1;
    info->nr_nodes = 1;
    info->cpu_khz = (uint32_t)(arch_counter_hz() / 1000);
    info->capabilities = XEN_SYSCTL_PHYSCAP_hvm | XEN_SYSCTL_PHYSCAP_hap |
                         XEN_SYSCTL_PHYSCAP_gnttab_v1 |
                         (arch_has_vpmu() ? XEN_SYSCTL_PHYSCAP_vpmu : 0);
    info->arch_capabilities = arch_physinfo_capabilities();
    info->total_pages = memmap_ram_pages();
    info->free_pages = page_free_count();
    info->outstanding_pages = page_claimed();
    info->max_mfn = memmap_max_frame() - 1;
    return 0;
}

long sysctl_cputopoinfo(struct op_call *call)
{
    struct xen_sysctl *op = call->arg;
    struct xen_sysctl_cputopoinfo *info = &op->u.cputopoinfo;
    uint32_t i, n = nr_cpus_online;

    if (info->cputopo != 0) {
        n = min_u32(n, info->num_cpus);
        for (i = 0; i < n; i++) {
            struct xen_sysctl_cputopo cpu = {.core = i, .socket = 0, .node = 0};

            if (guest_copy_to(info->cputopo + i * sizeof(cpu), &cpu, sizeof(cpu)) != 0) {
                return -EFAULT;
            }
        }
    }
    info->num_cpus = n;
    return 0;
}

long sysctl_numainfo(struct op_call *call)
{
    struct xen_sysctl *op = call->arg;
    struct xen_sysctl_numainfo *info = &op->u.numainfo;
    struct xen_sysctl_meminfo memory = {
        .memsize = memmap_ram_pages() << PAGE_SHIFT,
        .memfree = page_free_count() << PAGE_SHIFT,
    };
    uint32_t distance = LOCAL_DISTANCE;

    if ((info->meminfo != 0 || info->distance != 0) && info->num_nodes == 0) {
        return 0; /* no room for the one that there is */
    }
    if (info->meminfo != 0 && guest_copy_to(info->meminfo, &memory, sizeof(memory)) != 0) {
        return -EFAULT;
    }
    if (info->distance != 0 && guest_copy_to(info->distance, &distance, sizeof(distance)) != 0) {
        return -EFAULT;
    }
    info->num_nodes = 1;
    return 0;
}

long sysctl_getcpuinfo(struct op_call *call)
{
    struct xen_sysctl *op = call->arg;
    struct xen_sysctl_getcpuinfo *info = &op->u.getcpuinfo;
    uint32_t i, n = min_u32(info->max_cpus, nr_cpus_online);

    for (i = 0; i < n; i++) {
        struct xen_sysctl_cpuinfo cpu = {.idletime = (uint64_t)sched_idle_time(&cpus[i])};

        if (guest_copy_to(info->info + i * sizeof(cpu), &cpu, sizeof(cpu)) != 0) {
            return -EFAULT;
        }
    }
    info->nr_cpus = n;
    return 0;
}

/* Free pages below 2^bits. */
static uint64_t sysctl_free_below(uint32_t bits)
{
    return bits < PAGE_SHIFT ? 0
           : bits < 64       ? page_free_below((paddr_t)1 << bits)
                             : page_free_count();
}

long sysctl_availheap(struct op_call *call)
{
    struct xen_sysctl *op = call->arg;
    struct xen_sysctl_availheap *heap = &op->u.availheap;
    /* 0: no limit. */
    uint64_t high =
        heap->max_bitwidth != 0 ? sysctl_free_below(heap->max_bitwidth) : page_free_count();
    uint64_t low = sysctl_free_below(heap->min_bitwidth);

    heap->avail_bytes = heap->node <= 0 && high > low ? (high - low) << PAGE_SHIFT : 0;
    return 0;
}
