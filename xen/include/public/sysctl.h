/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sysctl(arg): what the tools ask of the host. Interface 0x15; a caller built for another one gets
 * -EACCES. Structures of operations that exist only on other architectures are left out, their
 * numbers are not.
 */
#pragma once

#include <public/types.h>

#define XEN_SYSCTL_INTERFACE_VERSION 0x00000015U

#define XEN_SYSCTL_readconsole            1
#define XEN_SYSCTL_tbuf_op                2
#define XEN_SYSCTL_physinfo               3
#define XEN_SYSCTL_sched_id               4
#define XEN_SYSCTL_perfc_op               5
#define XEN_SYSCTL_getdomaininfolist      6
#define XEN_SYSCTL_debug_keys             7
#define XEN_SYSCTL_getcpuinfo             8
#define XEN_SYSCTL_availheap              9
#define XEN_SYSCTL_get_pmstat             10
#define XEN_SYSCTL_cpu_hotplug            11
#define XEN_SYSCTL_pm_op                  12
#define XEN_SYSCTL_page_offline_op        14
#define XEN_SYSCTL_lockprof_op            15
#define XEN_SYSCTL_cputopoinfo            16
#define XEN_SYSCTL_numainfo               17
#define XEN_SYSCTL_cpupool_op             18
#define XEN_SYSCTL_scheduler_op           19
#define XEN_SYSCTL_coverage_op            20
#define XEN_SYSCTL_psr_cmt_op             21
#define XEN_SYSCTL_pcitopoinfo            22
#define XEN_SYSCTL_psr_alloc              23
#define XEN_SYSCTL_get_cpu_levelling_caps 25
#define XEN_SYSCTL_get_cpu_featureset     26
#define XEN_SYSCTL_livepatch_op           27
#define XEN_SYSCTL_get_cpu_policy         29
#define XEN_SYSCTL_dt_overlay             30

/* Read the console ring from `index` (incremental) or its start. Out: index, count */
struct xen_sysctl_readconsole {
    uint8_t clear;
    uint8_t incremental;
    uint8_t pad0;
    uint8_t pad1;
    uint32_t index;
    guest_handle_t buffer;
    uint32_t count;
};

/* Trace buffers. */
#define XEN_SYSCTL_TBUFOP_get_info 0
struct xen_sysctl_tbuf_op {
    uint32_t cmd;
    struct xenctl_bitmap cpu_mask;
    uint32_t evt_mask;
    uint64_t buffer_mfn;
    uint32_t size;
};

/* physinfo.capabilities */
#define XEN_SYSCTL_PHYSCAP_hvm                0x1U
#define XEN_SYSCTL_PHYSCAP_pv                 0x2U
#define XEN_SYSCTL_PHYSCAP_directio           0x4U
#define XEN_SYSCTL_PHYSCAP_hap                0x8U
#define XEN_SYSCTL_PHYSCAP_shadow             0x10U
#define XEN_SYSCTL_PHYSCAP_iommu_hap_pt_share 0x20U
#define XEN_SYSCTL_PHYSCAP_vmtrace            0x40U
#define XEN_SYSCTL_PHYSCAP_vpmu               0x80U
#define XEN_SYSCTL_PHYSCAP_gnttab_v1          0x100U
#define XEN_SYSCTL_PHYSCAP_gnttab_v2          0x200U
#define XEN_SYSCTL_PHYSCAP_MAX                0x200U

/* The host: CPUs, memory in pages, what domains may be. */
struct xen_sysctl_physinfo {
    uint32_t threads_per_core;
    uint32_t cores_per_socket;
    uint32_t nr_cpus;
    uint32_t max_cpu_id;
    uint32_t nr_nodes;
    uint32_t max_node_id;
    uint32_t cpu_khz;
    uint32_t capabilities;
    uint32_t arch_capabilities;
    uint32_t pad;
    uint64_t total_pages;
    uint64_t free_pages;
    uint64_t scrub_pages;
    uint64_t outstanding_pages;
    uint64_t max_mfn;
    uint32_t hw_cap[8];
};

