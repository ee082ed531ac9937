/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Driver of the host's PLIC: a context for each hart's supervisor mode, enabling and routing by the
 * enable bits of contexts, claiming, completing. The guest's PLIC is vplic.c's.
 *
 * An interrupt is enabled in one context at most: its route's. A guest's interrupt stays claimed
 * until the guest completes its virtual one; the gateway holds back further ones until then
 * [RVPLIC 1.2].
 */
#include <arch/cpu.h>
#include <asm/irqchip.h>
#include <asm/plic.h>
#include <asm/sbi.h>
#include <xen/cpu.h>
#include <xen/domain.h>
#include <xen/dt.h>
#include <xen/errno.h>
#include <xen/fdt_build.h>
#include <xen/hyp_map.h>
#include <xen/lib.h>
#include <xen/printk.h>
#include <xen/trap.h>

struct plic plic;
static uint8_t *plic_sources, *plic_contexts; /* registers up to the enables; from PLIC_CONTEXT
                                               * on */
static uint32_t plic_context[MAX_CPUS];       /* of each CPU's supervisor mode */
static spinlock_t plic_lock = SPINLOCK_INIT(LOCK_VIRQ); /* enable bits and what follows */
static uint8_t plic_route[ARCH_NR_IRQS];                /* CPU */
static uint32_t plic_enabled[PLIC_WORDS];

static uint8_t *plic_enables(uint32_t context)
{
    return plic_sources + PLIC_ENABLE + context * PLIC_ENABLE_STRIDE;
}

static uint8_t *plic_registers(uint32_t context)
{
    return plic_contexts + context * PLIC_CONTEXT_STRIDE;
}

/* plic_lock held. */
static void plic_set(unsigned int irq, uint32_t cpu, bool on)
{
    uint8_t *word = plic_enables(plic_context[cpu]) + irq / 32u * 4u;
    uint32_t bit = 1u << (irq % 32u), value = chip_read(word, 0);

    chip_write(word, 0, on ? value | bit : value & ~bit);
}

static void plic_enable(unsigned int irq)
{
    spin_lock(&plic_lock);
    chip_set_bit(plic_enabled, irq, true);
    plic_set(irq, plic_route[irq], true);
    spin_unlock(&plic_lock);
}

static void plic_disable(unsigned int irq)
{
    spin_lock(&plic_lock);
    chip_set_bit(plic_enabled, irq, false);
    plic_set(irq, plic_route[irq], false);
    spin_unlock(&plic_lock);
}

static void plic_route_to(unsigned int irq, const struct cpu *c)
{
    spin_lock(&plic_lock);
    if (plic_route[irq] != c->id) {
        if (chip_bit(plic_enabled, irq)) {
            plic_set(irq, plic_route[irq], false);
            plic_set(irq, c->id, true);
        }
        plic_route[irq] = (uint8_t)c->id;
    }
    spin_unlock(&plic_lock);
}

/* A completion counts only in a context where the interrupt is enabled [RVPLIC 9]. */
void plic_end(unsigned int irq)
{
    uint32_t cpu;

    spin_lock(&plic_lock);
    cpu = plic_route[irq];
    if (!chip_bit(plic_enabled, irq)) {
        plic_set(irq, cpu, true);
    }
    chip_write(plic_registers(plic_context[cpu]), PLIC_CLAIM, irq);
    if (!chip_bit(plic_enabled, irq)) {
        plic_set(irq, cpu, false);
    }
    spin_unlock(&plic_lock);
}

/* One for each trap: another one that is pending traps at once. */
static void plic_external(void)
{
    uint32_t irq = chip_read(plic_registers(plic_context[this_cpu()->id]), PLIC_CLAIM);

    if (irq != 0) {
        irq_dispatch(irq);
    }
}

static void plic_send_ipi(const struct cpu *c)
{
    fence(w, w); /* the word of pending work is visible to the other CPU before the interrupt */
    (void)sbi_call(SBI_EXT_IPI, 0, 1, c->arch.hartid, 0, 0, 0);
}

/* Find the context of a CPU's supervisor mode. */
static void plic_find_context(const struct cpu *c)
{
    int context = intc_dt_index(plic.node, c->arch.hartid);

    if (context < 0) {
        panic("PLIC: the device tree has no context for supervisor mode of hart %lu\n",
              c->arch.hartid);
    }
    plic_context[c->id] = (uint32_t)context;
}

