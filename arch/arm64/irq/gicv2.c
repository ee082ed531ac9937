/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Driver of the host's GICv2: discovery, per-CPU set-up, control of single interrupts,
 * acknowledging. Who an interrupt belongs to is xen/irq's business, the port's own included;
 * virtual interrupts are vgic*.c's.
 */
#include <arch/cpu.h>
#include <arch/domain.h>
#include <arch/irq.h>
#include <asm/gicv2.h>
#include <asm/sysregs.h>
#include <asm/traps.h>
#include <xen/cpu.h>
#include <xen/dt.h>
#include <xen/errno.h>
#include <xen/hyp_map.h>
#include <xen/irq.h>
#include <xen/memmap.h>
#include <xen/printk.h>
#include <xen/trap.h>

#define MAX_ADDRESS  (1ul << 39) /* below it all machines and guests have addresses */
#define IPI_SGI      0u
#define PRIORITY_ALL 0xa0a0a0a0u /* one level for all: the hypervisor never nests interrupts */

struct gicv2 gic;
static spinlock_t gic_type_lock = SPINLOCK_INIT(LOCK_VIRQ); /* read and written back: GICD_ICFGR */
static uint8_t gic_cpu_mask[MAX_CPUS]; /* CPU interface of each CPU, as a GICD_ITARGETSR bit */

static const char *const gic_compatible[] = {
    "arm,gic-400", "arm,cortex-a15-gic", "arm,cortex-a7-gic", "arm,cortex-a9-gic", NULL,
};

static const struct dt_node *gicv2_find(void)
{
    const struct dt_node *n;

    dt_for_each_node(&dt_host, n) {
        if (dt_compatible_any(&dt_host, n, gic_compatible) &&
            dt_has(&dt_host, n, "interrupt-controller")) {
            return n;
        }
    }
    return NULL;
}

static void gicv2_region(uint32_t index, const char *what, paddr_t *pa, uint64_t *size)
{
    struct dt_range r;
    char path[96];

    /* Two pages of two of them are mapped for guests, whose addresses these are, too. */
    if (dt_reg(&dt_host, gic.node, index, &r) != 0 || r.size < PAGE_SIZE ||
        (r.start & ~PAGE_MASK) != 0 || r.start > MAX_ADDRESS ||
        memmap_has_ram(r.start, r.start + 2 * PAGE_SIZE)) {
        panic("%s: reg gives no usable address of the GICv2's %s; a GIC with virtualization "
              "is needed\n",
              dt_full_path(&dt_host, gic.node, path, sizeof(path)), what);
    }
    *pa = r.start;
    *size = r.size;
}

static uint8_t *gicv2_map(paddr_t pa, size_t size)
{
    uint8_t *va = hyp_map_device(pa, size);

    if (va == NULL) {
        panic("GICv2: cannot map %#llx\n", (unsigned long long)pa);
    }
    return va;
}

static void gicv2_discover(void)
{
    struct dt_irq irq;
    bool edge;
    int nr;

    gic.node = gicv2_find();
    if (gic.node == NULL) {
        panic("no GICv2 in the device tree; QEMU: use -machine virt,gic-version=2\n");
    }
    gicv2_region(0, "distributor", &gic.dist_pa, &gic.dist_size);
    gicv2_region(1, "CPU interface", &gic.cpu_pa, &gic.cpu_size);
    gicv2_region(2, "hypervisor interface", &gic.hyp_pa, &gic.hyp_size);
    gicv2_region(3, "virtual CPU interface", &gic.vcpu_pa, &gic.vcpu_size);
    nr = dt_irq(&dt_host, gic.node, 0, &irq) == 0 ? arch_dt_irq(irq.cells, irq.count, &edge)
                                                  : -ENOENT;
    if (nr < 0) {
        panic("GICv2: the device tree gives no maintenance interrupt\n");
    }
    gic.maintenance = (uint32_t)nr;
    gic.dist = gicv2_map(gic.dist_pa, PAGE_SIZE);
    gic.cpu = gicv2_map(gic.cpu_pa, 2 * PAGE_SIZE);
    gic.hyp = gicv2_map(gic.hyp_pa, PAGE_SIZE);
}

/*
 * Everything off and forgotten, as firmware or boot loader may have left it. Group 0 is the one
 * that GICD_CTLR and GICC_CTLR enable where there are no Security Extensions, and TF-A leaves
 * interrupts in group 1; where there are, IGROUPR ignores us and these bits mean group 1
 * [GICv2 4.3.1, 4.3.4].
 */
static void gicv2_init_dist(void)
{
    uint32_t i;

    gicd_write(GICD_CTLR, 0);
    for (i = 1; i < (gic.nr_irqs + 31u) / 32u; i++) {
        gicd_write(GICD_IGROUPR + 4u * i, 0);
        gicd_write(GICD_ICENABLER + 4u * i, UINT32_MAX);
        gicd_write(GICD_ICPENDR + 4u * i, UINT32_MAX);
        gicd_write(GICD_ICACTIVER + 4u * i, UINT32_MAX);
    }
    for (i = 8; i < gic.nr_irqs / 4u; i++) {
        gicd_write(GICD_IPRIORITYR + 4u * i, PRIORITY_ALL);
        gicd_write(GICD_ITARGETSR + 4u * i, gic_cpu_mask[0] * 0x01010101u);
    }
    gicd_write(GICD_CTLR, 1);
}

/* GICD_ITARGETSR0-7 read as the reader's own mask, or as 0 where there is one CPU [GICv2
 * 4.3.12]. */