/* Default scheduler, an XEN_SCHEDULER_ value. */
struct xen_sysctl_sched_id {
    uint32_t sched_id;
};

/* Performance counters. */
struct xen_sysctl_perfc_op {
    uint32_t cmd;
    uint32_t nr_counters;
    uint32_t nr_vals;
    guest_handle_t desc;
    guest_handle_t val;
};

/* Domains from first_domain on. Out: num_domains */
struct xen_sysctl_getdomaininfolist {
    domid_t first_domain;
    uint32_t max_domains;
    guest_handle_t buffer; /* struct xen_domctl_getdomaininfo[max_domains] */
    uint32_t num_domains;
};

/* Press debug keys. */
struct xen_sysctl_debug_keys {
    guest_handle_t keys;
    uint32_t nr_keys;
};

struct xen_sysctl_cpuinfo {
    uint64_t idletime; /* ns */
};

/* Out: nr_cpus */
struct xen_sysctl_getcpuinfo {
    uint32_t max_cpus;
    guest_handle_t info; /* struct xen_sysctl_cpuinfo[max_cpus] */
    uint32_t nr_cpus;
};

/* Free bytes of memory with the given address widths, on a node or -1 for all. */
struct xen_sysctl_availheap {
    uint32_t min_bitwidth;
    uint32_t max_bitwidth;
    int32_t node;
    uint64_t avail_bytes; /* out */
};

#define XEN_SYSCTL_CPU_HOTPLUG_ONLINE      0
#define XEN_SYSCTL_CPU_HOTPLUG_OFFLINE     1
#define XEN_SYSCTL_CPU_HOTPLUG_SMT_ENABLE  2
#define XEN_SYSCTL_CPU_HOTPLUG_SMT_DISABLE 3
struct xen_sysctl_cpu_hotplug {
    uint32_t cpu;
    uint32_t op;
};

#define sysctl_page_offline       1
#define sysctl_page_online        2
#define sysctl_query_page_offline 3
struct xen_sysctl_page_offline_op {
    uint32_t cmd;
    uint32_t start;
    uint32_t end;
    guest_handle_t status;
};

/* Lock profile. */
struct xen_sysctl_lockprof_op {
    uint32_t cmd;
    uint32_t max_elem;
    uint32_t nr_elem;
    uint64_t time;
    guest_handle_t data;
};

#define XEN_INVALID_CORE_ID   0xFFFFFFFFU
#define XEN_INVALID_SOCKET_ID 0xFFFFFFFFU
#define XEN_INVALID_NODE_ID   0xFFFFFFFFU

struct xen_sysctl_cputopo {
    uint32_t core;
    uint32_t socket;
    uint32_t node;
};

/* A null buffer asks for the number. */
struct xen_sysctl_cputopoinfo {
    uint32_t num_cpus;
    guest_handle_t cputopo; /* struct xen_sysctl_cputopo[num_cpus] */
};

#define XEN_INVALID_MEM_SZ    0xFFFFFFFFU
#define XEN_INVALID_NODE_DIST 0xFFFFFFFFU

struct xen_sysctl_meminfo {
    uint64_t memsize; /* bytes */
    uint64_t memfree;
};

/* Null buffers ask for the number. */
struct xen_sysctl_numainfo {
    uint32_t num_nodes;
    guest_handle_t meminfo;  /* struct xen_sysctl_meminfo[num_nodes] */
    guest_handle_t distance; /* uint32_t[num_nodes * num_nodes] */
};

#define XEN_SYSCTL_CPUPOOL_OP_CREATE     1
#define XEN_SYSCTL_CPUPOOL_OP_DESTROY    2
#define XEN_SYSCTL_CPUPOOL_OP_INFO       3
#define XEN_SYSCTL_CPUPOOL_OP_ADDCPU     4
#define XEN_SYSCTL_CPUPOOL_OP_RMCPU      5
#define XEN_SYSCTL_CPUPOOL_OP_MOVEDOMAIN 6
#define XEN_SYSCTL_CPUPOOL_OP_FREEINFO   7

