/* SPDX-License-Identifier: Apache-2.0 */
/*
 * domctl as dom0, on itself: information, affinity, scheduler, limits; versions and errors.
 */
#include <guest/hypercall.h>
#include <guest/memory.h>
#include <guest/port.h>
#include <guest/print.h>
#include <guest/test.h>
#include <public/domctl.h>
#include <public/errno.h>
#include <public/sysctl.h>

static void *const bad = (void *)(uintptr_t)0x7000000000UL;

static struct xen_domctl dom;

/* The operations take what the test has put into .u. */
static int64_t call_domctl(uint32_t cmd, domid_t domain)
{
    dom.cmd = cmd;
    dom.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    dom.domain = domain;
    return domctl(&dom);
}

static void clear(void)
{
    memset(&dom, 0, sizeof(dom));
}

static void test_versions(void)
{
    clear();
    check_eq("domctl, unmapped", domctl(bad), -XEN_EFAULT);
    dom.cmd = XEN_DOMCTL_getdomaininfo;
    dom.interface_version = 0x18;
    check_eq("domctl of another version", domctl(&dom), -XEN_EACCES);
    check_eq("domctl 6", call_domctl(6, 0), -XEN_ENOSYS);
    check_known("irq_permission", call_domctl(XEN_DOMCTL_irq_permission, 0), -XEN_ENOSYS,
                -XEN_EILSEQ, "Xen on Arm refuses it in its own way: libxl only binds");
    check_eq("domctl 90", call_domctl(90, 0), -XEN_ENOSYS);
    check_eq("domctl -1", call_domctl(~0U, 0), -XEN_ENOSYS);
}

static void test_domain_info(void)
{
    const struct xen_domctl_getdomaininfo *info = &dom.u.getdomaininfo;
    clear();
    check_eq("getdomaininfo", call_domctl(XEN_DOMCTL_getdomaininfo, 0), 0);
    check_eq("domain", info->domain, 0);
    print("# flags %x max_pages 0x%lx shared 0x%lx gpaddr_bits %u\n", info->flags, info->max_pages,
          info->shared_info_frame, info->gpaddr_bits);
    /* No shutdown code yet: -1 in the upper half. */
    check_eq("flags", info->flags,
             0xffff0000U | XEN_DOMINF_hvm_guest | XEN_DOMINF_running | XEN_DOMINF_hap);
    check_eq("tot_pages", (int64_t)info->tot_pages, 32768);
    check_range("max_pages", (int64_t)info->max_pages, 32768, 1L << 32);
    check_eq("outstanding_pages", (int64_t)info->outstanding_pages, 0);
    check_eq("nr_online_vcpus", info->nr_online_vcpus, 1);
    check_eq("max_vcpu_id", info->max_vcpu_id, 0);
    check_eq("ssidref", info->ssidref, 0);
    check_eq("cpupool", info->cpupool, 0);
    port_check_config(&info->arch_config);
    check("it has run", info->cpu_time > 0);
    check_eq("getdomaininfo of DOMID_SELF", call_domctl(XEN_DOMCTL_getdomaininfo, DOMID_SELF),
             -XEN_ESRCH);
    check_eq("getdomaininfo of the next", call_domctl(XEN_DOMCTL_getdomaininfo, 1), -XEN_ESRCH);
    check_eq("getdomaininfo of 0x7fff", call_domctl(XEN_DOMCTL_getdomaininfo, 0x7fff), -XEN_ESRCH);
}

static void test_vcpu_info(void)
{
    const struct xen_domctl_getvcpuinfo *info = &dom.u.getvcpuinfo;
    clear();
    check_eq("getvcpuinfo", call_domctl(XEN_DOMCTL_getvcpuinfo, 0), 0);
    check_eq("online", info->online, 1);
    check_eq("blocked", info->blocked, 0);
    check_eq("running", info->running, 1);
    check_eq("cpu", info->cpu, 0);
    dom.u.getvcpuinfo.vcpu = 9;
    check_eq("getvcpuinfo of vcpu 9", call_domctl(XEN_DOMCTL_getvcpuinfo, 0), -XEN_EINVAL);
    dom.u.getvcpuinfo.vcpu = ~0U;
    check_eq("getvcpuinfo of vcpu -1", call_domctl(XEN_DOMCTL_getvcpuinfo, 0), -XEN_EINVAL);
}

