/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's AIA: its parts in the device tree, the driver of the APLIC [RVAIA 4] in its supervisor
 * domain, the nodes of a guest's tree. The APLIC delivers by messages to interrupt files (imsic.c).
 *
 * A source is nobody's (off), the hypervisor's, or a guest's. The hypervisor's has an identity of
 * its own files; a guest's is configured by vaplic.c alone, and functions with an irq that
 * configure leave it as it is. The registers of one source are independent of others', so there is
 * no lock here.
 */
#include <asm/aia.h>
#include <asm/irqchip.h>
#include <asm/isa.h>
#include <xen/domain.h>
#include <xen/dt.h>
#include <xen/errno.h>
#include <xen/fdt_build.h>
#include <xen/hyp_map.h>
#include <xen/irq.h>
#include <xen/lib.h>
#include <xen/printk.h>
#include <xen/trap.h>

#define OWN_MAX 32u /* identities for interrupts of the hypervisor */

struct aplic aplic;
static uint8_t *aplic_registers;
static bool aplic_level[ARCH_NR_IRQS]; /* the hypervisor's that are levels */
static uint16_t aplic_own[OWN_MAX];    /* by identity: its interrupt, 0: none */

uint32_t aplic_read(uint32_t offset)
{
    return chip_read(aplic_registers, offset);
}

void aplic_write(uint32_t offset, uint32_t value)
{
    chip_write(aplic_registers, offset, value);
}

/* The descriptor's lock is held, as for all that is done to a source. */
static bool aplic_is_guests(unsigned int irq)
{
    return irq_desc(irq)->d != NULL;
}

static void aplic_enable(unsigned int irq)
{
    if (!aplic_is_guests(irq)) {
        aplic_write(APLIC_SETIE + APLIC_NUM, irq);
    }
}

void aplic_disable(unsigned int irq)
{
    aplic_write(APLIC_CLRIE + APLIC_NUM, irq);
    (void)aplic_read(APLIC_DOMAINCFG); /* done there before the caller takes the handler away */
}

static void aplic_set_type(unsigned int irq, bool edge)
{
    if (!aplic_is_guests(irq)) {
        aplic_level[irq] = !edge;
        aplic_write(APLIC_SOURCECFG(irq), edge ? APLIC_SOURCE_EDGE : APLIC_SOURCE_LEVEL);
    }
}

/* The identity for an interrupt of the hypervisor. */
static uint32_t aplic_eiid(unsigned int irq)
{
    for (uint32_t i = IMSIC_EIID_IPI + 1u; i < OWN_MAX && i < imsic.nr_ids; i++) {
        if (aplic_own[i] == 0 || aplic_own[i] == irq) {
            aplic_own[i] = (uint16_t)irq;
            return i;
        }
    }
    panic("APLIC: no identity is left for interrupt %u of the hypervisor\n", irq);
}

static void aplic_route(unsigned int irq, const struct cpu *c)
{
    if (!aplic_is_guests(irq)) {
        aplic_write(APLIC_TARGET(irq), imsic_target(c, 0) | aplic_eiid(irq));
    }
}

/* A level that is still there becomes pending again [RVAIA 4.9.2]. */
static void aplic_end(unsigned int irq)
{
    if (aplic_level[irq]) {
        aplic_write(APLIC_SETIPNUM_LE, irq);
    }
}

/* One message for each trap: another one that is pending traps at once. */
static void aia_external(void)
{
    uint32_t eiid = imsic_take();

    if (eiid == IMSIC_EIID_IPI) {
        fence(rw, rw); /* the sender's stores are seen by what follows the message */
        ipi_dispatch();
    } else if (eiid < OWN_MAX && aplic_own[eiid] != 0) {
        irq_dispatch(aplic_own[eiid]);
    }
}

static void aia_write_aplic(struct fdt_builder *out)
{
    static const char *const keep[] = {
        "compatible",
        "reg",
        "#interrupt-cells",
        "#address-cells",
        "riscv,num-sources",
        "msi-parent",
        "phandle",
        "linux,phandle",
        NULL,
    };

    fdt_build_begin(out, dt_name(&dt_host, aplic.node));
    (void)fdt_build_keep(out, &dt_host, aplic.node, keep);
    fdt_build_empty(out, "interrupt-controller");
    fdt_build_end(out);
}

/*
 * A region for each vCPU: the page of its file, where it is for devices too. Hart and guest bits of
 * the addresses are the host's, so that what the guest finds out about a page is what an APLIC
 * target says.
 */
static void aia_write_imsic(const struct domain *d, uint32_t cpu_intc, struct fdt_builder *out)
{
    static const char *const keep[] = {
        "compatible", "#interrupt-cells", "#msi-cells", "msi-controller",
        "phandle",    "linux,phandle",    NULL};
    const struct dt_node *parent = dt_parent(&dt_host, imsic.node);
    uint32_t address = dt_address_cells(&dt_host, parent), size = dt_size_cells(&dt_host, parent);
    struct dt_range raw, translated;
    unsigned int i;

    if (dt_reg_raw(&dt_host, imsic.node, 0, &raw) != 0 ||
        dt_reg(&dt_host, imsic.node, 0, &translated) != 0) {
        return; /* imsic.c has read them already */
    }
    fdt_build_begin(out, dt_name(&dt_host, imsic.node));
    (void)fdt_build_keep(out, &dt_host, imsic.node, keep);
    fdt_build_empty(out, "interrupt-controller");
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
        aia_write_aplic(out);
    } else if (node == imsic.node) {
        aia_write_imsic(d, cpu_intc, out);
    }
}

const struct irqchip aia_chip = {
    .init_cpu = imsic_init_cpu,
    .send_ipi = imsic_send_ipi,
    .external = aia_external,
    .enable = aplic_enable,
    .disable = aplic_disable,
    .set_type = aplic_set_type,
    .route = aplic_route,
    .end = aplic_end,
    .dt_write = aia_dt_write,
};

static void aplic_init(void)
{
    aplic_registers = hyp_map_device(aplic.pa, APLIC_END);
    if (aplic_registers == NULL) {
        panic("APLIC: cannot map its registers at %#lx\n", aplic.pa);
    }
    aplic_write(APLIC_DOMAINCFG, 0);
    for (uint32_t i = 0; i < (aplic.nr_irqs + 31u) / 32u; i++) {
        aplic_write(APLIC_CLRIE + 4u * i, UINT32_MAX);
    }
    for (uint32_t i = 1; i < aplic.nr_irqs; i++) {
        aplic_write(APLIC_SOURCECFG(i), 0);
    }
    aplic_write(APLIC_DOMAINCFG, APLIC_DOMAINCFG_IE | APLIC_DOMAINCFG_DM);
    if ((aplic_read(APLIC_DOMAINCFG) & APLIC_DOMAINCFG_DM) == 0) {
        panic("APLIC at %#lx: it does not deliver by messages, although the device tree gives it "
              "an msi-parent\n",
              aplic.pa);
    }
    printk("APLIC: %u interrupts, at %#lx\n", aplic.nr_irqs - 1u, aplic.pa);
}

/* The interrupt files of supervisor mode. */
static const struct dt_node *aia_find_imsic(void)
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
static const struct dt_node *aia_find_aplic(void)
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
    imsic.node = aia_find_imsic();
    if (imsic.node == NULL) {
        panic("There is an APLIC, but no IMSIC for supervisor mode: interrupts cannot be given to "
              "guests. QEMU: -M virt,aia=aplic-imsic,aia-guests=7, or -M virt for a PLIC\n");
    }
    aplic.node = aia_find_aplic();
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
