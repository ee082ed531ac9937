/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dom0's device tree: the host's without what is ours, with new memory, chosen, hypervisor nodes
 * and what the port writes (CPUs, interrupt controller, timer, firmware).
 */
#include <arch/domain.h>
#include <xen/domain.h>
#include <xen/dt.h>
#include <xen/errno.h>
#include <xen/fdt_build.h>
#include <xen/page_alloc.h>
#include <xen/printk.h>
#include <xen/string.h>

#include "construct.h"

#define BUILDER_ORDER 4u

static struct fdt_builder *builder;
BUILD_BUG_ON(sizeof(*builder) > PAGE_SIZE << BUILDER_ORDER);

/* A range in the root's cells. A size that its cells cannot hold is written in parts. */
static void guest_dt_add_range(paddr_t start, paddr_t end)
{
    uint32_t address = dt_address_cells(&dt_host, dt_root(&dt_host)),
             size = dt_size_cells(&dt_host, dt_root(&dt_host));
    uint64_t most = size > 1 ? UINT64_MAX : 0x80000000u;

    while (start < end) {
        uint64_t part = end - start < most ? end - start : most;

        fdt_build_add(builder, start, address);
        fdt_build_add(builder, part, size);
        start += part;
    }
}

static void guest_dt_write_memory(const struct build *b)
{
    fdt_build_begin_at(builder, "memory", b->bank[0].start);
    fdt_build_string(builder, "device_type", "memory");
    fdt_build_open(builder, "reg");
    for (unsigned int i = 0; i < b->nr_banks; i++) {
        guest_dt_add_range(b->bank[i].start, b->bank[i].end);
    }
    fdt_build_close(builder);
    fdt_build_end(builder);
}

/* Begins a copy of a node. false: it stays away, with what is below it. */
static bool guest_dt_copy_node(const struct dt_node *n)
{
    const char *name = dt_name(&dt_host, n);
    char path[96];

    if (*name == '\0' || strchr(name, '/') != NULL) {
        printk(XENLOG_WARNING "%s: a name that no node can have: left out of dom0's tree\n",
               dt_full_path(&dt_host, n, path, sizeof(path)));
        return false;
    }
    fdt_build_begin(builder, name);
    fdt_build_copy(builder, &dt_host, n);
    return true;
}

/* Of the nodes in the host's /chosen those that say what is on the screen. */
static void guest_dt_write_framebuffers(const struct dt_node *chosen)
{
    static const char *const cells[] = {"#address-cells", "#size-cells", "ranges", NULL};
    const struct dt_node *n;
    bool first = true;

    dt_for_each_child(&dt_host, chosen, n) {
        if (!dt_is_framebuffer(&dt_host, n)) {
            continue;
        }
        if (first) {
            (void)fdt_build_keep(builder, &dt_host, chosen, cells);
            first = false;
        }
        if (guest_dt_copy_node(n)) {
            fdt_build_end(builder);
        }
    }
}

/* Of the host's /chosen only what does not speak of boot modules, command lines or our UART. */
static void guest_dt_write_chosen(const struct build *b)
{
    static const char *const keep[] = {"rng-seed", "kaslr-seed", "linux,uefi-secure-boot", NULL};

    const struct dt_node *chosen = dt_path(&dt_host, "/chosen");

    fdt_build_begin(builder, "chosen");
    (void)fdt_build_keep(builder, &dt_host, chosen, keep);
    fdt_build_string(builder, "bootargs", b->bootargs);
    if (b->initrd_start != 0) {
        fdt_build_u64(builder, "linux,initrd-start", b->initrd_start);
        fdt_build_u64(builder, "linux,initrd-end", b->initrd_end);
    }
    guest_dt_write_framebuffers(chosen);
    fdt_build_end(builder);
}

