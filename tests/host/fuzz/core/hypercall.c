/*
 * Random hypercalls: a machine with two CPUs, dom0 on one and an ordinary domain on the other, and
 * calls by both with arguments made of the input. The machine may be switched off or reset by dom0,
 * nothing else may end it: no panic, no endless work.
 */
#include "../fuzz.h"

#include "host.h"
#include "machine.h"

#include <public/arch.h>
#include <public/domctl.h>
#include <public/memory.h>
#include <public/xen.h>
#include <xen/dt.h>
#include <xen/errno.h>
#include <xen/fdt_build.h>
#include <xen/lib.h>
#include <xen/string.h>

#define RAM       MIB(128)
#define FDT_AT    (HOST_RAM_BASE + MIB(16))
#define KERNEL_AT (HOST_RAM_BASE + MIB(32))
#define GUEST_RAM 0x40000000ul
#define PAYLOAD   256
#define SLICE     500 /* looks at pending work in one go */
#define REPEATS   20  /* of a call, before the guest gives up */

static uint64_t scratch; /* of dom0; the other domain's is at GUEST_RAM */

static void build_tree(void)
{
    static struct fdt_builder b;
    static const char *const kernel[] = {"multiboot,kernel", "multiboot,module"};
    size_t size;

    fdt_build_start(&b, host_ram(FDT_AT), MIB(1));
    fdt_build_begin(&b, "");
    fdt_build_u32(&b, "#address-cells", 2);
    fdt_build_u32(&b, "#size-cells", 2);
    fdt_build_u32(&b, "interrupt-parent", 1);
    fdt_build_begin(&b, "chosen");
    fdt_build_u32(&b, "#address-cells", 2);
    fdt_build_u32(&b, "#size-cells", 2);
    fdt_build_string(&b, "xen,xen-bootargs", "dom0_mem=32M loglvl=error guest_loglvl=none");
    fdt_build_begin(&b, "kernel");
    fdt_build_strings(&b, "compatible", kernel, 2);
    fdt_build_open(&b, "reg");
    fdt_build_add(&b, KERNEL_AT, 2);
    fdt_build_add(&b, 4096, 2);
    fdt_build_close(&b);
    fdt_build_end(&b);
    fdt_build_end(&b);
    fdt_build_begin(&b, "memory");
    fdt_build_string(&b, "device_type", "memory");
    fdt_build_open(&b, "reg");
    fdt_build_add(&b, HOST_RAM_BASE, 2);
    fdt_build_add(&b, RAM, 2);
    fdt_build_close(&b);
    fdt_build_end(&b);
    fdt_build_begin(&b, "intc");
    fdt_build_u32(&b, "phandle", 1);
    fdt_build_u32(&b, "#interrupt-cells", 1);
    fdt_build_empty(&b, "interrupt-controller");
    fdt_build_end(&b);
    fdt_build_begin(&b, "cpus");
    fdt_build_u32(&b, "#address-cells", 1);
    fdt_build_u32(&b, "#size-cells", 0);
    for (uint32_t i = 0; i < 2; i++) {
        fdt_build_begin_at(&b, "cpu", i);
        fdt_build_string(&b, "device_type", "cpu");
        fdt_build_u32(&b, "reg", i);
        fdt_build_end(&b);
    }
    fdt_build_end(&b);
    fdt_build_end(&b);
    if (fdt_build_finish(&b, &size) != 0) {
        __builtin_trap();
    }
}

/* A call that dom0 makes while the scene is set: it must succeed. */
static void must(uint64_t nr, uint64_t a0, uint64_t a1, int64_t wanted)
{
    uint64_t arg[5] = {a0, a1};
    int64_t result = -1;

    for (int i = 0; i < 100 && host_running(0) != 0; i++) {
        host_advance(1000000);
    }
    if (host_hypercall(0, nr, arg, &result) > HOST_IDLE || result != wanted) {
        __builtin_trap();
    }
}

static void domctl(struct xen_domctl *op, uint32_t cmd)
{
    op->cmd = cmd;
    op->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    memcpy(host_ram(scratch), op, sizeof(*op));
    must(__HYPERVISOR_domctl, scratch, 0, 0);
    memcpy(op, host_ram(scratch), sizeof(*op));
}

