/* SPDX-License-Identifier: Apache-2.0 */
/* Host interrupts and their owners. The controller is the port's; which number means what to a
 * guest is its virtual one's. */
#include <arch/domain.h>
#include <arch/irq.h>
#include <xen/cpu.h>
#include <xen/domain.h>
#include <xen/errno.h>
#include <xen/irq.h>
#include <xen/printk.h>
#include <xen/trap.h>

static struct irq_desc descs[ARCH_NR_IRQS];
static uint32_t spurious;

void irq_init(void)
{
    for (unsigned int i = 0; i < ARCH_NR_IRQS; i++) {
        spin_init(&descs[i].lock, LOCK_IRQ);
    }
}

struct irq_desc *irq_desc(unsigned int irq)
{
    return irq < ARCH_NR_IRQS && irq < arch_irq_count() ? &descs[irq] : NULL;
}

bool irq_is_own(unsigned int irq)
{
    const struct irq_desc *desc = irq_desc(irq);

    return desc != NULL && desc->fn != NULL;
}

int irq_request(unsigned int irq, bool edge, void (*fn)(unsigned int irq, void *data), void *data)
{
    struct irq_desc *desc = irq_desc(irq);
    int rc = 0;

    if (desc == NULL) {
        return -EINVAL;
    }
    spin_lock(&desc->lock);
    if (desc->d != NULL || (desc->fn != NULL && desc->fn != fn)) {
        rc = -EBUSY;
    } else {
        desc->fn = fn;
        desc->data = data;
        if (irq >= arch_irq_first_shared()) {
            arch_irq_set_type(irq, edge);
            arch_irq_route(irq, this_cpu());
        }
        arch_irq_enable(irq);
    }
    spin_unlock(&desc->lock);
    return rc;
}

int irq_assign(struct domain *d, unsigned int irq, unsigned int virq, bool edge)
{
    struct irq_desc *desc = irq_desc(irq);
    int rc;

    if (desc == NULL || irq < arch_irq_first_shared()) {
        return -EINVAL;
    }
    if (d->vuart != NULL && virq == ARCH_VUART_IRQ) {
        return -EBUSY;
    }
    spin_lock(&desc->lock);
    rc = desc->d != NULL || desc->fn != NULL ? -EBUSY : arch_virq_route(d, virq, irq);
    if (rc == 0) {
        desc->d = d;
        desc->virq = virq;
        arch_irq_set_type(irq, edge);
        arch_irq_route(irq, d->vcpu != NULL && d->vcpu[0] != NULL ? d->vcpu[0]->cpu : this_cpu());
    }
    spin_unlock(&desc->lock);
    return rc;
}

void irq_release(unsigned int irq)
{
    struct irq_desc *desc = irq_desc(irq);

    if (desc == NULL) {
        return;
    }
    spin_lock(&desc->lock);
    if (desc->d != NULL) {
        arch_irq_disable(irq);
        arch_virq_unroute(desc->d, desc->virq);
        desc->d = NULL;
    }
    spin_unlock(&desc->lock);
}

void irq_follow(struct irq_desc *desc, const struct domain *d, const struct vcpu *target)
{
    unsigned int irq = (unsigned int)(desc - descs);

    if (desc->d != d) {
        return; /* given back meanwhile */
    }
    if (target == NULL) {
        arch_irq_disable(irq);
        return;
    }
    if (target->cpu != NULL) {
        arch_irq_route(irq, target->cpu);
    }
    arch_irq_enable(irq);
}

static void irq_spurious(unsigned int irq)
{
    if (irq_desc(irq) != NULL) {
        arch_irq_disable(irq);
        arch_irq_end(irq);
    }
    if (spurious++ < 10) {
        printk(XENLOG_WARNING "Interrupt %u has no owner: disabled\n", irq);
    }
}

void irq_dispatch(unsigned int irq)
{
    struct irq_desc *desc;
    struct domain *d;

    if (irq >= ARCH_NR_IRQS) {
        irq_spurious(irq);
        return;
    }
    desc = &descs[irq];
    if (desc->fn != NULL) {
        desc->fn(irq, desc->data);
        arch_irq_end(irq);
        return;
    }
    d = atomic_load_acquire(&desc->d);
    if (d != NULL) {
        /* Only the hardware domain has interrupts, and it never goes. */
        arch_virq_forward(d, desc->virq, irq);
    } else {
        irq_spurious(irq);
    }
}