/* "Any" pool or CPU. */
#define XEN_SYSCTL_CPUPOOL_PAR_ANY 0xFFFFFFFFU

struct xen_sysctl_cpupool_op {
    uint32_t op;
    uint32_t cpupool_id;
    uint32_t sched_id;
    uint32_t domid;
    uint32_t cpu;
    uint32_t n_dom;
    struct xenctl_bitmap cpumap;
};

#define XEN_SYSCTL_SCHED_RATELIMIT_MAX   500000
#define XEN_SYSCTL_SCHED_RATELIMIT_MIN   100
#define XEN_SYSCTL_CSCHED_TSLICE_MAX     1000
#define XEN_SYSCTL_CSCHED_TSLICE_MIN     1
#define XEN_SYSCTL_CSCHED_MGR_DLY_MAX_US 100000

struct xen_sysctl_credit_schedule {
    uint32_t tslice_ms;
    uint32_t ratelimit_us;
    uint32_t vcpu_migr_delay_us;
};

struct xen_sysctl_credit2_schedule {
    uint32_t ratelimit_us;
};

#define XEN_SYSCTL_SCHEDOP_putinfo 0
#define XEN_SYSCTL_SCHEDOP_getinfo 1

/* Parameters of a pool's scheduler. */
struct xen_sysctl_scheduler_op {
    uint32_t cpupool_id;
    uint32_t sched_id;
    uint32_t cmd;
    union {
        struct xen_sysctl_sched_arinc653 {
            guest_handle_t schedule;
        } sched_arinc653;
        struct xen_sysctl_credit_schedule sched_credit;
        struct xen_sysctl_credit2_schedule sched_credit2;
    } u;
};

/* Coverage counters. */
struct xen_sysctl_coverage_op {
    uint32_t cmd;
    uint32_t size;
    guest_handle_t buffer;
};

struct xen_sysctl_pcitopoinfo {
    uint32_t num_devs;
    guest_handle_t devs;
    guest_handle_t nodes;
};

#define XEN_SYSCTL_DT_OVERLAY_ADD    1
#define XEN_SYSCTL_DT_OVERLAY_REMOVE 2
struct xen_sysctl_dt_overlay {
    guest_handle_t overlay_fdt;
    uint32_t overlay_fdt_size;
    uint8_t overlay_op;
    uint8_t pad[3];
};

/* The argument of every sysctl; it is copied back when the operation has results. */
struct xen_sysctl {
    uint32_t cmd;
    uint32_t interface_version;
    union {
        struct xen_sysctl_readconsole readconsole;
        struct xen_sysctl_tbuf_op tbuf_op;
        struct xen_sysctl_physinfo physinfo;
        struct xen_sysctl_cputopoinfo cputopoinfo;
        struct xen_sysctl_pcitopoinfo pcitopoinfo;
        struct xen_sysctl_numainfo numainfo;
        struct xen_sysctl_sched_id sched_id;
        struct xen_sysctl_perfc_op perfc_op;
        struct xen_sysctl_getdomaininfolist getdomaininfolist;
        struct xen_sysctl_debug_keys debug_keys;
        struct xen_sysctl_getcpuinfo getcpuinfo;
        struct xen_sysctl_availheap availheap;
        struct xen_sysctl_cpu_hotplug cpu_hotplug;
        struct xen_sysctl_page_offline_op page_offline;
        struct xen_sysctl_lockprof_op lockprof_op;
        struct xen_sysctl_cpupool_op cpupool_op;
        struct xen_sysctl_scheduler_op scheduler_op;
        struct xen_sysctl_coverage_op coverage_op;
        struct xen_sysctl_dt_overlay dt_overlay;
        uint8_t pad[128];
    } u;
};
