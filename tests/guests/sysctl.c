/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sysctl as dom0: what the host is, lists, the console ring, the pool; versions and errors. Nothing
 * here changes the host.
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

static struct xen_sysctl sys;

/* The operations take what the test has put into .u. */
static int64_t call_sysctl(uint32_t cmd)
{
    sys.cmd = cmd;
    sys.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    return sysctl(&sys);
}

static void clear(void)
{
    memset(&sys, 0, sizeof(sys));
}

static void test_versions(void)
{
    clear();
    check_eq("sysctl, unmapped", sysctl(bad), -XEN_EFAULT);
    sys.cmd = XEN_SYSCTL_physinfo;
    sys.interface_version = 0x16;
    check_eq("sysctl of another version", sysctl(&sys), -XEN_EACCES);
    check_eq("sysctl 13", call_sysctl(13), -XEN_ENOSYS);
    check_eq("sysctl 31", call_sysctl(31), -XEN_ENOSYS);
    check_eq("sysctl -1", call_sysctl(~0U), -XEN_ENOSYS);
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
    uint32_t can = XEN_SYSCTL_PHYSCAP_hvm | XEN_SYSCTL_PHYSCAP_hap | XEN_SYSCTL_PHYSCAP_gnttab_v1;
#ifdef __aarch64__
    can |= XEN_SYSCTL_PHYSCAP_vpmu;
#endif
    check_eq("capabilities", info->capabilities, can);
    check_eq("arch_capabilities", info->arch_capabilities, 0);
    check_eq("total_pages", (int64_t)info->total_pages, 1L << 18);
    check_range("free_pages", (int64_t)info->free_pages, 100000, (1L << 18) - 32768);
    check_eq("outstanding_pages", (int64_t)info->outstanding_pages, 0);
    check_eq("max_mfn", (int64_t)info->max_mfn,
             (int64_t)(port_ram_base >> PAGE_SHIFT) + (1 << 18) - 1);
    check_eq("cpu_khz", info->cpu_khz, (int64_t)(port_frequency() / 1000));
}

static void test_topology(void)
{
    struct xen_sysctl_cputopo cpu[2] = {{.core = 9}, {.core = 9}};
    struct xen_sysctl_meminfo node[2] = {{.memsize = 9}};
    uint32_t distance[1] = {9};
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
    uint8_t map[16] = {0};
    struct xen_sysctl_cpupool_op *op = &sys.u.cpupool_op;
    clear();
    check_eq("sched_id", call_sysctl(XEN_SYSCTL_sched_id), 0);
    check_range("sched_id says", sys.u.sched_id.sched_id, XEN_SCHEDULER_CREDIT2,
                XEN_SCHEDULER_NULL);
    clear();
    op->op = XEN_SYSCTL_CPUPOOL_OP_INFO;
    op->cpumap = (struct xenctl_bitmap){hypercall_pointer(map), 128};
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

static int64_t pool_op(uint32_t command, uint32_t pool, uint32_t cpu)
{
    sys.u.cpupool_op = (struct xen_sysctl_cpupool_op){
        .op = command, .cpupool_id = pool, .sched_id = XEN_SCHEDULER_CREDIT2, .cpu = cpu};
    return call_sysctl(XEN_SYSCTL_cpupool_op);
}

/* The machine has one CPU, which stays in Pool-0. */
static void test_new_pool(void)
{
    clear();
    check_eq("cpupool create", pool_op(XEN_SYSCTL_CPUPOOL_OP_CREATE, UINT32_MAX, 0), 0);
    check_eq("its number", sys.u.cpupool_op.cpupool_id, 1);
    check_eq("create again", pool_op(XEN_SYSCTL_CPUPOOL_OP_CREATE, 1, 0), -XEN_ENOSPC);
    check_eq("add what is not free", pool_op(XEN_SYSCTL_CPUPOOL_OP_ADDCPU, 1, 0), -XEN_ENODEV);
    check_eq("add any", pool_op(XEN_SYSCTL_CPUPOOL_OP_ADDCPU, 1, UINT32_MAX), -XEN_ENODEV);
    check_eq("add CPU 999", pool_op(XEN_SYSCTL_CPUPOOL_OP_ADDCPU, 1, 999), -XEN_EINVAL);
    check_eq("add to none", pool_op(XEN_SYSCTL_CPUPOOL_OP_ADDCPU, 7, 0), -XEN_ENOENT);
    check_eq("remove what it has not", pool_op(XEN_SYSCTL_CPUPOOL_OP_RMCPU, 1, 0),
             -XEN_EADDRNOTAVAIL);
    check_eq("remove any", pool_op(XEN_SYSCTL_CPUPOOL_OP_RMCPU, 1, UINT32_MAX), -XEN_EINVAL);
    check_eq("remove CPU 999", pool_op(XEN_SYSCTL_CPUPOOL_OP_RMCPU, 0, 999), -XEN_EINVAL);
    check_eq("remove from none", pool_op(XEN_SYSCTL_CPUPOOL_OP_RMCPU, 7, 0), -XEN_ENOENT);
    check_eq("move dom0", pool_op(XEN_SYSCTL_CPUPOOL_OP_MOVEDOMAIN, 1, 0), -XEN_EPERM);
    check_eq("cpupool destroy", pool_op(XEN_SYSCTL_CPUPOOL_OP_DESTROY, 1, 0), 0);
    check_eq("destroy Pool-0", pool_op(XEN_SYSCTL_CPUPOOL_OP_DESTROY, 0, 0), -XEN_EBUSY);
    sys.u.cpupool_op.sched_id = 99;
    sys.u.cpupool_op.op = XEN_SYSCTL_CPUPOOL_OP_CREATE;
    sys.u.cpupool_op.cpupool_id = UINT32_MAX;
    check_eq("no such scheduler", call_sysctl(XEN_SYSCTL_cpupool_op), -XEN_ENOENT);
}

static void test_lists(void)
{
    struct xen_domctl_getdomaininfo info[2];
    struct xen_sysctl_cpuinfo cpu[2];
    memset(info, 0xa5, sizeof(info));
    clear();
    sys.u.getdomaininfolist =
        (struct xen_sysctl_getdomaininfolist){.max_domains = 2, .buffer = hypercall_pointer(info)};
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
        {XEN_SYSCTL_perfc_op, -XEN_ENOSYS},       {XEN_SYSCTL_lockprof_op, -XEN_ENOSYS},
        {XEN_SYSCTL_psr_cmt_op, -XEN_ENOSYS},     {XEN_SYSCTL_get_cpu_levelling_caps, -XEN_ENOSYS},
        {XEN_SYSCTL_get_cpu_policy, -XEN_ENOSYS}, {XEN_SYSCTL_coverage_op, -XEN_EOPNOTSUPP},
    };
    for (unsigned int i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        clear();
        print("# sysctl %u\n", calls[i].cmd);
        check_eq("absent", call_sysctl(calls[i].cmd), calls[i].want);
    }
}

void guest_main(void)
{
    test_versions();
    test_physinfo();
    test_topology();
    test_pools();
    test_new_pool();
    test_lists();
    test_console();
    test_sysctl_absent();
}