/* A node for each vCPU, which says of what kind the host's first CPU is. */
static void guest_dt_write_cpus(const struct domain *d)
{
    static const char *const keep[] = {"compatible", NULL};
    struct dt_cpu host;
    const struct dt_node *node = dt_cpu(&dt_host, 0, &host) == 0 ? host.node : NULL;

    fdt_build_begin(builder, "cpus");
    fdt_build_u32(builder, "#address-cells", 1);
    fdt_build_u32(builder, "#size-cells", 0);
    arch_dt_write_cpus(builder);
    for (unsigned int i = 0; i < d->max_vcpus; i++) {
        uint64_t hwid = arch_vcpu_hwid(d, i);

        fdt_build_begin_at(builder, "cpu", hwid);
        fdt_build_string(builder, "device_type", "cpu");
        fdt_build_u32(builder, "reg", (uint32_t)hwid);
        if (fdt_build_keep(builder, &dt_host, node, keep) == 0) {
            fdt_build_string(builder, "compatible", ARCH_DT_CPU_COMPATIBLE);
        }
        arch_dt_write_cpu(d, i, node, builder);
        fdt_build_end(builder);
    }
    fdt_build_end(builder);
}

/* [Linux Documentation/devicetree/bindings/arm/xen.txt]: grant table first, then free space for
 * foreign mappings. */
static void guest_dt_write_hypervisor(const struct build *b)
{
    static const char *const compatible[] = {"xen,xen-4.20", "xen,xen"};

    fdt_build_begin(builder, "hypervisor");
    fdt_build_strings(builder, "compatible", compatible, 2);
    fdt_build_open(builder, "reg");
    guest_dt_add_range(b->grant.start, b->grant.end);
    for (uint32_t i = 0; i < b->extended->count; i++) {
        guest_dt_add_range(b->extended->ranges[i].start, b->extended->ranges[i].end);
    }
    fdt_build_close(builder);
    arch_dt_event_irq(b->d, builder);
    fdt_build_end(builder);
}

/* Everything below the root that stays, in document order; a node closes when its last descendant
 * has been passed. */
static void guest_dt_copy_nodes(struct build *b)
{
    const struct dt_node *root = dt_root(&dt_host), *open = root;

    /* Any status: dom0 decides what it does with a node that is off. */
    for (const struct dt_node *n = root + 1; n < root + root->end;) {
        for (; n >= root + open->end; open = dt_parent(&dt_host, open)) {
            fdt_build_end(builder);
        }
        if (arch_dt_is_intc(n)) {
            arch_dt_write_intc(b->d, n, builder);
        } else if (!device_hidden(n) && guest_dt_copy_node(n)) {
            open = n++;
            continue;
        }
        n = dt_last(&dt_host, n) + 1;
    }
    for (; open != root; open = dt_parent(&dt_host, open)) {
        fdt_build_end(builder);
    }
}

static void __noreturn guest_dt_give_up(int rc, size_t room)
{
    if (rc == -ENOSPC) {
        panic(
            "dom0's device tree cannot be written: it is larger than %lu KiB, or has more than %u "
            "property names, %u bytes: remove nodes (/__symbols__) from the host's\n",
            room >> 10, FDT_BUILD_HASH - 1u, FDT_BUILD_STRINGS);
    }
    panic("dom0's device tree cannot be written: the root's #address-cells and #size-cells cannot "
          "say where its /memory is (%d)\n",
          rc);
}

size_t guest_dt_write(struct build *b, void *buffer, size_t room)
{
    size_t size = 0;
    int rc;

    builder = page_alloc(BUILDER_ORDER);
    if (builder == NULL) {
        panic("No memory is left to write dom0's device tree: lower dom0_mem=\n");
    }
    fdt_build_start(builder, buffer, room);
    fdt_build_begin(builder, "");
    fdt_build_copy(builder, &dt_host, dt_root(&dt_host));
    guest_dt_write_chosen(b);
    guest_dt_write_memory(b);
    if (arch_event_callback(b->d) != 0) {
        guest_dt_write_hypervisor(b);
    }
    guest_dt_write_cpus(b->d);
    arch_dt_write(b->d, builder);
    guest_dt_copy_nodes(b);
    fdt_build_end(builder);
    rc = fdt_build_finish(builder, &size);
    if (rc != 0) {
        guest_dt_give_up(rc, room);
    }
    page_free(builder, BUILDER_ORDER);
    return size;
}
