/* SPDX-License-Identifier: Apache-2.0 */
/*
 * T2: dom0 may do everything, but not with a bad pointer: an error, and nothing is changed. First
 * every operation with its structure out of reach, then those whose structure points at more.
 */
#include <guest/event.h>
#include <public/memory.h>
#include <public/platform.h>
#include <public/sched.h>
#include <public/sysctl.h>
#include <public/vcpu.h>
#include <torture/hostile.h>

enum {
    SUBS = 256,
    SKIPPED = 1000,
    PORTS = 32,
    INNER = 100 /* in the lines: what would be the number of a hypercall */
};

static int16_t table[SHAPES][SUBS];
static struct clone target;
static uint64_t calls;
static uint64_t free_pages;

static uint64_t mix(uint64_t hash, uint64_t value)
{
    return (hash ^ value) * 0x100000001b3UL;
}

/* What the tools and a guest can see of the state, but for times. */
static uint64_t state(void)
{
    uint64_t hash = hostile_free(free_pages);
    for (domid_t domain = 0; domain <= target.domain; domain++) {
        memset(&domain_call, 0, sizeof(domain_call));
        int64_t rc = domain_op(XEN_DOMCTL_getdomaininfo, domain);
        domain_call.u.getdomaininfo.cpu_time = 0;
        /* Running or blocked: as it happens. */
        domain_call.u.getdomaininfo.flags &= ~(XEN_DOMINF_running | XEN_DOMINF_blocked);
        const uint64_t *words = (const void *)&domain_call.u.getdomaininfo;
        hash = mix(hash, (uint64_t)rc);
        for (unsigned int i = 0; rc == 0 && i < sizeof(domain_call.u.getdomaininfo) / 8; i++) {
            hash = mix(hash, words[i]);
        }
    }
    for (evtchn_port_t port = 1; port < PORTS; port++) {
        hash = mix(hash, (uint64_t)event_status(port, NULL));
    }
    return hash;
}

/* Operations without a structure do what they are told whatever the pointer is. */
static bool without_structure(unsigned int nr, unsigned int sub)
{
    switch (nr) {
    case __HYPERVISOR_vcpu_op:
        return sub == VCPUOP_up || sub == VCPUOP_stop_periodic_timer ||
               sub == VCPUOP_stop_singleshot_timer;
    case __HYPERVISOR_vm_assist:
    case __HYPERVISOR_arch_7: return true; /* the second: debug builds, for us */
    default: return false;
    }
}

static void outer(unsigned int nr, void *page)
{
    uint64_t arg[5];
    for (unsigned int i = 0; i < SUBS * SHAPES; i++) {
        unsigned int shape = i % SHAPES;
        bool may = shape >= FIRST_BAD_SHAPE && !without_structure(nr, i / SHAPES) &&
                   shape_call(nr, i / SHAPES, shape, page, arg);
        int64_t rc = SKIPPED;
        if (may) {
            rc = port_hypercall(nr, arg[0], arg[1], arg[2], arg[3], arg[4]);
            rc = rc > 0 ? 1 : rc;
            calls++;
        }
        table[shape][i / SHAPES] = (int16_t)rc;
    }
    table_print("T2", nr, table, FIRST_BAD_SHAPE);
}

/* Structures in order but for what they point at, which is `bad`. */
static struct xen_domctl control_call;
static struct xen_sysctl system_call;

static int64_t bad_domctl(uint32_t cmd, domid_t domain)
{
    control_call.cmd = cmd;
    control_call.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    control_call.domain = domain;
    return domctl(&control_call);
}

static int64_t bad_sysctl(uint32_t cmd)
{
    system_call.cmd = cmd;
    system_call.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    return sysctl(&system_call);
}

static int64_t get_context(uint64_t bad)
{
    control_call.u.vcpucontext = (struct xen_domctl_vcpucontext){0, bad};
    return bad_domctl(XEN_DOMCTL_getvcpucontext, target.domain);
}

static int64_t set_context(uint64_t bad)
{
    control_call.u.vcpucontext = (struct xen_domctl_vcpucontext){1, bad};
    return bad_domctl(XEN_DOMCTL_setvcpucontext, target.domain);
}

static int64_t set_affinity(uint64_t bad)
{
    memset(&control_call, 0, sizeof(control_call));
    control_call.u.vcpuaffinity.flags = XEN_VCPUAFFINITY_HARD;
    control_call.u.vcpuaffinity.cpumap_hard = (struct xenctl_bitmap){bad, 64};
    return bad_domctl(XEN_DOMCTL_setvcpuaffinity, target.domain);
}

