/*
 * What only dom0 may ask: sysctl, domctl, platform_op, physdev_op, hvm_op parameters. Reads, and
 * errors; nothing here changes the host.
 */
#include <guest/hypercall.h>
#include <guest/memory.h>
#include <guest/port.h>
#include <guest/print.h>
#include <guest/test.h>
#include <public/domctl.h>
#include <public/errno.h>
#include <public/hvm/hvm_op.h>
#include <public/hvm/params.h>
#include <public/physdev.h>
#include <public/platform.h>
#include <public/sysctl.h>

static void *const bad = (void *)(uintptr_t)0x7000000000UL;

static struct xen_sysctl sys;
static struct xen_domctl dom;

/* The commands take what the test has put into .u. */
static int64_t call_sysctl(uint32_t cmd)
{
    sys.cmd = cmd;
    sys.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    return sysctl(&sys);
}

static int64_t call_domctl(uint32_t cmd, domid_t domain)
{
    dom.cmd = cmd;
    dom.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    dom.domain = domain;
    return domctl(&dom);
}

static void clear(void)
{
    memset(&sys, 0, sizeof(sys));
    memset(&dom, 0, sizeof(dom));
}

static void test_versions(void)
{
    clear();
    check_eq("sysctl, unmapped", sysctl(bad), -XEN_EFAULT);
    check_eq("domctl, unmapped", domctl(bad), -XEN_EFAULT);
    sys.cmd = XEN_SYSCTL_physinfo;
    sys.interface_version = 0x16;
    check_eq("sysctl of another version", sysctl(&sys), -XEN_EACCES);
    dom.cmd = XEN_DOMCTL_getdomaininfo;
    dom.interface_version = 0x18;
    check_eq("domctl of another version", domctl(&dom), -XEN_EACCES);
    check_eq("sysctl 13", call_sysctl(13), -XEN_ENOSYS);
    check_eq("sysctl 31", call_sysctl(31), -XEN_ENOSYS);
    check_eq("sysctl -1", call_sysctl(~0U), -XEN_ENOSYS);
    check_eq("domctl 6", call_domctl(6, 0), -XEN_ENOSYS);
    check_eq("domctl 90", call_domctl(90, 0), -XEN_ENOSYS);
    check_eq("domctl -1", call_domctl(~0U, 0), -XEN_ENOSYS);
}

static void test_physinfo(void)
{
    const struct xen_sysctl_physinfo *info = &sys.u.physinfo;
    clear();
    check_eq("physinfo", call_sysctl(XEN_SYSCTL_physinfo), 0);
    print("# total %lu free %lu scrub %lu max_mfn 0x%lx khz %u hw_cap %x\n", info->total_pages,
          info->free_pages, info->scrub_pages, info->max_mfn, info->cpu_khz, info->hw_cap[0]);
    check_eq("nr_cpus", info->nr_cpus, 1);
    check_eq("threads_per_core", info->threads_per_core, 1);
    check_eq("cores_per_socket", info->cores_per_socket, 1);
    check_eq("max_cpu_id", info->max_cpu_id, 0);
    check_eq("nr_nodes", info->nr_nodes, 1);
    check_eq("max_node_id", info->max_node_id, 0);
    check_eq("capabilities", info->capabilities,
             XEN_SYSCTL_PHYSCAP_hvm | XEN_SYSCTL_PHYSCAP_hap | XEN_SYSCTL_PHYSCAP_vpmu |
                 XEN_SYSCTL_PHYSCAP_gnttab_v1);
    check_eq("arch_capabilities", info->arch_capabilities, 0);
    check_eq("total_pages", (int64_t)info->total_pages, 1L << 18);
    check_range("free_pages", (int64_t)info->free_pages, 100000, (1L << 18) - 32768);
    check_eq("outstanding_pages", (int64_t)info->outstanding_pages, 0);
    check_eq("max_mfn", (int64_t)info->max_mfn, 0x7ffff);
    check_eq("cpu_khz", info->cpu_khz, (int64_t)(port_frequency() / 1000));
}

