/* SPDX-License-Identifier: Apache-2.0 */
/*
 * domctl(arg): what the tools do to a domain. Interface 0x17; a caller built for another one gets
 * -EACCES. Operations that exist only on other architectures are left out.
 */
#pragma once

#include <public/arch.h>
#include <public/types.h>

#define XEN_DOMCTL_INTERFACE_VERSION 0x00000017U

#define XEN_DOMCTL_createdomain            1
#define XEN_DOMCTL_destroydomain           2
#define XEN_DOMCTL_pausedomain             3
#define XEN_DOMCTL_unpausedomain           4
#define XEN_DOMCTL_getdomaininfo           5
#define XEN_DOMCTL_setvcpuaffinity         9
#define XEN_DOMCTL_max_mem                 11
#define XEN_DOMCTL_setvcpucontext          12
#define XEN_DOMCTL_getvcpucontext          13
#define XEN_DOMCTL_getvcpuinfo             14
#define XEN_DOMCTL_max_vcpus               15
#define XEN_DOMCTL_scheduler_op            16
#define XEN_DOMCTL_setdomainhandle         17
#define XEN_DOMCTL_setdebugging            18
#define XEN_DOMCTL_irq_permission          19
#define XEN_DOMCTL_iomem_permission        20
#define XEN_DOMCTL_settimeoffset           24
#define XEN_DOMCTL_getvcpuaffinity         25
#define XEN_DOMCTL_resumedomain            27
#define XEN_DOMCTL_subscribe               29
#define XEN_DOMCTL_gethvmcontext           33
#define XEN_DOMCTL_sethvmcontext           34
#define XEN_DOMCTL_set_address_size        35
#define XEN_DOMCTL_get_address_size        36
#define XEN_DOMCTL_assign_device           37
#define XEN_DOMCTL_bind_pt_irq             38
#define XEN_DOMCTL_memory_mapping          39
#define XEN_DOMCTL_test_assign_device      45
#define XEN_DOMCTL_set_target              46
#define XEN_DOMCTL_deassign_device         47
#define XEN_DOMCTL_unbind_pt_irq           48
#define XEN_DOMCTL_vm_event_op             56
#define XEN_DOMCTL_set_access_required     64
#define XEN_DOMCTL_set_virq_handler        66
#define XEN_DOMCTL_setnodeaffinity         68
#define XEN_DOMCTL_getnodeaffinity         69
#define XEN_DOMCTL_cacheflush              71
#define XEN_DOMCTL_setvnumainfo            74
#define XEN_DOMCTL_monitor_op              77
#define XEN_DOMCTL_soft_reset              79
#define XEN_DOMCTL_vuart_op                81
#define XEN_DOMCTL_get_paging_mempool_size 85
#define XEN_DOMCTL_set_paging_mempool_size 86
#define XEN_DOMCTL_dt_overlay              87
#define XEN_DOMCTL_set_llc_colors          89

/* createdomain.flags */
#define XEN_DOMCTL_CDF_hvm          0x1U
#define XEN_DOMCTL_CDF_hap          0x2U
#define XEN_DOMCTL_CDF_s3_integrity 0x4U
#define XEN_DOMCTL_CDF_oos_off      0x8U
#define XEN_DOMCTL_CDF_xs_domain    0x10U
#define XEN_DOMCTL_CDF_iommu        0x20U
#define XEN_DOMCTL_CDF_nested_virt  0x40U
#define XEN_DOMCTL_CDF_vpmu         0x80U
#define XEN_DOMCTL_CDF_MAX          0x80U

#define XEN_DOMCTL_IOMMU_no_sharept 0x1U
#define XEN_DOMCTL_IOMMU_MAX        0x1U

#define XEN_DOMCTL_GRANT_version_mask 0xf
#define XEN_DOMCTL_ALTP2M_mode_mask   0x3U

/* A domain without vCPUs and memory. Out: the number, in xen_domctl.domain */
struct xen_domctl_createdomain {
    uint32_t ssidref;
    xen_domain_handle_t handle;
    uint32_t flags;
    uint32_t iommu_opts;
    uint32_t max_vcpus;
    uint32_t max_evtchn_port;
    int32_t max_grant_frames; /* < 0: the default */
    int32_t max_maptrack_frames;
    uint32_t grant_opts;
    uint32_t altp2m_opts;
    uint32_t vmtrace_size;
    uint32_t cpupool_id;
    struct xen_arch_domainconfig arch;
};

/* getdomaininfo.flags; the shutdown reason is in the third byte. */
#define XEN_DOMINF_dying         0x1U
#define XEN_DOMINF_hvm_guest     0x2U
#define XEN_DOMINF_shutdown      0x4U
#define XEN_DOMINF_paused        0x8U
#define XEN_DOMINF_blocked       0x10U
#define XEN_DOMINF_running       0x20U
#define XEN_DOMINF_debugged      0x40U
#define XEN_DOMINF_xs_domain     0x80U
#define XEN_DOMINF_hap           0x100U
#define XEN_DOMINF_shutdownmask  255
#define XEN_DOMINF_shutdownshift 16

