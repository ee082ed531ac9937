/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long operations of the tools keep interrupts waiting, with many domains, and with what a
 * domain leaves behind.
 */
#include <guest/domain.h>
#include <guest/event.h>
#include <guest/hypercall.h>
#include <guest/memory.h>
#include <guest/port.h>
#include <guest/print.h>
#include <guest/stretch.h>
#include <guest/test.h>
#include <public/memory.h>
#include <public/platform.h>
#include <public/sysctl.h>

enum {
    DOMAINS = 120,
    CHUNK = 512,
    TABLES = 200
};

#ifdef __aarch64__
enum {
    VCPUS = 8
};
#else
enum {
    VCPUS = 64
};
#endif

static domid_t made;
static unsigned int vcpus;
static struct xen_domctl_getdomaininfo infos[2 * DOMAINS];
static char text[1 << 20];
static uint64_t frames[CHUNK];

static int64_t create(void)
{
    memset(&domain_call, 0, sizeof(domain_call));
    struct xen_domctl_createdomain *config = &domain_call.u.createdomain;
    config->flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap;
    config->max_vcpus = vcpus;
    config->max_evtchn_port = 1023;
    config->max_grant_frames = 64;
    config->max_maptrack_frames = 1024;
    config->grant_opts = 1;
    int64_t rc = domain_op(XEN_DOMCTL_createdomain, 0);
    made = domain_call.domain;
    return rc;
}

static int64_t make_vcpus(void)
{
    domain_call.u.max_vcpus.max = vcpus;
    return domain_op(XEN_DOMCTL_max_vcpus, made);
}

static int64_t destroy(void)
{
    return domain_op(XEN_DOMCTL_destroydomain, made);
}

static void create_large(void)
{
    vcpus = VCPUS;
    if (create() != 0) {
        give_up("createdomain");
    }
}

static int64_t reservation(uint64_t cmd, uint64_t first, uint64_t count, unsigned int order)
{
    struct xen_memory_reservation arg = {.extent_start = hypercall_pointer(frames),
                                         .nr_extents = count,
                                         .extent_order = order,
                                         .domid = made};
    for (uint64_t i = 0; i < count; i++) {
        frames[i] = first + i;
    }
    return memory_op(cmd, &arg);
}

/* Tables without pages, tables full of single pages, all events and vCPUs. */
static void create_full(void)
{
    create_large();
    make_vcpus();
    domain_call.u.max_mem.max_memkb = 64 << 10;
    domain_op(XEN_DOMCTL_max_mem, made);
    domain_call.u.paging_mempool.size = 4 << 20;
    domain_op(XEN_DOMCTL_set_paging_mempool_size, made);
    for (uint64_t i = 1; i <= TABLES; i++) {
        reservation(XENMEM_populate_physmap, i * CHUNK * CHUNK, 1, 0);
        reservation(XENMEM_decrease_reservation, i * CHUNK * CHUNK, 1, 0);
    }
    for (uint64_t i = 0; i < 8; i++) {
        reservation(XENMEM_populate_physmap, (TABLES * CHUNK + i) * CHUNK, CHUNK, 0);
    }
    while (event_alloc_unbound(made, 0) > 0) {
    }
}

static struct xen_sysctl sys;

static int64_t call_sysctl(uint32_t cmd)
{
    sys.cmd = cmd;
    sys.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    return sysctl(&sys);
}

static int64_t list_domains(void)
{
    sys.u.getdomaininfolist = (struct xen_sysctl_getdomaininfolist){
        .max_domains = 2 * DOMAINS, .buffer = hypercall_pointer(infos)};
    int64_t rc = call_sysctl(XEN_SYSCTL_getdomaininfolist);
    return rc != 0 ? rc : sys.u.getdomaininfolist.num_domains;
}

static void check_list(unsigned int count)
{
    domid_t last = 0;
    bool rising = infos[0].domain == 0;
    for (unsigned int i = 1; i < count; i++) {
        rising = rising && infos[i].domain > last;
        last = infos[i].domain;
    }
    check("every domain is in the list once", rising);
}

static int64_t read_console(void)
{
    sys.u.readconsole =
        (struct xen_sysctl_readconsole){.count = sizeof(text), .buffer = hypercall_pointer(text)};
    int64_t rc = call_sysctl(XEN_SYSCTL_readconsole);
    return rc != 0 || sys.u.readconsole.count > 16000 ? rc : -1;
}

static int64_t write_console(void)
{
    return console_io(CONSOLEIO_write, 2000, text);
}

static int64_t set_time(void)
{
    struct xen_platform_op op = {.cmd = XENPF_settime64,
                                 .interface_version = XENPF_INTERFACE_VERSION,
                                 .u.settime64 = {.secs = 1}};
    return platform_op(&op);
}

static int64_t affinity(void)
{
    domain_call.u.nodeaffinity.nodemap = (struct xenctl_bitmap){hypercall_pointer(text), 1 << 16};
    return domain_op(XEN_DOMCTL_getnodeaffinity, 0);
}

static int64_t flush(void)
{
    domain_call.u.cacheflush = (struct xen_domctl_cacheflush){0, 1 << 17};
    return domain_op(XEN_DOMCTL_cacheflush, 0);
}

static void measure(const char *name, void (*prepare)(void), int64_t (*call)(void), int64_t want)
{
    struct stretch s = {
        .name = name, .prepare = prepare, .call = call, .want = want, .limit = STRETCH_TOOL};
    stretch_measure(&s);
}

static void test_many(void)
{
    unsigned int count = DOMAINS + (unsigned int)list_domains();
    vcpus = 1;
    for (unsigned int i = 0; i < DOMAINS; i++) {
        if (create() != 0 || make_vcpus() != 0) {
            give_up("createdomain");
        }
    }
    measure("getdomaininfolist of 120 domains", NULL, list_domains, count);
    check_list(count);
    measure("settime with 120 domains", NULL, set_time, 0);
}

/* With the hypervisor's own words. */
static void fill_console(void)
{
    static const char key = 'h';
    for (unsigned int i = 0; i < 60; i++) {
        sys.u.debug_keys =
            (struct xen_sysctl_debug_keys){.keys = hypercall_pointer(&key), .nr_keys = 1};
        call_sysctl(XEN_SYSCTL_debug_keys);
    }
    memset(text, '#', 2000);
    for (unsigned int i = 99; i < 2000; i += 100) {
        text[i] = '\n';
    }
}

void guest_main(void)
{
    if (on_xen()) {
        check("no limits there", true);
        return;
    }
    stretch_begin();
    struct stretch creation = {
        .name = "createdomain", .prepare = NULL, .call = create, .limit = STRETCH_TOOL};
    vcpus = VCPUS;
    stretch_measure_whole(&creation);
    measure("max_vcpus", create_large, make_vcpus, 0);
    measure("destroydomain", create_full, destroy, 0);
    measure("getnodeaffinity of 8 KiB", NULL, affinity, 0);
    measure("cacheflush of 512 MiB", NULL, flush, 0);
    test_many();
    fill_console();
    measure("console_io of 2000 bytes", NULL, write_console, 0);
    measure("readconsole", NULL, read_console, 0);
}