static void plic_init_cpu(struct cpu *c)
{
    plic_find_context(c);
    chip_write(plic_registers(plic_context[c->id]), PLIC_THRESHOLD, 0);
}

/* Everything off in supervisor mode's contexts; the rest is machine mode's. Returns how many. */
static uint32_t plic_init_contexts(uint32_t count)
{
    uint32_t irq, supervisor = 0;
    uint64_t hart;

    for (uint32_t i = 0; i < count; i++) {
        if (intc_dt_target(plic.node, i, &hart, &irq) != 0 || irq != IRQ_S_EXTERNAL) {
            continue;
        }
        for (uint32_t word = 0; word < (plic.nr_irqs + 31u) / 32u; word++) {
            chip_write(plic_enables(i), word * 4u, 0);
        }
        chip_write(plic_registers(i), PLIC_THRESHOLD, PLIC_PRIORITY_MAX);
        supervisor++;
    }
    for (uint32_t i = 1; i < plic.nr_irqs; i++) {
        chip_write(plic_sources, PLIC_PRIORITY + i * 4u, 1); /* one level for all */
    }
    return supervisor;
}

static void plic_map(uint32_t contexts)
{
    plic_sources = hyp_map_device(plic.pa, PLIC_ENABLE + contexts * PLIC_ENABLE_STRIDE);
    plic_contexts = hyp_map_device(plic.pa + PLIC_CONTEXT, contexts * PLIC_CONTEXT_STRIDE);
    if (plic_sources == NULL || plic_contexts == NULL) {
        panic("PLIC: cannot map its registers at %#lx\n", plic.pa);
    }
}

/* The host's node with one context for each vCPU, whose number is the vCPU's. */
static void plic_dt_write(struct domain *d, const struct dt_node *node, uint32_t cpu_intc,
                          struct fdt_builder *out)
{
    static const char *const keep[] = {"compatible",     "reg",        "#interrupt-cells",
                                       "#address-cells", "riscv,ndev", "phandle",
                                       "linux,phandle",  NULL};

    if (node != plic.node) {
        return;
    }
    fdt_build_begin(out, dt_name(&dt_host, node));
    (void)fdt_build_keep(out, &dt_host, node, keep);
    fdt_build_empty(out, "interrupt-controller");
    intc_dt_write_targets(d, cpu_intc, out);
    fdt_build_end(out);
}

const struct irqchip plic_chip = {
    .init_cpu = plic_init_cpu,
    .send_ipi = plic_send_ipi,
    .external = plic_external,
    .enable = plic_enable,
    .disable = plic_disable,
    .route = plic_route_to,
    .end = plic_end,
    .dt_write = plic_dt_write,
};

static const struct dt_node *plic_find(void)
{
    static const char *const compatible[] = {"sifive,plic-1.0.0", "riscv,plic0", NULL};
    const struct dt_node *n;

    dt_for_each_node(&dt_host, n) {
        if (dt_compatible_any(&dt_host, n, compatible)) {
            return n;
        }
    }
    return NULL;
}

unsigned int plic_probe(void)
{
    uint32_t sources = 0, contexts, supervisor;
    struct dt_range reg;

    plic.node = plic_find();
    if (plic.node == NULL) {
        return 0;
    }
    if (!dt_u32(&dt_host, plic.node, "riscv,ndev", &sources) || sources == 0 ||
        sources >= ARCH_NR_IRQS) {
        panic("PLIC: riscv,ndev in the device tree must be 1 to %u\n", ARCH_NR_IRQS - 1u);
    }
    contexts = intc_dt_count(plic.node);
    if (dt_reg(&dt_host, plic.node, 0, &reg) != 0 || (reg.start & ~PAGE_MASK) != 0 ||
        reg.size < PLIC_CONTEXT + contexts * PLIC_CONTEXT_STRIDE) {
        panic("PLIC: the device tree gives no usable address for %u contexts\n", contexts);
    }
    plic.pa = reg.start;
    plic.size = reg.size;
    plic.nr_irqs = sources + 1u;
    plic_map(contexts);
    supervisor = plic_init_contexts(contexts);
    plic_find_context(this_cpu()); /* the console's interrupt is requested before init_cpu */
    printk("PLIC: %u interrupts, %u contexts of supervisor mode, at %#lx\n", sources, supervisor,
           plic.pa);
    return plic.nr_irqs;
}
