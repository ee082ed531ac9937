/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is the port's own in dom0's device tree: in its CPUs' nodes, which are vCPUs with hart ids
 * 0, 1, ..., and the event interrupt. What belongs to machine mode or to the hypervisor is left
 * out. Interrupt controllers are written by irq/, which is told the phandle of
 * vCPU 0's own controller: those of the others follow.
 */
#include <arch/domain.h>
#include <arch/irq.h>
#include <arch/time.h>
#include <asm/guest_dt.h>
#include <asm/irqchip.h>
#include <asm/isa.h>
#include <asm/virq.h>
#include <xen/domain.h>
#include <xen/dt.h>
#include <xen/fdt_build.h>
#include <xen/lib.h>
#include <xen/printk.h>
#include <xen/string.h>

/* Timers, software interrupts and counters of machine mode, power and reset (which SBI gives to
 * dom0, and a write there would end the machine), and interrupt controllers: those that dom0 has
 * are written by irq/. */
static const char *const ours[] = {
    "riscv,clint0",
    "sifive,clint0",
    "sifive,clint2",
    "thead,c900-clint",
    "riscv,aclint-mtimer",
    "riscv,aclint-mswi",
    "riscv,aclint-sswi",
    "thead,c900-aclint-mtimer",
    "thead,c900-aclint-mswi",
    "thead,c900-aclint-sswi",
    "riscv,pmu",
    "riscv,plic0",
    "sifive,plic-1.0.0",
    "thead,c900-plic",
    "riscv,aplic",
    "riscv,imsics",
    "sifive,test0",
    "sifive,test1",
    "syscon-poweroff",
    "syscon-reboot",
    "riscv,iommu",
    NULL,
};

/* Memory that the firmware runs in, as OpenSBI names it; the hart's PMP denies it to all of us. */
static bool guest_dt_firmware_memory(const struct dt_node *node)
{
    const struct dt_node *parent = dt_parent(&dt_host, node);
    const char *name = dt_name(&dt_host, node);

    return parent != NULL && parent == dt_path(&dt_host, "/reserved-memory") &&
           (strncmp(name, "mmode_resv", 10) == 0 || strncmp(name, "mmode_pmp", 9) == 0);
}

bool arch_dt_skip(const struct dt_node *node)
{
    return dt_compatible_any(&dt_host, node, ours) || guest_dt_firmware_memory(node);
}

/* The phandle of vCPU 0's "riscv,cpu-intc" node; vCPU n's is n more. Above all of the host's. */
static uint32_t guest_dt_cpu_intc(const struct domain *d)
{
    const struct dt_node *n;
    uint32_t last = 0;

    /* Any status: dom0's tree has nodes that are off, too. */
    dt_for_each_node_any(&dt_host, n) {
        last = max_u32(last, n->phandle);
    }
    if (last >= UINT32_MAX - d->max_vcpus) {
        panic("The device tree has the phandle %#x: none is left for dom0's CPUs\n", last);
    }
    return last + 1u;
}

static void guest_dt_write_intc(uint32_t phandle, struct fdt_builder *out)
{
    fdt_build_begin(out, "interrupt-controller");
    fdt_build_string(out, "compatible", "riscv,cpu-intc");
    fdt_build_empty(out, "interrupt-controller");
    fdt_build_u32(out, "#interrupt-cells", 1);
    fdt_build_u32(out, "phandle", phandle);
    fdt_build_end(out);
}

static void guest_dt_write_block_sizes(const struct dt_node *host, struct fdt_builder *out)
{
    uint32_t size;

    if (guest_isa_has("zicbom")) {
        fdt_build_u32(out, "riscv,cbom-block-size", isa_cbom_size);
    }
    if (guest_isa_has("zicboz")) {
        fdt_build_u32(out, "riscv,cboz-block-size", isa_cboz_size);
    }
    if (guest_isa_has("zicbop") && dt_u32(&dt_host, host, "riscv,cbop-block-size", &size)) {
        fdt_build_u32(out, "riscv,cbop-block-size", size);
    }
}

void arch_dt_write_cpus(struct fdt_builder *out)
{
    fdt_build_u32(out, "timebase-frequency", (uint32_t)arch_counter_hz());
}

void arch_dt_write_cpu(const struct domain *d, unsigned int id, const struct dt_node *host,
                       struct fdt_builder *out)
{
    static const char *const keep[] = {"mmu-type", NULL}; /* vsatp has the modes that satp has */

    fdt_build_string(out, "status", "okay");
    guest_isa_write(out, virqchip->files);
    (void)fdt_build_keep(out, &dt_host, host, keep);
    if (host != NULL) {
        guest_dt_write_block_sizes(host, out);
    }
    guest_dt_write_intc(guest_dt_cpu_intc(d) + id, out);
}

/* Nothing but CPUs: firmware is asked by SBI, which needs no node. */
void arch_dt_write(struct domain *d __unused, struct fdt_builder *out __unused)
{
}

void arch_dt_write_intc(struct domain *d, const struct dt_node *node, struct fdt_builder *out)
{
    irqchip->dt_write(d, node, guest_dt_cpu_intc(d), out);
}

/* Linux looks for the interrupt in the domain of the hart that it boots on: vCPU 0's. */
void arch_dt_event_irq(const struct domain *d, struct fdt_builder *out)
{
    fdt_build_u32(out, "interrupt-parent", guest_dt_cpu_intc(d));
    fdt_build_u32(out, "interrupts", arch_virq_event(d));
}