/* An ordinary domain with 16 pages and one vCPU. */
static void make_guest(void)
{
    struct xen_memory_reservation r = {.extent_start = scratch + 1024, .nr_extents = 16};
    struct vcpu_guest_context context = {.flags = 1};
    struct xen_domctl op = {0};

    op.u.createdomain = (struct xen_domctl_createdomain){
        .flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap,
        .max_vcpus = 2,
        .max_evtchn_port = 1023,
        .max_grant_frames = 4,
        .max_maptrack_frames = 4,
        .grant_opts = 1,
    };
    domctl(&op, XEN_DOMCTL_createdomain);
    r.domid = op.domain;
    op.u.max_vcpus.max = 2;
    domctl(&op, XEN_DOMCTL_max_vcpus);
    op.u.max_mem.max_memkb = 256;
    domctl(&op, XEN_DOMCTL_max_mem);
    op.u.paging_mempool.size = MIB(1);
    domctl(&op, XEN_DOMCTL_set_paging_mempool_size);
    for (uint64_t i = 0; i < 16; i++) {
        ((uint64_t *)host_ram(scratch + 1024))[i] = (GUEST_RAM >> 12) + i;
    }
    memcpy(host_ram(scratch), &r, sizeof(r));
    must(__HYPERVISOR_memory_op, XENMEM_populate_physmap, scratch, 16);
    memcpy(host_ram(scratch + 1024), &context, sizeof(context));
    op.u.vcpucontext = (struct xen_domctl_vcpucontext){.vcpu = 0, .ctxt = scratch + 1024};
    domctl(&op, XEN_DOMCTL_setvcpucontext);
    domctl(&op, XEN_DOMCTL_unpausedomain);
}

static void boot(void)
{
    static const uint64_t kernel[2] = {0x0054534f484e4558, MIB(2)}; /* "XENHOST" */
    uint64_t argument;

    host_machine(RAM);
    build_tree();
    memcpy(host_ram(KERNEL_AT), kernel, sizeof(kernel));
    if (host_boot(FDT_AT) != HOST_GUEST) {
        __builtin_trap();
    }
    scratch = round_down(host_entry(0, 0, &argument), MIB(2)) + MIB(8);
    make_guest();
    host_repeats(REPEATS);
    host_clock_step(5400); /* so that panics and reboots do not wait for ever */
}

struct input {
    const uint8_t *at;
    size_t left;
};

static uint64_t take(struct input *in, unsigned int bytes)
{
    uint64_t value = 0;

    for (; bytes != 0 && in->left != 0; bytes--, in->left--) {
        value = value << 8 | *in->at++;
    }
    return value;
}

/* Small numbers, addresses of the payload and beside it, and anything. */
static uint64_t argument(struct input *in, uint64_t payload)
{
    uint64_t how = take(in, 1);

    switch (how & 7) {
    case 0: return how >> 3;
    case 1: return payload;
    case 2: return payload + (how >> 3);
    case 3: return payload + 4096 - (how >> 3);
    case 4: return take(in, 2);
    case 5: return UINT64_MAX - take(in, 1);
    case 6: return take(in, 4);
    default: return take(in, 8);
    }
}

/* Words of the payload that are often right: versions, frames, addresses, domains. */
static void spice(uint8_t *data, uint64_t payload, uint64_t how)
{
    uint32_t version = (how & 1) != 0 ? XEN_DOMCTL_INTERFACE_VERSION : 0x15;
    uint64_t address = payload + 128, frame = payload >> 12;

    if ((how & 2) != 0) {
        memcpy(data + 4, &version, sizeof(version));
    }
    if ((how & 4) != 0) {
        memcpy(data + (how >> 3 & 0x38), &address, sizeof(address));
    }
    if ((how & 8) != 0) {
        memcpy(data + (how >> 1 & 0x38), &frame, sizeof(frame));
    }
}

static void one_call(struct input *in)
{
    unsigned int cpu = (unsigned int)take(in, 1);
    uint64_t nr = take(in, 1), spices = take(in, 1), arg[5];
    uint8_t data[PAYLOAD] = {0};
    uint64_t payload;
    int64_t result;
    int running;

    /* Always in the end: a guest may ask for more than it could ever wait for. */
    host_preempt((cpu >> 4 & 7) != 0 ? cpu >> 4 & 7 : SLICE);
    running = host_running(cpu & 1);
    if ((cpu & 8) != 0 || running < 0) {
        host_raise(32 + (cpu >> 4));
        host_advance(1000000);
        return;
    }
    payload = running >> 16 == 0 ? scratch : GUEST_RAM;
    for (unsigned int i = 0; i < 5; i++) {
        arg[i] = argument(in, payload);
    }
    for (uint64_t n = take(in, 1), i = 0; i < n && i < PAYLOAD && in->left != 0; i++) {
        data[i] = (uint8_t)take(in, 1);
    }
    spice(data, payload, spices);
    (void)host_guest_write((uint16_t)(running >> 16), payload, data, sizeof(data));
    host_hypercall(cpu & 1, nr < 64 ? nr : arg[4], arg, &result);
}

/* Was it dom0's wish, or the core's mistake? */
static void check_end(void)
{
    for (unsigned int cpu = 0; cpu < 2; cpu++) {
        if (host_cpu_state(cpu) == HOST_DEADLOCK) {
            __builtin_trap();
        }
    }
    if (strstr(host_log(), "Panic on CPU") != NULL) {
        __builtin_trap();
    }
}

void fuzz_hypercall(const uint8_t *data, size_t size)
{
    struct input in = {data, size};

    boot();
    host_log_clear();
    while (in.left != 0 && host_cpu_state(0) <= HOST_IDLE && host_cpu_state(1) <= HOST_IDLE) {
        one_call(&in);
    }
    host_advance(1000000);
    check_end();
}