#define XEN_INVALID_MAX_VCPU_ID 0xFFFFFFFFU

/* State of a domain, also the element of sysctl getdomaininfolist. */
struct xen_domctl_getdomaininfo {
    domid_t domain;
    uint16_t pad1;
    uint32_t flags;
    uint64_t tot_pages;
    uint64_t max_pages;
    uint64_t outstanding_pages;
    uint64_t shr_pages;
    uint64_t paged_pages;
    uint64_t shared_info_frame;
    uint64_t cpu_time; /* ns */
    uint32_t nr_online_vcpus;
    uint32_t max_vcpu_id;
    uint32_t ssidref;
    xen_domain_handle_t handle;
    uint32_t cpupool;
    uint8_t gpaddr_bits;
    uint8_t pad2[7];
    struct xen_arch_domainconfig arch_config;
};

struct xen_domctl_max_mem {
    uint64_t max_memkb;
};

/* setvcpucontext, getvcpucontext */
struct xen_domctl_vcpucontext {
    uint32_t vcpu;
    guest_handle_t ctxt; /* struct vcpu_guest_context */
};

struct xen_domctl_getvcpuinfo {
    uint32_t vcpu;
    uint8_t online;
    uint8_t blocked;
    uint8_t running;
    uint64_t cpu_time; /* ns */
    uint32_t cpu;
};

/* setnodeaffinity, getnodeaffinity */
struct xen_domctl_nodeaffinity {
    struct xenctl_bitmap nodemap;
};

#define XEN_VCPUAFFINITY_HARD  0x1U
#define XEN_VCPUAFFINITY_SOFT  0x2U
#define XEN_VCPUAFFINITY_FORCE 0x4U

/* setvcpuaffinity, getvcpuaffinity; set returns in the maps what was in effect. */
struct xen_domctl_vcpuaffinity {
    uint32_t vcpu;
    uint32_t flags;
    struct xenctl_bitmap cpumap_hard;
    struct xenctl_bitmap cpumap_soft;
};

struct xen_domctl_max_vcpus {
    uint32_t max;
};

#define XEN_SCHEDULER_CREDIT   5
#define XEN_SCHEDULER_CREDIT2  6
#define XEN_SCHEDULER_ARINC653 7
#define XEN_SCHEDULER_RTDS     8
#define XEN_SCHEDULER_NULL     9

struct xen_domctl_sched_credit {
    uint16_t weight;
    uint16_t cap;
};

struct xen_domctl_sched_credit2 {
    uint16_t weight;
    uint16_t cap; /* percent of a CPU, 0: none */
};

struct xen_domctl_sched_rtds {
    uint32_t period;
    uint32_t budget;
    uint32_t flags;
};

/* Parameters of one vCPU, for the schedulers that have them. */
struct xen_domctl_schedparam_vcpu {
    union {
        struct xen_domctl_sched_credit credit;
        struct xen_domctl_sched_credit2 credit2;
        struct xen_domctl_sched_rtds rtds;
    } u;
    uint32_t vcpuid;
};

#define XEN_DOMCTL_SCHEDOP_putinfo     0
#define XEN_DOMCTL_SCHEDOP_getinfo     1
#define XEN_DOMCTL_SCHEDOP_putvcpuinfo 2
#define XEN_DOMCTL_SCHEDOP_getvcpuinfo 3

struct xen_domctl_scheduler_op {
    uint32_t sched_id;
    uint32_t cmd;
    union {
        struct xen_domctl_sched_credit credit;
        struct xen_domctl_sched_credit2 credit2;
        struct xen_domctl_sched_rtds rtds;
        struct {
            guest_handle_t vcpus; /* struct xen_domctl_schedparam_vcpu[nr_vcpus] */
            uint32_t nr_vcpus;
            uint32_t padding;
        } v;
    } u;
};

struct xen_domctl_setdomainhandle {
    xen_domain_handle_t handle;
};

struct xen_domctl_setdebugging {
    uint8_t enable;
};

struct xen_domctl_irq_permission {
    uint32_t pirq;
    uint8_t allow_access;
    uint8_t pad[3];
};

struct xen_domctl_iomem_permission {
    uint64_t first_mfn;
    uint64_t nr_mfns;
    uint8_t allow_access;
};

struct xen_domctl_settimeoffset {
    int64_t time_offset_seconds;
};

/* set_address_size, get_address_size: bits. */
struct xen_domctl_address_size {
    uint32_t size;
};

