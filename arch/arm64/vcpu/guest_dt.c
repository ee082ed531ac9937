/* SPDX-License-Identifier: Apache-2.0 */
/* The device-tree nodes that the port writes for dom0 in place of the host's: PSCI, timer,
 * interrupt controller. */
#include <arch/domain.h>
#include <arch/irq.h>
#include <asm/gicv2.h>
#include <asm/platform.h>
#include <asm/psci.h>
#include <asm/vgic_state.h>
#include <public/arch.h>
#include <xen/dt.h>
#include <xen/errno.h>
#include <xen/fdt_build.h>
#include <xen/hyp_map.h>
#include <xen/irq.h>
#include <xen/lib.h>
#include <xen/memmap.h>
#include <xen/printk.h>
#include <xen/string.h>

#define IRQ_TYPE_PRIVATE 1u /* first cell of a specifier */
#define IRQ_LEVEL_LOW    8u
#define GUEST_GICD_PAGES 1u
#define GUEST_GICC_PAGES 2u

static const char *const ours[] = {
    "arm,armv8-timer",    "arm,armv7-timer",    "arm,armv7-timer-mem", "arm,psci",
    "arm,psci-0.2",       "arm,psci-1.0",       "arm,armv8-pmuv3",     "arm,cortex-a53-pmu",
    "arm,cortex-a57-pmu", "arm,cortex-a72-pmu", "linaro,optee-tz",     NULL,
};

bool arch_dt_skip(const struct dt_node *node)
{
    return dt_compatible_any(&dt_host, node, ours) || platform_owns(node);
}

bool arch_dt_is_intc(const struct dt_node *node)
{
    return node == gic.node;
}

void arch_dt_write_cpus(struct fdt_builder *out __unused)
{
}

void arch_dt_write_cpu(const struct domain *d __unused, unsigned int id __unused,
                       const struct dt_node *host __unused, struct fdt_builder *out)
{
    fdt_build_string(out, "enable-method", "psci");
}

static void guest_dt_write_psci(struct fdt_builder *out)
{
    static const char *const compatible[] = {"arm,psci-1.0", "arm,psci-0.2", "arm,psci"};

    fdt_build_begin(out, "psci");
    fdt_build_strings(out, "compatible", compatible, ARRAY_SIZE(compatible));
    fdt_build_string(out, "method", "hvc");
    fdt_build_u32(out, "cpu_on", PSCI_0_1_CPU_ON);
    fdt_build_u32(out, "cpu_off", PSCI_0_1_CPU_OFF);
    fdt_build_end(out);
}

/* Private interrupt `irq` for all of the guest's CPUs, which the binding has in a mask. */
static void guest_dt_add_private(const struct domain *d, struct fdt_builder *out, uint32_t irq)
{
    fdt_build_add(out, IRQ_TYPE_PRIVATE, 1);
    fdt_build_add(out, irq - GIC_NR_SGIS, 1);
    fdt_build_add(out, ((1u << d->max_vcpus) - 1u) << 8 | IRQ_LEVEL_LOW, 1);
}

/* Linux takes the third, virtual, one where it does not run at EL2; no hypervisor timer is
 * offered. */
static void guest_dt_write_timer(const struct domain *d, struct fdt_builder *out)
{
    const struct vgic *g = d->arch.vgic.state;

    fdt_build_begin(out, "timer");
    fdt_build_string(out, "compatible", "arm,armv8-timer");
    if (gic.node->phandle != 0) {
        fdt_build_u32(out, "interrupt-parent", gic.node->phandle);
    }
    fdt_build_open(out, "interrupts");
    guest_dt_add_private(d, out, GUEST_TIMER_PHYS_S_PPI);
    guest_dt_add_private(d, out, g->phys_timer);
    guest_dt_add_private(d, out, g->virt_timer);
    fdt_build_close(out);
    fdt_build_end(out);
}

void arch_dt_write(struct domain *d, struct fdt_builder *out)
{
    guest_dt_write_psci(out);
    guest_dt_write_timer(d, out);
}