static void test_affinity(void)
{
    uint8_t hard[16] = {0};
    uint8_t soft[16] = {0};
    struct xen_domctl_vcpuaffinity *affinity = &dom.u.vcpuaffinity;
    clear();
    affinity->flags = XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT;
    affinity->cpumap_hard = (struct xenctl_bitmap){hypercall_pointer(hard), 128};
    affinity->cpumap_soft = (struct xenctl_bitmap){hypercall_pointer(soft), 128};
    check_eq("getvcpuaffinity", call_domctl(XEN_DOMCTL_getvcpuaffinity, 0), 0);
    check_eq("hard affinity", hard[0], 1);
    check_eq("soft affinity", soft[0], 1);
    hard[0] = 1;
    affinity->flags = XEN_VCPUAFFINITY_HARD;
    check_eq("setvcpuaffinity", call_domctl(XEN_DOMCTL_setvcpuaffinity, 0), 0);
    check_eq("in effect", hard[0], 1);
    memset(hard, 0, sizeof(hard));
    check_eq("setvcpuaffinity to nowhere", call_domctl(XEN_DOMCTL_setvcpuaffinity, 0), -XEN_EINVAL);
    hard[0] = 2;
    check_eq("setvcpuaffinity to no CPU", call_domctl(XEN_DOMCTL_setvcpuaffinity, 0), -XEN_EINVAL);
    memset(hard, 0xff, sizeof(hard));
    check_eq("setvcpuaffinity to all", call_domctl(XEN_DOMCTL_setvcpuaffinity, 0), 0);
    affinity->flags = 0;
    check_eq("setvcpuaffinity of nothing", call_domctl(XEN_DOMCTL_setvcpuaffinity, 0), -XEN_EINVAL);
    affinity->flags = XEN_VCPUAFFINITY_HARD;
    affinity->vcpu = 9;
    check_eq("getvcpuaffinity of vcpu 9", call_domctl(XEN_DOMCTL_getvcpuaffinity, 0), -XEN_EINVAL);
    affinity->vcpu = 0;
    affinity->cpumap_hard.bitmap = port_unmapped;
    check_eq("getvcpuaffinity, unmapped", call_domctl(XEN_DOMCTL_getvcpuaffinity, 0), -XEN_EFAULT);
}

static void test_scheduler(void)
{
    struct xen_sysctl host = {.cmd = XEN_SYSCTL_sched_id,
                              .interface_version = XEN_SYSCTL_INTERFACE_VERSION};
    sysctl(&host);
    uint32_t id = host.u.sched_id.sched_id;
    clear();
    dom.u.scheduler_op.sched_id = id;
    dom.u.scheduler_op.cmd = XEN_DOMCTL_SCHEDOP_getinfo;
    if (id == XEN_SCHEDULER_CREDIT2) {
        check_eq("scheduler getinfo", call_domctl(XEN_DOMCTL_scheduler_op, 0), 0);
        check_eq("weight", dom.u.scheduler_op.u.credit2.weight, 256);
        check_eq("cap", dom.u.scheduler_op.u.credit2.cap, 0);
        dom.u.scheduler_op.cmd = XEN_DOMCTL_SCHEDOP_putinfo;
        dom.u.scheduler_op.u.credit2.weight = 512;
        check_eq("scheduler putinfo", call_domctl(XEN_DOMCTL_scheduler_op, 0), 0);
        dom.u.scheduler_op.cmd = XEN_DOMCTL_SCHEDOP_getinfo;
        dom.u.scheduler_op.u.credit2.weight = 0;
        check_eq("scheduler getinfo again", call_domctl(XEN_DOMCTL_scheduler_op, 0), 0);
        check_eq("new weight", dom.u.scheduler_op.u.credit2.weight, 512);
    }
    dom.u.scheduler_op.sched_id = XEN_SCHEDULER_RTDS;
    check_eq("scheduler that is not", call_domctl(XEN_DOMCTL_scheduler_op, 0), -XEN_EINVAL);
    dom.u.scheduler_op.sched_id = id;
    dom.u.scheduler_op.cmd = 9;
    check_eq("scheduler command 9", call_domctl(XEN_DOMCTL_scheduler_op, 0), -XEN_EINVAL);
}

static void test_domctl_limits(void)
{
    clear();
    dom.u.max_mem.max_memkb = 1;
    check_eq("max_mem of nobody", call_domctl(XEN_DOMCTL_max_mem, 77), -XEN_ESRCH);
    dom.u.max_mem.max_memkb = 256 << 10;
    check_eq("max_mem", call_domctl(XEN_DOMCTL_max_mem, 0), 0);
    call_domctl(XEN_DOMCTL_getdomaininfo, 0);
    check_eq("max_mem is in effect", (int64_t)dom.u.getdomaininfo.max_pages, 65536);
    check_eq("pause ourselves", call_domctl(XEN_DOMCTL_pausedomain, 0), -XEN_EINVAL);
    check_eq("pause nobody", call_domctl(XEN_DOMCTL_pausedomain, 77), -XEN_ESRCH);
    check_eq("unpause ourselves", call_domctl(XEN_DOMCTL_unpausedomain, 0), -XEN_EINVAL);
    check_eq("destroy nobody", call_domctl(XEN_DOMCTL_destroydomain, 77), -XEN_ESRCH);
    check_eq("destroy ourselves", call_domctl(XEN_DOMCTL_destroydomain, 0), -XEN_EINVAL);
    clear();
    check_eq("set_llc_colors", call_domctl(XEN_DOMCTL_set_llc_colors, 0), -XEN_EOPNOTSUPP);
}

void guest_main(void)
{
    test_versions();
    test_domain_info();
    test_vcpu_info();
    test_affinity();
    test_scheduler();
    test_domctl_limits();
}