#define XEN_DOMCTL_DEV_PCI         0
#define XEN_DOMCTL_DEV_DT          1
#define XEN_DOMCTL_DEV_RDM_RELAXED 1

/* assign_device, deassign_device, test_assign_device: a PCI function or a device-tree path. */
struct xen_domctl_assign_device {
    uint32_t dev;
    uint32_t flags;
    union {
        struct {
            uint32_t machine_sbdf;
        } pci;
        struct {
            uint32_t size;
            guest_handle_t path;
        } dt;
    } u;
};

enum pt_irq_type {
    PT_IRQ_TYPE_PCI,
    PT_IRQ_TYPE_ISA,
    PT_IRQ_TYPE_MSI,
    PT_IRQ_TYPE_MSI_TRANSLATE,
    PT_IRQ_TYPE_SPI
};

/* bind_pt_irq, unbind_pt_irq: only PT_IRQ_TYPE_SPI here. */
struct xen_domctl_bind_pt_irq {
    uint32_t machine_irq;
    uint32_t irq_type;
    union {
        struct {
            uint8_t isa_irq;
        } isa;
        struct {
            uint8_t bus;
            uint8_t device;
            uint8_t intx;
        } pci;
        struct {
            uint8_t gvec;
            uint32_t gflags;
            uint64_t gtable;
        } msi;
        struct {
            uint16_t spi;
        } spi;
    } u;
};

#define DPCI_ADD_MAPPING    1
#define DPCI_REMOVE_MAPPING 0

struct xen_domctl_memory_mapping {
    uint64_t first_gfn;
    uint64_t first_mfn;
    uint64_t nr_mfns;
    uint32_t add_mapping;
    uint32_t padding;
};

struct xen_domctl_subscribe {
    uint32_t port;
};

struct xen_domctl_set_virq_handler {
    uint32_t virq;
};

struct xen_domctl_set_access_required {
    uint8_t access_required;
};

/* Clean and invalidate guest frames after the tools wrote them. */
struct xen_domctl_cacheflush {
    xen_pfn_t start_pfn;
    xen_pfn_t nr_pfns;
};

/* Bytes for the guest's page tables. */
struct xen_domctl_paging_mempool {
    uint64_t size;
};

#define XEN_DOMCTL_VUART_OP_INIT     0
#define XEN_DOMCTL_VUART_TYPE_VPL011 0
struct xen_domctl_vuart_op {
    uint32_t cmd;
    uint32_t type;
    uint64_t gfn;
    domid_t console_domid;
    uint8_t pad[2];
    evtchn_port_t evtchn; /* out */
};

#define XEN_DOMCTL_DT_OVERLAY_ATTACH 1
struct xen_domctl_dt_overlay {
    guest_handle_t overlay_fdt;
    uint32_t overlay_fdt_size;
    uint8_t overlay_op;
    uint8_t pad[3];
};

struct xen_domctl_set_llc_colors {
    uint32_t num_llc_colors;
    uint32_t pad;
    guest_handle_t llc_colors; /* uint32_t[num_llc_colors] */
};

/* The argument of every domctl; it is copied back when the operation has results. */
struct xen_domctl {
    uint32_t cmd;
    uint32_t interface_version;
    domid_t domain;
    uint16_t _pad[3];
    union {
        struct xen_domctl_createdomain createdomain;
        struct xen_domctl_getdomaininfo getdomaininfo;
        struct xen_domctl_nodeaffinity nodeaffinity;
        struct xen_domctl_vcpuaffinity vcpuaffinity;
        struct xen_domctl_max_mem max_mem;
        struct xen_domctl_vcpucontext vcpucontext;
        struct xen_domctl_getvcpuinfo getvcpuinfo;
        struct xen_domctl_max_vcpus max_vcpus;
        struct xen_domctl_scheduler_op scheduler_op;
        struct xen_domctl_setdomainhandle setdomainhandle;
        struct xen_domctl_setdebugging setdebugging;
        struct xen_domctl_irq_permission irq_permission;
        struct xen_domctl_iomem_permission iomem_permission;
        struct xen_domctl_settimeoffset settimeoffset;
        struct xen_domctl_address_size address_size;
        struct xen_domctl_assign_device assign_device;
        struct xen_domctl_bind_pt_irq bind_pt_irq;
        struct xen_domctl_memory_mapping memory_mapping;
        struct xen_domctl_subscribe subscribe;
        struct xen_domctl_set_access_required access_required;
        struct xen_domctl_set_virq_handler set_virq_handler;
        struct xen_domctl_cacheflush cacheflush;
        struct xen_domctl_vuart_op vuart_op;
        struct xen_domctl_paging_mempool paging_mempool;
        struct xen_domctl_dt_overlay dt_overlay;
        struct xen_domctl_set_llc_colors set_llc_colors;
        uint8_t pad[128];
    } u;
};
