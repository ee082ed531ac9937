/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory_op(cmd, arg): the frames of a domain. A restarted call carries the number of extents done
 * in the command from bit MEMOP_EXTENT_SHIFT on, as Xen does.
 */
#pragma once

#include <public/types.h>

#define XENMEM_increase_reservation       0
#define XENMEM_decrease_reservation       1
#define XENMEM_maximum_ram_page           2
#define XENMEM_current_reservation        3
#define XENMEM_maximum_reservation        4
#define XENMEM_machphys_mfn_list          5
#define XENMEM_populate_physmap           6
#define XENMEM_add_to_physmap             7
#define XENMEM_memory_map                 9
#define XENMEM_machine_memory_map         10
#define XENMEM_exchange                   11
#define XENMEM_machphys_mapping           12
#define XENMEM_set_memory_map             13
#define XENMEM_maximum_gpfn               14
#define XENMEM_remove_from_physmap        15
#define XENMEM_set_pod_target             16
#define XENMEM_get_pod_target             17
#define XENMEM_get_sharing_freed_pages    18
#define XENMEM_get_sharing_shared_pages   19
#define XENMEM_paging_op                  20
#define XENMEM_access_op                  21
#define XENMEM_sharing_op                 22
#define XENMEM_add_to_physmap_batch       23
#define XENMEM_claim_pages                24
#define XENMEM_machphys_compat_mfn_list   25
#define XENMEM_get_vnumainfo              26
#define XENMEM_reserved_device_memory_map 27
#define XENMEM_acquire_resource           28

#define MEMOP_EXTENT_SHIFT 6
#define MEMOP_CMD_MASK     0x3F

/* xen_memory_reservation.mem_flags; the low byte limits the address bits of the frames. */
#define XENMEMF_populate_on_demand 0x10000U
#define XENMEMF_exact_node_request 0x20000U
#define XENMEMF_vnode              0x40000U

/* increase/decrease_reservation, populate_physmap, claim_pages: a list of extents. */
struct xen_memory_reservation {
    guest_handle_t extent_start; /* xen_pfn_t[nr_extents] */
    xen_ulong_t nr_extents;
    uint32_t extent_order;
    uint32_t mem_flags;
    domid_t domid;
};

/* XENMEM_exchange: give `in`, get `out`, atomically. Out: nr_exchanged */
struct xen_memory_exchange {
    struct xen_memory_reservation in;
    struct xen_memory_reservation out;
    xen_ulong_t nr_exchanged;
};

/* current_reservation, maximum_reservation, maximum_gpfn */
struct xen_memory_domain {
    domid_t domid;
};

/* What add_to_physmap maps. */
#define XENMAPSPACE_shared_info  0
#define XENMAPSPACE_grant_table  1
#define XENMAPSPACE_gmfn         2
#define XENMAPSPACE_gmfn_range   3
#define XENMAPSPACE_gmfn_foreign 4 /* batch form only */
#define XENMAPSPACE_dev_mmio     5

/* Bit of `idx` in XENMAPSPACE_grant_table: status frames of version 2. */
#define XENMAPIDX_grant_table_status 0x80000000U

struct xen_add_to_physmap {
    domid_t domid;
    uint16_t size; /* frames, XENMAPSPACE_gmfn_range only */
    uint32_t space;
    xen_ulong_t idx;
    xen_pfn_t gpfn;
};

/* Many frames; errs[i] gets the result of each. */
struct xen_add_to_physmap_batch {
    domid_t domid;
    uint16_t space;
    uint16_t size;
    union {
        domid_t foreign_domid;
        uint16_t res0;
    } u;
    guest_handle_t idxs;  /* xen_ulong_t[size] */
    guest_handle_t gpfns; /* xen_pfn_t[size] */
    guest_handle_t errs;  /* int[size] */
};

struct xen_remove_from_physmap {
    domid_t domid;
    xen_pfn_t gpfn;
};

/* memory_map, machine_memory_map: an e820-like list, for other architectures. */
struct xen_memory_map {
    uint32_t nr_entries;
    guest_handle_t buffer;
};

struct xen_foreign_memory_map {
    domid_t domid;
    struct xen_memory_map map;
};

struct xen_machphys_mfn_list {
    uint32_t max_extents;
    guest_handle_t extent_start;
    uint32_t nr_extents;
};

struct xen_machphys_mapping {
    xen_ulong_t v_start;
    xen_ulong_t v_end;
    xen_ulong_t max_mfn;
};

/* Populate-on-demand targets, for other architectures. */
struct xen_pod_target {
    uint64_t target_pages;
    uint64_t tot_pages;
    uint64_t pod_cache_pages;
    uint64_t pod_entries;
    domid_t domid;
};

#define XENMEM_resource_ioreq_server          0
#define XENMEM_resource_grant_table           1
#define XENMEM_resource_vmtrace_buf           2
#define XENMEM_resource_grant_table_id_shared 0
#define XENMEM_resource_grant_table_id_status 1

/* Map pages that belong to a domain's machinery; nr_frames 0 with a null list asks for the size. */
struct xen_mem_acquire_resource {
    domid_t domid;
    uint16_t type;
    uint32_t id;
    uint32_t nr_frames;
    uint32_t pad;
    uint64_t frame;
    guest_handle_t frame_list; /* xen_pfn_t[nr_frames] */
};

struct xen_vmemrange {
    uint64_t start;
    uint64_t end;
    uint32_t flags;
    uint32_t nid;
};

/* Virtual NUMA topology: none is given here. */
struct xen_vnuma_topology_info {
    domid_t domid;
    uint16_t pad;
    uint32_t nr_vnodes;
    uint32_t nr_vcpus;
    uint32_t nr_vmemranges;
    union {
        guest_handle_t h;
        uint64_t pad;
    } vdistance;
    union {
        guest_handle_t h;
        uint64_t pad;
    } vcpu_to_vnode;
    union {
        guest_handle_t h;
        uint64_t pad;
    } vmemrange;
};
