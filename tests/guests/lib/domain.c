/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Domains made by a kernel that is dom0.
 */
#include <guest/domain.h>
#include <guest/hypercall.h>
#include <guest/memory.h>
#include <guest/port.h>
#include <guest/test.h>
#include <public/arch.h>
#include <public/memory.h>
#include <public/sched.h>

enum {
    PAGES = 2
};

struct xen_domctl domain_call;
uint32_t domain_options;

int64_t domain_op(uint32_t cmd, domid_t domain)
{
    domain_call.cmd = cmd;
    domain_call.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    domain_call.domain = domain;
    return domctl(&domain_call);
}

static void must(bool holds, const char *what)
{
    if (!holds) {
        give_up(what);
    }
}

void domain_move_self(uint32_t cpu)
{
    uint64_t map = 1UL << cpu;
    struct xen_domctl_vcpuaffinity *affinity = &domain_call.u.vcpuaffinity;
    memset(&domain_call, 0, sizeof(domain_call));
    affinity->flags = XEN_VCPUAFFINITY_HARD;
    affinity->cpumap_hard = (struct xenctl_bitmap){hypercall_pointer(&map), 64};
    must(domain_op(XEN_DOMCTL_setvcpuaffinity, 0) == 0, "setvcpuaffinity");
    domain_call.u.getvcpuinfo.vcpu = 0;
    must(domain_op(XEN_DOMCTL_getvcpuinfo, 0) == 0, "getvcpuinfo");
    must(domain_call.u.getvcpuinfo.cpu == cpu, "to be moved");
}

static domid_t create(unsigned int vcpus)
{
    memset(&domain_call, 0, sizeof(domain_call));
    struct xen_domctl_createdomain *config = &domain_call.u.createdomain;
    config->flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap | domain_options;
    config->max_vcpus = vcpus;
    config->max_evtchn_port = 1023;
    config->max_grant_frames = 4;
    config->max_maptrack_frames = 4;
    config->grant_opts = 1;
    must(domain_op(XEN_DOMCTL_createdomain, 0) == 0, "createdomain");
    domid_t domain = domain_call.domain;
    domain_call.u.max_vcpus.max = vcpus;
    must(domain_op(XEN_DOMCTL_max_vcpus, domain) == 0, "max_vcpus");
    /* Xen on Arm: 32 until told, and it tells the vCPUs that are there. */
    domain_call.u.address_size.size = 64;
    must(domain_op(XEN_DOMCTL_set_address_size, domain) == 0, "set_address_size");
    domain_call.u.max_mem.max_memkb = 1024;
    must(domain_op(XEN_DOMCTL_max_mem, domain) == 0, "max_mem");
    domain_call.u.paging_mempool.size = 1 << 20;
    must(domain_op(XEN_DOMCTL_set_paging_mempool_size, domain) == 0, "set_paging_mempool_size");
    return domain;
}

/* A page of ours becomes one of the domain's. */
static void *map(domid_t domain, uint64_t frame)
{
    void *page = page_alloc();
    uint64_t to = frame_of(page);
    int32_t error = -1;
    struct xen_add_to_physmap_batch arg = {.domid = DOMID_SELF,
                                           .space = XENMAPSPACE_gmfn_foreign,
                                           .size = 1,
                                           .u.foreign_domid = domain,
                                           .idxs = hypercall_pointer(&frame),
                                           .gpfns = hypercall_pointer(&to),
                                           .errs = hypercall_pointer(&error)};
    must(memory_op(XENMEM_add_to_physmap_batch, &arg) == 0 && error == 0, "gmfn_foreign");
    return page;
}

domid_t domain_make(unsigned int vcpus, const void *code, uint64_t size, void **data)
{
    domid_t domain = create(vcpus);
    uint64_t first = GUEST_RAM0_BASE >> PAGE_SHIFT;
    uint64_t frames[PAGES] = {first, first + 1};
    struct xen_memory_reservation arg = {
        .extent_start = hypercall_pointer(frames), .nr_extents = PAGES, .domid = domain};
    must(memory_op(XENMEM_populate_physmap, &arg) == PAGES, "populate_physmap");
    memcpy(map(domain, first), code, size);
    *data = memset(map(domain, first + 1), 0, PAGE_SIZE);
    return domain;
}

int64_t domain_set_context(domid_t domain, uint32_t vcpu, struct vcpu_guest_context *context)
{
    domain_call.u.vcpucontext = (struct xen_domctl_vcpucontext){vcpu, hypercall_pointer(context)};
    return domain_op(XEN_DOMCTL_setvcpucontext, domain);
}

int64_t domain_get_context(domid_t domain, uint32_t vcpu, struct vcpu_guest_context *context)
{
    domain_call.u.vcpucontext = (struct xen_domctl_vcpucontext){vcpu, hypercall_pointer(context)};
    return domain_op(XEN_DOMCTL_getvcpucontext, domain);
}

bool domain_run(domid_t domain)
{
    uint64_t end = port_counter() + port_frequency();
    must(domain_op(XEN_DOMCTL_unpausedomain, domain) == 0, "unpausedomain");
    do {
        sched_op(SCHEDOP_yield, NULL);
        must(domain_op(XEN_DOMCTL_getdomaininfo, domain) == 0, "getdomaininfo");
    } while ((domain_call.u.getdomaininfo.flags & XEN_DOMINF_shutdown) == 0 &&
             port_counter() < end);
    return (domain_call.u.getdomaininfo.flags & XEN_DOMINF_shutdown) != 0;
}