static uint8_t gicv2_own_mask(void)
{
    uint32_t i, mask = 0;

    for (i = 0; i < 8 && mask == 0; i++) {
        mask = gicd_read(GICD_ITARGETSR + 4u * i);
    }
    mask |= mask >> 16;
    mask |= mask >> 8;
    return (uint8_t)(mask & 0xffu) == 0 ? 1u : (uint8_t)(mask & 0xffu);
}

void arch_irq_init(void)
{
    gicv2_discover();
    gic.nr_irqs = 32u * ((gicd_read(GICD_TYPER) & 0x1fu) + 1u);
    if (gic.nr_irqs > ARCH_NR_IRQS) {
        gic.nr_irqs = ARCH_NR_IRQS;
    }
    gic.nr_lrs = (gich_read(GICH_VTR) & 0x3fu) + 1u;
    if (gic.nr_lrs > VGIC_MAX_LRS) {
        gic.nr_lrs = VGIC_MAX_LRS;
    }
    gic_cpu_mask[0] = gicv2_own_mask();
    gicv2_init_dist();
    printk("GICv2: %u lines, %u list registers, distributor %#llx, maintenance interrupt %u\n",
           gic.nr_irqs, gic.nr_lrs, (unsigned long long)gic.dist_pa, gic.maintenance);
}

void arch_irq_init_cpu(struct cpu *c)
{
    uint32_t i;

    gic_cpu_mask[c->id] = gicv2_own_mask();
    gicd_write(GICD_IGROUPR, 0);
    gicd_write(GICD_ICENABLER, UINT32_MAX);
    gicd_write(GICD_ICACTIVER, UINT32_MAX);
    for (i = 0; i < 8; i++) {
        gicd_write(GICD_IPRIORITYR + 4u * i, PRIORITY_ALL);
    }
    gicd_write(GICD_ISENABLER, 1u << IPI_SGI);
    gicc_write(GICC_PMR, 0xff);
    gicc_write(GICC_BPR, 0);
    gicc_write(GICC_CTLR, GICC_CTLR_ENABLE | GICC_CTLR_EOIMODE);
    for (i = 0; i < gic.nr_lrs; i++) {
        gich_write(GICH_LR(i), 0);
    }
    gich_write(GICH_APR, 0);
    gich_write(GICH_VMCR, 0);
    gich_write(GICH_HCR, GICH_HCR_EN);
}

unsigned int arch_irq_count(void)
{
    return gic.nr_irqs;
}

unsigned int arch_irq_first_shared(void)
{
    return GIC_NR_PRIVATE;
}

void arch_irq_enable(unsigned int irq)
{
    /* What the interrupt's handler will look at is visible before it can fire. */
    dsb(ishst);
    gicd_write(GICD_ISENABLER + irq / 32u * 4u, 1u << (irq % 32u));
}

void arch_irq_disable(unsigned int irq)
{
    gicd_write(GICD_ICENABLER + irq / 32u * 4u, 1u << (irq % 32u));
    /* Done at the distributor before the caller takes the handler away. */
    dsb(sy);
}

void arch_irq_set_type(unsigned int irq, bool edge)
{
    uint32_t offset = GICD_ICFGR + irq / 16u * 4u, bit = 2u << (irq % 16u * 2u), value;

    if (irq < GIC_NR_SGIS) {
        return;
    }
    spin_lock(&gic_type_lock); /* 16 interrupts, with a descriptor's lock each, share a register */
    value = gicd_read(offset);
    if (((value & bit) != 0) != edge) {
        gicd_write(offset, value ^ bit);
    }
    spin_unlock(&gic_type_lock);
}

void arch_irq_route(unsigned int irq, const struct cpu *c)
{
    if (irq >= GIC_NR_PRIVATE) {
        *(volatile uint8_t *)(gic.dist + GICD_ITARGETSR + irq) = gic_cpu_mask[c->id];
    }
}

void arch_irq_end(unsigned int irq)
{
    gicc_write(GICC_DIR, irq);
}

void arch_cpu_kick(const struct cpu *c)
{
    /* The word of pending work is visible to the other CPU before the interrupt. */
    dsb(ishst);
    gicd_write(GICD_SGIR, (uint32_t)gic_cpu_mask[c->id] << 16 | IPI_SGI);
}

void gicv2_request(uint32_t irq, void (*fn)(unsigned int irq, void *data))
{
    if (irq_request(irq, false, fn, NULL) != 0) {
        panic("GICv2: private interrupt %u is wanted twice\n", irq);
    }
}

/* One interrupt per trap: another one that is pending traps at once. */
void trap_irq(struct vcpu *v __unused)
{
    uint32_t iar = gicc_read(GICC_IAR), irq = iar & 0x3ffu;

    if (irq >= GIC_SPURIOUS) {
        return;
    }
    gicc_write(GICC_EOIR, iar);
    if (irq >= GIC_NR_SGIS) {
        irq_dispatch(irq);
        return;
    }
    gicc_write(GICC_DIR, iar);
    /* The sender's stores are seen by what follows the acknowledge. */
    dmb(ish);
    ipi_dispatch();
}

/* Interrupt specifier of the GIC's binding: type, number, flags. */
int arch_dt_irq(const uint32_t *cells, unsigned int nr_cells, bool *edge)
{
    if (nr_cells != 3 || cells[0] > 1 ||
        cells[1] >= (cells[0] == 0 ? ARCH_NR_IRQS - GIC_NR_PRIVATE : 16u)) {
        return -EINVAL;
    }
    *edge = (cells[2] & 3u) != 0;
    return (int)(cells[1] + (cells[0] == 0 ? GIC_NR_PRIVATE : GIC_NR_SGIS));
}