/* Give d the frame of a GICv2m: its page, and the SPIs that messages written there raise. */
static void guest_dt_v2m_assign(struct domain *d, const struct dt_node *node,
                                const struct dt_range *frame)
{
    struct p2m_leaf leaf = {
        .mfn = {frame->start >> PAGE_SHIFT}, .kind = P2M_MMIO, .flags = P2M_WRITE};
    uint32_t base = 0, count = 0, i;
    const uint8_t *regs;
    int rc = p2m_map(d, gfn(frame->start >> PAGE_SHIFT), 1, leaf);

    if (!dt_u32(&dt_host, node, "arm,msi-base-spi", &base) ||
        !dt_u32(&dt_host, node, "arm,msi-num-spis", &count)) {
        regs = hyp_map_device(frame->start, PAGE_SIZE);
        if (regs != NULL) {
            uint32_t typer = gic_load(regs, 0x008); /* MSI_TYPER [SBSA, GICv2m] */

            base = typer >> 16 & 0x3ffu;
            count = typer & 0x3ffu;
        }
    }
    for (i = base; rc == 0 && i < min_u32(base + count, gic.nr_irqs); i++) {
        irq_describe(i, true);
        rc = irq_assign(d, i, i);
    }
    if (rc != 0) {
        printk(XENLOG_WARNING "GICv2m frame at %#lx: not usable in d%u (%d)\n", frame->start,
               (unsigned int)d->id, rc);
    }
}

static void guest_dt_write_v2m(struct domain *d, const struct dt_node *node,
                               struct fdt_builder *out)
{
    struct dt_range frame;

    if (!dt_compatible(&dt_host, node, "arm,gic-v2m-frame") ||
        dt_reg(&dt_host, node, 0, &frame) != 0 || (frame.start & ~PAGE_MASK) != 0 ||
        memmap_has_ram(frame.start, frame.start + PAGE_SIZE)) {
        return;
    }
    guest_dt_v2m_assign(d, node, &frame);
    fdt_build_begin(out, dt_name(&dt_host, node));
    fdt_build_copy(out, &dt_host, node);
    fdt_build_end(out);
}

/* All of the host node but its registers and its maintenance interrupt. */
void arch_dt_write_intc(struct domain *d, const struct dt_node *node, struct fdt_builder *out)
{
    static const char *const keep[] = {
        "compatible", "#interrupt-cells", "#address-cells", "#size-cells",
        "ranges",     "phandle",          "linux,phandle",  NULL};
    const struct dt_node *parent = dt_parent(&dt_host, node), *child;
    uint32_t address = dt_address_cells(&dt_host, parent), size = dt_size_cells(&dt_host, parent);
    struct dt_range dist, cpu;

    if (dt_reg_raw(&dt_host, node, 0, &dist) != 0 || dt_reg_raw(&dt_host, node, 1, &cpu) != 0) {
        return; /* gicv2.c has read them already */
    }
    fdt_build_begin(out, dt_name(&dt_host, node));
    (void)fdt_build_keep(out, &dt_host, node, keep);
    fdt_build_empty(out, "interrupt-controller");
    fdt_build_open(out, "reg");
    fdt_build_add(out, dist.start, address);
    fdt_build_add(out, GUEST_GICD_PAGES * PAGE_SIZE, size);
    fdt_build_add(out, cpu.start, address);
    fdt_build_add(out, GUEST_GICC_PAGES * PAGE_SIZE, size);
    fdt_build_close(out);
    dt_for_each_child(&dt_host, node, child) {
        guest_dt_write_v2m(d, child, out);
    }
    fdt_build_end(out);
}

uint64_t arch_event_callback(const struct domain *d)
{
    return (uint64_t)HVM_PARAM_CALLBACK_TYPE_PPI << 56 |
           HVM_PARAM_CALLBACK_TYPE_PPI_FLAG_LOW_LEVEL << 8 | arch_virq_event(d);
}

void arch_dt_event_irq(const struct domain *d, struct fdt_builder *out)
{
    if (gic.node->phandle != 0) {
        fdt_build_u32(out, "interrupt-parent", gic.node->phandle);
    }
    fdt_build_open(out, "interrupts");
    guest_dt_add_private(d, out, arch_virq_event(d));
    fdt_build_close(out);
}
