/*
 * The host's interrupts: which controller the machine has, the set-up of each CPU, and what an
 * interrupt trap means. Drivers are plic.c, and aplic.c with imsic.c; who owns an interrupt is
 * xen/irq's business.
 */
#include <arch/cpu.h>
#include <arch/domain.h>
#include <arch/irq.h>
#include <arch/vcpu.h>
#include <asm/csr.h>
#include <asm/irqchip.h>
#include <asm/virq.h>
#include <xen/dt.h>
#include <xen/errno.h>
#include <xen/printk.h>
#include <xen/trap.h>

const struct irqchip *irqchip;

void arch_irq_init(void)
{
    irqchip = aia_probe();
    if (irqchip == NULL) {
        irqchip = plic_probe();
    }
    if (irqchip == NULL) {
        panic("The device tree has no interrupt controller that is known here: a PLIC "
              "(sifive,plic-1.0.0, riscv,plic0), or an APLIC with IMSICs (riscv,aplic, "
              "riscv,imsics)\n");
    }
}

void arch_irq_init_cpu(struct cpu *c)
{
    virq_init_cpu();
    irqchip->init_cpu(c);
    csr_set(CSR_SIE, 1ul << IRQ_S_SOFT | 1ul << IRQ_S_TIMER | 1ul << IRQ_S_EXTERNAL);
}

unsigned int arch_irq_count(void)
{
    return irqchip->count();
}

unsigned int arch_irq_first_shared(void)
{
    return 1; /* 0 is no interrupt [RVPLIC 1, RVAIA 4.1]; those private to a hart have other numbers
               */
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
    irqchip->set_type(irq, edge);
}

void arch_irq_route(unsigned int irq, const struct cpu *c)
{
    irqchip->route(irq, c);
}

void arch_irq_end(unsigned int irq)
{
    irqchip->end(irq);
}

void arch_virq_forward(struct domain *d, unsigned int virq, unsigned int irq)
{
    (void)irq; /* arch_virq_route has told it */
    irqchip->virq_inject(d, virq);
}

void arch_virq_inject(struct vcpu *v, unsigned int virq)
{
    irqchip->virq_inject(v->d, virq);
}

int arch_virq_route(struct domain *d, unsigned int virq, unsigned int irq)
{
    return irqchip->virq_route(d, virq, irq);
}

void arch_virq_unroute(struct domain *d, unsigned int virq)
{
    irqchip->virq_unroute(d, virq);
}

int virq_domain_create(struct domain *d)
{
    return irqchip->domain_create(d);
}

void virq_domain_destroy(struct domain *d)
{
    irqchip->domain_destroy(d);
}

bool virq_guest_aia(void)
{
    return irqchip->guest_aia;
}

bool virq_emulates(const struct domain *d, paddr_t start, paddr_t end)
{
    (void)d;
    return irqchip->overlaps(start, end);
}

void irq_send_ipi(const struct cpu *c)
{
    irqchip->send_ipi(c);
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

void irq_trap(uint64_t code)
{
    switch (code) {
    case IRQ_S_TIMER: timer_interrupt(); break;
    case IRQ_S_SOFT: irq_ipi(); break;
    case IRQ_S_EXTERNAL: irqchip->external(); break;
    case IRQ_S_GUEST: irqchip->guest(); break;
    default: irq_unexpected(code); break;
    }
    virq_settle_event(current_vcpu());
}

/* Its own interrupts end WFI too, because sie has what vsie has [RVPRIV 18.2.2, 3.3.3]. */
void virq_wake_idle(void)
{
    struct vcpu *v = current_vcpu();

    if (v != NULL && (atomic_load(&v->pause_flags) & VPF_BLOCKED) != 0 &&
        arch_vcpu_wakeup_pending(v)) {
        vcpu_kick(v);
    }
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