static int64_t get_node_affinity(uint64_t bad)
{
    control_call.u.nodeaffinity.nodemap = (struct xenctl_bitmap){bad, 64};
    return bad_domctl(XEN_DOMCTL_getnodeaffinity, target.domain);
}

static int64_t list_domains(uint64_t bad)
{
    system_call.u.getdomaininfolist =
        (struct xen_sysctl_getdomaininfolist){.max_domains = 8, .buffer = bad};
    return bad_sysctl(XEN_SYSCTL_getdomaininfolist);
}

static int64_t debug_keys(uint64_t bad)
{
    system_call.u.debug_keys = (struct xen_sysctl_debug_keys){.keys = bad, .nr_keys = 4};
    return bad_sysctl(XEN_SYSCTL_debug_keys);
}

static int64_t populate(uint64_t bad)
{
    struct xen_memory_reservation arg = {
        .extent_start = bad, .nr_extents = 1, .domid = target.domain};
    return memory_op(XENMEM_populate_physmap, &arg);
}

static int64_t decrease(uint64_t bad)
{
    struct xen_memory_reservation arg = {
        .extent_start = bad, .nr_extents = 1, .domid = target.domain};
    return memory_op(XENMEM_decrease_reservation, &arg);
}

static int64_t foreign(uint64_t bad)
{
    uint64_t frame = 0x300000;
    int32_t error = 0;
    struct xen_add_to_physmap_batch arg = {.domid = DOMID_SELF,
                                           .space = XENMAPSPACE_gmfn_foreign,
                                           .size = 1,
                                           .u.foreign_domid = target.domain,
                                           .idxs = bad,
                                           .gpfns = hypercall_pointer(&frame),
                                           .errs = hypercall_pointer(&error)};
    return memory_op(XENMEM_add_to_physmap_batch, &arg);
}

static int64_t write_console(uint64_t bad)
{
    return port_hypercall(__HYPERVISOR_console_io, CONSOLEIO_write, 16, bad, 0, 0);
}

static int64_t poll(uint64_t bad)
{
    struct sched_poll arg = {bad, 1, 1};
    return sched_op(SCHEDOP_poll, &arg);
}

static const struct inner {
    const char *name;
    int64_t (*call)(uint64_t bad);
    int64_t none; /* the result that says that nothing was done, besides -XEN_EFAULT */
} inners[] = {
    {"getvcpucontext", get_context, -XEN_EFAULT},
    {"setvcpucontext", set_context, -XEN_EFAULT},
    {"setvcpuaffinity", set_affinity, -XEN_EFAULT},
    {"getnodeaffinity", get_node_affinity, -XEN_EFAULT},
    {"getdomaininfolist", list_domains, -XEN_EFAULT},
    {"debug_keys", debug_keys, -XEN_EFAULT},
    {"populate_physmap", populate, 0},
    {"decrease_reservation", decrease, 0},
    {"add_to_physmap_batch", foreign, -XEN_EFAULT},
    {"console write", write_console, -XEN_EFAULT},
    {"poll", poll, -XEN_EFAULT},
};

static void inner(void *page)
{
    uint64_t arg[5];
    for (unsigned int i = 0; i < sizeof(inners) / sizeof(inners[0]); i++) {
        for (unsigned int shape = FIRST_BAD_SHAPE; shape < SHAPES; shape++) {
            uint64_t before = state();
            (void)shape_call(__HYPERVISOR_event_channel_op, 0, shape, page, arg);
            int64_t rc = inners[i].call(arg[1]);
            bool refused = rc == -XEN_EFAULT || rc == inners[i].none;
            calls++;
            print("RC T2 %u %s 0 0 %ld\n", INNER + i, hostile_shape_names[shape], rc);
            /* A null pointer asks some for the size alone. */
            if (!refused && shape != FIRST_BAD_SHAPE) {
                check_eq(inners[i].name, rc, -XEN_EFAULT);
            }
            if (state() != before) {
                check(inners[i].name, false);
            }
        }
    }
}

void pointers_dom0(void)
{
    struct control order = {.vcpus = 1};
    void *page = page_alloc();
    clone_make(&target, 0, &order);
    shape_begin();
    free_pages = hostile_free(0);
    calls = 0;
    for (unsigned int nr = 0; nr < CALLS; nr++) {
        uint64_t before = state();
        outer(nr, page);
        if (state() != before) {
            print("# hypercall %u\n", nr);
            check("T2: a call with a bad pointer changed nothing", false);
        }
    }
    inner(page);
    check("T2: bad pointers", calls > 1000);
    print("CALLS T2 %lu\n", calls);
    clone_destroy(&target);
}
