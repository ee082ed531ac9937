/* The AIA as a whole: finding its parts in the device tree, its table for irq.c, the nodes in a
 * guest's tree. */
#include <asm/aia.h>
#include <asm/irqchip.h>
#include <asm/isa.h>
#include <xen/domain.h>
#include <xen/dt.h>
#include <xen/errno.h>
#include <xen/fdt_build.h>
#include <xen/lib.h>
#include <xen/printk.h>

static void write_kept(const struct dt_node *node, const char *const *keep, size_t count,
                       struct fdt_builder *out)
{
    struct fdt_prop p;

    for (size_t i = 0; i < count; i++) {
        if (dt_prop(&dt_host, node, keep[i], &p)) {
            fdt_build_prop(out, keep[i], p.data, p.len);
        }
    }
    fdt_build_empty(out, "interrupt-controller");
}

static void write_aplic(struct fdt_builder *out)
{
    static const char *const keep[] = {
        "compatible",        "reg",        "#interrupt-cells", "#address-cells",
        "riscv,num-sources", "msi-parent", "phandle",          "linux,phandle",
    };

    fdt_build_begin(out, dt_name(&dt_host, aplic.node));
    write_kept(aplic.node, keep, ARRAY_SIZE(keep), out);
    fdt_build_end(out);
}

/*
 * A region for each vCPU: the page of its file, where it is for devices too. Hart and guest bits of
 * the addresses are the host's, so that what the guest finds out about a page is what an APLIC
 * target says.
 */
static void write_imsic(const struct domain *d, uint32_t cpu_intc, struct fdt_builder *out)
{
    static const char *const keep[] = {"compatible",     "#interrupt-cells", "#msi-cells",
                                       "msi-controller", "phandle",          "linux,phandle"};
    const struct dt_node *parent = dt_parent(&dt_host, imsic.node);
    uint32_t address = dt_address_cells(&dt_host, parent), size = dt_size_cells(&dt_host, parent);
    struct dt_range raw, translated;
    unsigned int i;

    if (dt_reg_raw(&dt_host, imsic.node, 0, &raw) != 0 ||
        dt_reg(&dt_host, imsic.node, 0, &translated) != 0) {
        return; /* imsic.c has read them already */
    }
    fdt_build_begin(out, dt_name(&dt_host, imsic.node));
    write_kept(imsic.node, keep, ARRAY_SIZE(keep), out);
    fdt_build_u32(out, "riscv,num-ids", imsic.nr_guest_ids - 1u);
    fdt_build_u32(out, "riscv,guest-index-bits", imsic.guest_bits);
    fdt_build_u32(out, "riscv,hart-index-bits", imsic.hart_bits);
    fdt_build_u32(out, "riscv,group-index-bits", imsic.group_bits);
    fdt_build_u32(out, "riscv,group-index-shift", imsic.group_shift);
    fdt_build_open(out, "reg");
    for (i = 0; i < d->max_vcpus; i++) {
        fdt_build_add(out, d->vcpu[i]->arch.virq.file->gpa - translated.start + raw.start, address);
        fdt_build_add(out, PAGE_SIZE, size);
    }
    fdt_build_close(out);
    intc_dt_write_targets(d, cpu_intc, out);
    fdt_build_end(out);
}

/* Nothing in place of machine mode's. */
static void aia_dt_write(struct domain *d, const struct dt_node *node, uint32_t cpu_intc,
                         struct fdt_builder *out)
{
    if (node == aplic.node) {
        write_aplic(out);
    } else if (node == imsic.node) {
        write_imsic(d, cpu_intc, out);
    }
}

const struct irqchip aia_chip = {
    .init_cpu = imsic_init_cpu,
    .send_ipi = imsic_send_ipi,
    .external = imsic_external,
    .enable = aplic_enable,
    .disable = aplic_disable,
    .set_type = aplic_set_type,
    .route = aplic_route,
    .end = aplic_end,
    .dt_write = aia_dt_write,
};

/* The interrupt files of supervisor mode. */
static const struct dt_node *find_imsic(void)
{
    const struct dt_node *n;
    uint64_t hart;
    uint32_t irq;

    dt_for_each_node(&dt_host, n) {
        if (dt_compatible(&dt_host, n, "riscv,imsics") && intc_dt_target(n, 0, &hart, &irq) == 0 &&
            irq == IRQ_S_EXTERNAL) {
            return n;
        }
    }
    return NULL;
}

/* The APLIC that sends there. */
static const struct dt_node *find_aplic(void)
{
    const struct dt_node *n;
    uint32_t parent;

    dt_for_each_node(&dt_host, n) {
        if (dt_compatible(&dt_host, n, "riscv,aplic") &&
            dt_u32(&dt_host, n, "msi-parent", &parent) && parent == imsic.node->phandle) {
            return n;
        }
    }
    return NULL;
}

unsigned int aia_probe(void)
{
    uint32_t sources = 0;
    struct dt_range reg;

    if (dt_find_compatible(&dt_host, NULL, "riscv,aplic") == NULL) {
        return 0;
    }
    imsic.node = find_imsic();
    if (imsic.node == NULL) {
        panic("There is an APLIC, but no IMSIC for supervisor mode: interrupts cannot be given to "
              "guests. QEMU: -M virt,aia=aplic-imsic,aia-guests=7, or -M virt for a PLIC\n");
    }
    aplic.node = find_aplic();
    if (aplic.node == NULL || dt_reg(&dt_host, aplic.node, 0, &reg) != 0 ||
        (reg.start & ~PAGE_MASK) != 0 || reg.size < APLIC_END ||
        !dt_u32(&dt_host, aplic.node, "riscv,num-sources", &sources) || sources == 0 ||
        sources >= ARCH_NR_IRQS) {
        panic("APLIC: the device tree describes none that sends to the IMSIC and is usable\n");
    }
    if (!isa_has(ISA_SSAIA)) {
        panic("There are IMSICs, but the harts have no Ssaia (riscv,isa of the device tree)\n");
    }
    aplic.pa = reg.start;
    aplic.size = reg.size;
    aplic.nr_irqs = sources + 1u;
    imsic_init();
    aplic_init();
    return aplic.nr_irqs;
}