static void test_topology(void)
{
    struct xen_sysctl_cputopo cpu[2] = { { .core = 9 }, { .core = 9 } };
    struct xen_sysctl_meminfo node[2] = { { .memsize = 9 } };
    uint32_t distance[1] = { 9 };
    clear();
    check_eq("cputopoinfo: count", call_sysctl(XEN_SYSCTL_cputopoinfo), 0);
    check_eq("cputopoinfo: says", sys.u.cputopoinfo.num_cpus, 1);
    sys.u.cputopoinfo.num_cpus = 2;
    sys.u.cputopoinfo.cputopo = hypercall_pointer(cpu);
    check_eq("cputopoinfo", call_sysctl(XEN_SYSCTL_cputopoinfo), 0);
    check_eq("cputopoinfo: filled", sys.u.cputopoinfo.num_cpus, 1);
    check_eq("core", cpu[0].core, 0);
    check_eq("socket", cpu[0].socket, 0);
    check_eq("node", cpu[0].node, 0);
    check_eq("cpu 1 is left alone", cpu[1].core, 9);
    sys.u.cputopoinfo.num_cpus = 1;
    sys.u.cputopoinfo.cputopo = port_unmapped;
    check_eq("cputopoinfo, unmapped", call_sysctl(XEN_SYSCTL_cputopoinfo), -XEN_EFAULT);
    clear();
    check_eq("numainfo: count", call_sysctl(XEN_SYSCTL_numainfo), 0);
    check_eq("numainfo: says", sys.u.numainfo.num_nodes, 1);
    sys.u.numainfo.num_nodes = 1;
    sys.u.numainfo.meminfo = hypercall_pointer(node);
    sys.u.numainfo.distance = hypercall_pointer(distance);
    check_eq("numainfo", call_sysctl(XEN_SYSCTL_numainfo), 0);
    print("# node 0: %lu bytes, %lu free\n", node[0].memsize, node[0].memfree);
    check_range("node 0: size", (int64_t)node[0].memsize, 1L << 30, 1L << 31);
    check_eq("distance", distance[0], 20);
}

static void test_pools(void)
{
    uint8_t map[16] = { 0 };
    struct xen_sysctl_cpupool_op *op = &sys.u.cpupool_op;
    clear();
    check_eq("sched_id", call_sysctl(XEN_SYSCTL_sched_id), 0);
    check_range("sched_id says", sys.u.sched_id.sched_id, XEN_SCHEDULER_CREDIT2,
                XEN_SCHEDULER_NULL);
    clear();
    op->op = XEN_SYSCTL_CPUPOOL_OP_INFO;
    op->cpumap = (struct xenctl_bitmap){ hypercall_pointer(map), 128 };
    check_eq("cpupool info", call_sysctl(XEN_SYSCTL_cpupool_op), 0);
    check_eq("pool id", op->cpupool_id, 0);
    check_eq("pool domains", op->n_dom, 1);
    check_eq("pool CPUs", map[0], 1);
    op->cpupool_id = 1;
    check_eq("cpupool info: no other", call_sysctl(XEN_SYSCTL_cpupool_op), -XEN_ENOENT);
    op->op = XEN_SYSCTL_CPUPOOL_OP_FREEINFO;
    check_eq("cpupool freeinfo", call_sysctl(XEN_SYSCTL_cpupool_op), 0);
    check_eq("no free CPUs", map[0], 0);
    op->op = 99;
    check_eq("cpupool operation 99", call_sysctl(XEN_SYSCTL_cpupool_op), -XEN_ENOSYS);
    op->op = XEN_SYSCTL_CPUPOOL_OP_MOVEDOMAIN;
    op->domid = 77;
    check_eq("cpupool move nobody", call_sysctl(XEN_SYSCTL_cpupool_op), -XEN_ESRCH);
    op->op = XEN_SYSCTL_CPUPOOL_OP_DESTROY;
    op->cpupool_id = 5;
    check_eq("cpupool destroy none", call_sysctl(XEN_SYSCTL_cpupool_op), -XEN_ENOENT);
}

static void test_lists(void)
{
    struct xen_domctl_getdomaininfo info[2];
    struct xen_sysctl_cpuinfo cpu[2];
    memset(info, 0xa5, sizeof(info));
    clear();
    sys.u.getdomaininfolist = (struct xen_sysctl_getdomaininfolist){
        .max_domains = 2, .buffer = hypercall_pointer(info)
    };
    check_eq("getdomaininfolist", call_sysctl(XEN_SYSCTL_getdomaininfolist), 0);
    check_eq("one domain", sys.u.getdomaininfolist.num_domains, 1);
    check_eq("dom0", info[0].domain, 0);
    check_eq("the second is left alone", info[1].domain, 0xa5a5);
    sys.u.getdomaininfolist.first_domain = 1;
    check_eq("from 1", call_sysctl(XEN_SYSCTL_getdomaininfolist), 0);
    check_eq("none", sys.u.getdomaininfolist.num_domains, 0);
    sys.u.getdomaininfolist.first_domain = 0;
    sys.u.getdomaininfolist.buffer = port_unmapped;
    check_eq("getdomaininfolist, unmapped", call_sysctl(XEN_SYSCTL_getdomaininfolist), -XEN_EFAULT);
    clear();
    sys.u.getcpuinfo.max_cpus = 2;
    sys.u.getcpuinfo.info = hypercall_pointer(cpu);
    check_eq("getcpuinfo", call_sysctl(XEN_SYSCTL_getcpuinfo), 0);
    check_eq("getcpuinfo says", sys.u.getcpuinfo.nr_cpus, 1);
    clear();
    sys.u.availheap.node = -1;
    check_eq("availheap", call_sysctl(XEN_SYSCTL_availheap), 0);
    check_range("availheap says", (int64_t)sys.u.availheap.avail_bytes, 1L << 28, 1L << 30);
}

