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
#include <xen/timer.h>
#include <xen/trap.h>

/* An interrupt that comes more often than that on a CPU where others run is held back for a while:
 * it takes at most one percent of their time. */
#define INTRUDE_MAX  64u
#define INTRUDE_TIME MILLISECS(1)
#define HOLD_TIME    MILLISECS(10)

static struct irq_desc descs[ARCH_NR_IRQS];
static uint32_t spurious;
static struct timer hold_timer; /* lets go what is held */

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

void irq_describe(unsigned int irq, bool edge)
{
    struct irq_desc *desc = irq_desc(irq);

    if (desc != NULL && !desc->described) { /* devices may share one: the first is right */
        desc->described = true;
        desc->edge = edge;
    }
}

/* Both locks are held. */
static int irq_give(struct irq_desc *desc, struct domain *d, unsigned int irq, unsigned int virq)
{
    int rc;

    if (!desc->described) {
        return -EPERM;
    }
    if (d->vuart != NULL && virq == ARCH_VUART_IRQ) {
        return -EBUSY;
    }
    rc = desc->d != NULL || desc->fn != NULL ? -EBUSY : arch_virq_route(d, virq, irq);
    if (rc == 0) {
        desc->d = d;
        desc->virq = virq;
        desc->told = false;
        d->nr_irqs++;
        arch_irq_set_type(irq, desc->edge);
        arch_irq_route(irq, d->vcpu != NULL && d->vcpu[0] != NULL ? d->vcpu[0]->cpu : this_cpu());
    }
    return rc;
}

int irq_assign(struct domain *d, unsigned int irq, unsigned int virq)
{
    struct irq_desc *desc = irq_desc(irq);
    int rc = -ESRCH;

    if (desc == NULL || irq < arch_irq_first_shared()) {
        return -EINVAL;
    }
    spin_lock(&d->lock); /* domain_kill has it when it says that d is dying */
    spin_lock(&desc->lock);
    if (!d->is_dying) {
        rc = irq_give(desc, d, irq, virq);
    }
    spin_unlock(&desc->lock);
    spin_unlock(&d->lock);
    return rc;
}

/* false: it is not d's. */
static bool irq_take_back(struct domain *d, struct irq_desc *desc, unsigned int irq)
{
    bool its;

    spin_lock(&d->lock);
    spin_lock(&desc->lock); /* irq_dispatch hands it over under this one */
    its = desc->d == d;
    if (its) {
        arch_irq_disable(irq);
        arch_virq_unroute(d, desc->virq);
        desc->d = NULL;
        desc->wanted = false;
        d->nr_irqs--;
    }
    spin_unlock(&desc->lock);
    spin_unlock(&d->lock);
    return its;
}

int irq_release(struct domain *d, unsigned int irq)
{
    struct irq_desc *desc = irq_desc(irq);

    return desc != NULL && irq_take_back(d, desc, irq) ? 0 : -EINVAL;
}

int irq_relinquish(struct domain *d)
{
    for (unsigned int irq = 0; irq < ARCH_NR_IRQS && d->nr_irqs != 0; irq++) {
        if (atomic_load(&descs[irq].d) == d) {
            irq_take_back(d, &descs[irq], irq);
        }
    }
    return 0;
}

void irq_follow(struct irq_desc *desc, const struct domain *d, const struct vcpu *target)
{
    unsigned int irq = (unsigned int)(desc - descs);

    if (desc->d != d) {
        return; /* given back meanwhile */
    }
    desc->wanted = target != NULL;
    if (target == NULL) {
        arch_irq_disable(irq);
        return;
    }
    if (target->cpu != NULL) {
        arch_irq_route(irq, target->cpu);
    }
    if (!desc->held) {
        arch_irq_enable(irq);
    }
}

static void irq_let_go(void *data __unused)
{
    for (unsigned int irq = 0; irq < arch_irq_count(); irq++) {
        struct irq_desc *desc = &descs[irq];

        if (READ_ONCE(desc->held)) {
            spin_lock(&desc->lock);
            desc->held = false;
            if (desc->wanted) {
                arch_irq_enable(irq);
            }
            spin_unlock(&desc->lock);
        }
    }
}

void irq_init_holding(void)
{
    if (timer_init(&hold_timer, this_cpu(), irq_let_go, NULL) != 0) {
        panic("No memory for a timer of interrupts\n");
    }
}

static void irq_hold(struct irq_desc *desc, unsigned int irq)
{
    arch_irq_disable(irq);
    desc->held = true;
    timer_set(&hold_timer, time_now() + HOLD_TIME); /* others wait a little longer */
    if (!desc->told) {
        desc->told = true;
        printk(XENLOG_WARNING
               "d%u: interrupt %u comes again and again where others run: held back, "
               "10 ms each time. Let its guest take it and end it on one vCPU\n",
               (unsigned int)desc->d->id, irq);
    }
}

/*
 * A guest pays for its interrupts: one that was handed over does not come again before the guest
 * has ended it. But it can end it, or let it be pending again, on one CPU, and have it come on
 * another one, where its vCPU does not run.
 */
static bool irq_intrudes(struct irq_desc *desc)
{
    const struct vcpu *v = current_vcpu();
    s_time_t now;
    bool often;

    if (v == NULL || v->d == desc->d || ++desc->intruded < INTRUDE_MAX) {
        return false;
    }
    now = time_now();
    often = now - desc->since < INTRUDE_TIME;
    desc->since = now;
    desc->intruded = 0;
    return often;
}

/* The owner's lock is held: who had it may have given it back since it was acknowledged. */
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

/*
 * The lock is held while the interrupt is handed over, so that after irq_release no CPU knows its
 * domain any more. One that was acknowledged before irq_release and comes here after it has no owner,
 * or is the next owner's: once too often, which drivers bear.
 */
void irq_dispatch(unsigned int irq)
{
    struct irq_desc *desc;

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
    spin_lock(&desc->lock);
    if (desc->d != NULL) {
        arch_virq_forward(desc->d, desc->virq, irq);
        if (irq_intrudes(desc)) {
            irq_hold(desc, irq);
        }
    } else {
        irq_spurious(irq);
    }
    spin_unlock(&desc->lock);
}
