/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's interrupts: which controller the machine has, the set-up of each CPU, and what an
 * interrupt trap means. Drivers are plic.c, and aia.c with imsic.c; who owns an interrupt is
 * xen/irq's business, what guests see of it virq.c's.
 */
#include <arch/domain.h>
#include <arch/irq.h>
#include <asm/csr.h>
#include <asm/irqchip.h>
#include <asm/virq.h>
#include <xen/dt.h>
#include <xen/errno.h>
#include <xen/printk.h>
#include <xen/trap.h>

static const struct {
    unsigned int (*probe)(void);
    const struct irqchip *host;
    const struct virqchip *guest;
} kinds[] = {
    {aia_probe, &aia_chip, &vaplic_chip},
    {plic_probe, &plic_chip, &vplic_chip},
};

const struct irqchip *irqchip;
static unsigned int irq_count;

void arch_irq_init(void)
{
    for (unsigned int i = 0; i < ARRAY_SIZE(kinds); i++) {
        irq_count = kinds[i].probe();
        if (irq_count != 0) {
            irqchip = kinds[i].host;
            virqchip = kinds[i].guest;
            return;
        }
    }
    panic("The device tree has no interrupt controller that is known here: a PLIC "
          "(sifive,plic-1.0.0, riscv,plic0), or an APLIC with IMSICs (riscv,aplic, "
          "riscv,imsics)\n");
}

void arch_irq_init_cpu(struct cpu *c)
{
    virq_init_cpu();
    irqchip->init_cpu(c);
    csr_set(CSR_SIE, 1ul << IRQ_S_SOFT | 1ul << IRQ_S_TIMER | 1ul << IRQ_S_EXTERNAL);
}

unsigned int arch_irq_count(void)
{
    return irq_count;
}

/* 0 is no interrupt [RVPLIC 1, RVAIA 4.1]; those private to a hart have other numbers. */
unsigned int arch_irq_first_shared(void)
{
    return 1;
}

void arch_irq_enable(unsigned int irq)
{
    irqchip->enable(irq);
}

void arch_irq_disable(unsigned int irq)
{
    irqchip->disable(irq);
}

void arch_irq_set_type(unsigned int irq, bool edge)
{
    if (irqchip->set_type != NULL) {
        irqchip->set_type(irq, edge);
    }
}

void arch_irq_route(unsigned int irq, const struct cpu *c)
{
    irqchip->route(irq, c);
}

void arch_irq_end(unsigned int irq)
{
    irqchip->end(irq);
}

static void irq_ipi(void)
{
    csr_clear(CSR_SIP, 1ul << IRQ_S_SOFT);
    fence(rw, rw); /* the sender's stores are seen by what follows the acknowledge */
    ipi_dispatch();
}

static void irq_unexpected(uint64_t code)
{
    csr_clear(CSR_SIE, 1ul << code);
    csr_clear(CSR_HIE, 1ul << code);
    printk(XENLOG_WARNING "CPU%u: local interrupt %lu was not expected: disabled\n", this_cpu()->id,
           code);
}

static void irq_guest(void)
{
    if (virqchip->guest == NULL) {
        irq_unexpected(IRQ_S_GUEST);
        return;
    }
    virqchip->guest();
}

void irq_trap(uint64_t code)
{
    switch (code) {
    case IRQ_S_TIMER: timer_interrupt(); break;
    case IRQ_S_SOFT: irq_ipi(); break;
    case IRQ_S_EXTERNAL: irqchip->external(); break;
    case IRQ_S_GUEST: irq_guest(); break;
    default: irq_unexpected(code); break;
    }
    virq_settle_event(current_vcpu());
}

static const char *const intc_compatible[] = {
    "sifive,plic-1.0.0", "riscv,plic0", "riscv,aplic", "riscv,imsics", NULL,
};

bool arch_dt_is_intc(const struct dt_node *node)
{
    return dt_compatible_any(&dt_host, node, intc_compatible);
}

/* A PLIC's specifier is a number, an APLIC's a number and a trigger as in the GIC's. */
int arch_dt_irq(const uint32_t *cells, unsigned int nr_cells, bool *edge)
{
    if (nr_cells < 1 || nr_cells > 2 || cells[0] == 0 || cells[0] >= ARCH_NR_IRQS) {
        return -EINVAL;
    }
    *edge = nr_cells == 2 && (cells[1] & 3u) != 0;
    return (int)cells[0];
}