static void test_console(void)
{
    static char text[PAGE_SIZE];
    static char keys[] = "?";
    clear();
    sys.u.readconsole.buffer = hypercall_pointer(text);
    sys.u.readconsole.count = sizeof(text);
    check_eq("readconsole", call_sysctl(XEN_SYSCTL_readconsole), 0);
    check_range("readconsole: count", sys.u.readconsole.count, 100, PAGE_SIZE);
    sys.u.readconsole.incremental = 1;
    sys.u.readconsole.index = ~0U;
    check_eq("readconsole from an index ahead", call_sysctl(XEN_SYSCTL_readconsole), 0);
    sys.u.readconsole.buffer = port_unmapped;
    sys.u.readconsole.incremental = 0;
    sys.u.readconsole.count = 16;
    check_eq("readconsole, unmapped", call_sysctl(XEN_SYSCTL_readconsole), -XEN_EFAULT);
    clear();
    sys.u.debug_keys.keys = hypercall_pointer(keys);
    sys.u.debug_keys.nr_keys = 0;
    check_eq("debug_keys, none", call_sysctl(XEN_SYSCTL_debug_keys), 0);
    sys.u.debug_keys.keys = port_unmapped;
    sys.u.debug_keys.nr_keys = 1;
    check_eq("debug_keys, unmapped", call_sysctl(XEN_SYSCTL_debug_keys), -XEN_EFAULT);
}

static void test_sysctl_absent(void)
{
    static const struct {
        uint32_t cmd;
        int64_t want;
    } calls[] = {
        { XEN_SYSCTL_perfc_op, -XEN_ENOSYS },
        { XEN_SYSCTL_lockprof_op, -XEN_ENOSYS },
        { XEN_SYSCTL_psr_cmt_op, -XEN_ENOSYS },
        { XEN_SYSCTL_get_cpu_levelling_caps, -XEN_ENOSYS },
        { XEN_SYSCTL_get_cpu_policy, -XEN_ENOSYS },
        { XEN_SYSCTL_coverage_op, -XEN_EOPNOTSUPP },
    };
    for (unsigned int i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        clear();
        print("# sysctl %u\n", calls[i].cmd);
        check_eq("absent", call_sysctl(calls[i].cmd), calls[i].want);
    }
}

