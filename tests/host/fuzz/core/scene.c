/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine that random input meets: 28 MiB of RAM, two CPUs, dom0, and an ordinary domain that
 * dom0 made. Built by the core's own writer of device trees and by hypercalls.
 */
#include "scene.h"

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

uint64_t scene_scratch;

size_t scene_tree(uint64_t ram, uint64_t kernel_size, unsigned int cpus, const char *line)
{
    static struct fdt_builder b;
    static const char *const kernel[] = {"multiboot,kernel", "multiboot,module"};
    size_t size;

    fdt_build_start(&b, host_ram(SCENE_FDT), MIB(1));
    fdt_build_begin(&b, "");
    fdt_build_u32(&b, "#address-cells", 2);
    fdt_build_u32(&b, "#size-cells", 2);
    fdt_build_u32(&b, "interrupt-parent", 1);
    fdt_build_begin(&b, "chosen");
    fdt_build_u32(&b, "#address-cells", 2);
    fdt_build_u32(&b, "#size-cells", 2);
    fdt_build_string(&b, "xen,xen-bootargs", line);
    fdt_build_begin(&b, "kernel");
    fdt_build_strings(&b, "compatible", kernel, 2);
    fdt_build_open(&b, "reg");
    fdt_build_add(&b, SCENE_KERNEL, 2);
    fdt_build_add(&b, kernel_size, 2);
    fdt_build_close(&b);
    fdt_build_end(&b);
    fdt_build_end(&b);
    fdt_build_begin(&b, "memory");
    fdt_build_string(&b, "device_type", "memory");
    fdt_build_open(&b, "reg");
    fdt_build_add(&b, HOST_RAM_BASE, 2);
    fdt_build_add(&b, ram, 2);
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
    for (uint32_t i = 0; i < cpus; i++) {
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
    return size;
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
    memcpy(host_ram(scene_scratch), op, sizeof(*op));
    must(__HYPERVISOR_domctl, scene_scratch, 0, 0);
    memcpy(op, host_ram(scene_scratch), sizeof(*op));
}

/* An ordinary domain with 16 pages and one vCPU. */
static void make_guest(void)
{
    struct xen_memory_reservation r = {.extent_start = scene_scratch + 1024, .nr_extents = 16};
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
        ((uint64_t *)host_ram(scene_scratch + 1024))[i] = (SCENE_GUEST >> 12) + i;
    }
    memcpy(host_ram(scene_scratch), &r, sizeof(r));
    must(__HYPERVISOR_memory_op, XENMEM_populate_physmap, scene_scratch, 16);
    memcpy(host_ram(scene_scratch + 1024), &context, sizeof(context));
    op.u.vcpucontext = (struct xen_domctl_vcpucontext){.vcpu = 0, .ctxt = scene_scratch + 1024};
    domctl(&op, XEN_DOMCTL_setvcpucontext);
    domctl(&op, XEN_DOMCTL_unpausedomain);
}

void scene_boot_dom0(uint64_t ram, unsigned int cpus, const char *line)
{
    static const uint64_t kernel[2] = {0x0054534f484e4558, MIB(2)}; /* "XENHOST" */
    uint64_t argument;

    host_machine(ram);
    scene_tree(ram, 4096, cpus, line);
    memcpy(host_ram(SCENE_KERNEL), kernel, sizeof(kernel));
    if (host_boot(SCENE_FDT) != HOST_GUEST) {
        __builtin_trap();
    }
    scene_scratch = round_down(host_entry(0, 0, &argument), MIB(2)) + MIB(8);
}

void scene_boot(void)
{
    scene_boot_dom0(SCENE_RAM, 2, SCENE_LINE);
    make_guest();
}