static void test_domain_info(void)
{
    const struct xen_domctl_getdomaininfo *info = &dom.u.getdomaininfo;
    clear();
    check_eq("getdomaininfo", call_domctl(XEN_DOMCTL_getdomaininfo, 0), 0);
    check_eq("domain", info->domain, 0);
    print("# flags %x max_pages 0x%lx shared 0x%lx gpaddr_bits %u spis %u clock %u\n", info->flags,
          info->max_pages, info->shared_info_frame, info->gpaddr_bits, info->arch_config.nr_spis,
          info->arch_config.clock_frequency);
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
    check_eq("gic_version", info->arch_config.gic_version, 0);
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
    uint8_t hard[16] = { 0 };
    uint8_t soft[16] = { 0 };
    struct xen_domctl_vcpuaffinity *affinity = &dom.u.vcpuaffinity;
    clear();
    affinity->flags = XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT;
    affinity->cpumap_hard = (struct xenctl_bitmap){ hypercall_pointer(hard), 128 };
    affinity->cpumap_soft = (struct xenctl_bitmap){ hypercall_pointer(soft), 128 };
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
    clear();
    call_sysctl(XEN_SYSCTL_sched_id);
    uint32_t id = sys.u.sched_id.sched_id;
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

static void test_platform(void)
{
    static struct xen_platform_op op;
    op.cmd = XENPF_settime64;
    op.interface_version = XENPF_INTERFACE_VERSION;
    op.u.settime64 = (struct xenpf_settime64){ .secs = 1700000000 };
    check_eq("platform_op, unmapped", platform_op(bad), -XEN_EFAULT);
    check_eq("settime64", platform_op(&op), 0);
    op.u.settime64.mbz = 1;
    check_eq("settime64, mbz", platform_op(&op), -XEN_EINVAL);
    op.cmd = 99;
    check_eq("platform_op 99", platform_op(&op), -XEN_ENOSYS);
    op.interface_version = 1;
    check_eq("platform_op of another version", platform_op(&op), -XEN_EACCES);
}

static void test_physdev(void)
{
    static uint64_t zero[8];
    for (unsigned int cmd = 0; cmd < 40; cmd++) {
        if (physdev_op(cmd, zero) != -XEN_ENOSYS) {
            print("# physdev %u: %ld\n", cmd, physdev_op(cmd, zero));
        }
    }
    check_eq("pci_device_add", physdev_op(PHYSDEVOP_pci_device_add, zero), -XEN_ENOSYS);
    check_eq("manage_pci_add", physdev_op(PHYSDEVOP_manage_pci_add, zero), -XEN_ENOSYS);
    check_eq("pci_device_add, unmapped", physdev_op(PHYSDEVOP_pci_device_add, bad), -XEN_ENOSYS);
    check_eq("physdev 99", physdev_op(99, zero), -XEN_ENOSYS);
}

static int64_t param(unsigned int op, domid_t domain, uint32_t index, uint64_t *value)
{
    struct xen_hvm_param arg = { .domid = domain, .index = index, .value = *value };
    int64_t rc = hvm_op(op, &arg);
    *value = arg.value;
    return rc;
}

static void test_params(void)
{
    uint64_t value = 0;
    check_eq("hvm_op, unmapped", hvm_op(HVMOP_get_param, bad), -XEN_EFAULT);
    check_eq("hvm_op 99", hvm_op(99, &value), -XEN_ENOSYS);
    check_eq("get STORE_EVTCHN", param(HVMOP_get_param, DOMID_SELF, HVM_PARAM_STORE_EVTCHN, &value),
             0);
    check_eq("STORE_EVTCHN", (int64_t)value, 0);
    check_eq("get CALLBACK_IRQ", param(HVMOP_get_param, DOMID_SELF, HVM_PARAM_CALLBACK_IRQ, &value),
             0);
    print("# callback 0x%lx\n", value);
    check_eq("CALLBACK_IRQ", (int64_t)(value & 0xff), port_event_irq());
    check_eq("get of nobody", param(HVMOP_get_param, 77, 1, &value), -XEN_ESRCH);
    check_eq("get 39", param(HVMOP_get_param, DOMID_SELF, HVM_NR_PARAMS, &value), -XEN_EINVAL);
    check_eq("get -1", param(HVMOP_get_param, DOMID_SELF, ~0U, &value), -XEN_EINVAL);
    unsigned int readable = 0;
    for (uint32_t index = 0; index < HVM_NR_PARAMS; index++) {
        readable += param(HVMOP_get_param, DOMID_SELF, index, &value) == 0;
    }
    check_eq("readable by the domain", readable, 5);
    check_eq("get MONITOR_RING_PFN",
             param(HVMOP_get_param, DOMID_SELF, HVM_PARAM_MONITOR_RING_PFN, &value), -XEN_EPERM);
    check_eq("get IDENT_PT", param(HVMOP_get_param, DOMID_SELF, HVM_PARAM_IDENT_PT, &value),
             -XEN_EINVAL);
    check_eq("set our own STORE_PFN",
             param(HVMOP_set_param, DOMID_SELF, HVM_PARAM_STORE_PFN, &value), -XEN_EPERM);
    check_eq("set our own CALLBACK_IRQ",
             param(HVMOP_set_param, DOMID_SELF, HVM_PARAM_CALLBACK_IRQ, &value), -XEN_EPERM);
    check_eq("set of nobody", param(HVMOP_set_param, 77, 1, &value), -XEN_ESRCH);
    check_eq("set -1", param(HVMOP_set_param, DOMID_SELF, ~0U, &value), -XEN_EINVAL);
}

void guest_main(void)
{
    test_versions();
    test_physinfo();
    test_topology();
    test_pools();
    test_lists();
    test_console();
    test_sysctl_absent();
    test_domain_info();
    test_vcpu_info();
    test_affinity();
    test_scheduler();
    test_domctl_limits();
    test_platform();
    test_physdev();
    test_params();
}
