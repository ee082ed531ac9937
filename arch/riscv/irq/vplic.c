/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PLIC that a guest sees [RVPLIC 3-9], with a context for each vCPU, whose number is the
 * vCPU's. A source is in one of four states:
 *
 *                inject                claim                 inject
 *         IDLE ---------> PENDING -----------------> CLAIMED -----> CLAIMED, PENDING
 *           ^                ^                       |            |
 *           +----------------|-----------------------+            |
 *                            +------------------------------------+
 *                                        complete
 *
 * A source that a host interrupt stands behind is claimed at the host from the time it came until
 * the guest completes it, so that a level that is still high then comes again, once. It is enabled
 * at the host while a context enables it, and goes to the CPU of the first such vCPU.
 *
 * The output to a vCPU is VSEIP in hvip. It is taken back only by the vCPU's own accesses: another
 * vCPU that claims an interrupt first leaves this one a claim that reads 0.
 */
#include <arch/irq.h>
#include <asm/irqchip.h>
#include <asm/plic.h>
#include <asm/virq.h>
#include <public/arch-riscv.h>
#include <xen/bitops.h>
#include <xen/errno.h>
#include <xen/heap.h>
#include <xen/irq.h>
#include <xen/nospec.h>
#include <xen/spinlock.h>

#define VSEIP (1ul << IRQ_VS_EXTERNAL)

struct vplic_context {
    uint32_t enable[PLIC_WORDS];
    uint32_t threshold;
};

struct vplic {
    spinlock_t lock;
    uint32_t nr_irqs; /* source 0 included */
    uint32_t words;   /* of bitmaps that nr_irqs needs */
    uint32_t nr_contexts;
    uint32_t pending[PLIC_WORDS];
    uint32_t claimed[PLIC_WORDS];
    uint8_t priority[PLIC_WORDS * 32u];
    uint16_t host[PLIC_WORDS * 32u]; /* host interrupt behind it, 0: none */
    struct vplic_context context[];
};

static bool vplic_has(const struct vplic *p, uint32_t n)
{
    return n != 0 && n < p->nr_irqs;
}

/* The ready source of highest priority above `over` in a context, the lowest number of equals
 * [RVPLIC 8]; 0: none. Lock held. */
static uint32_t vplic_best(const struct vplic *p, const struct vplic_context *c, uint32_t over)
{
    uint32_t best = 0;

    for (uint32_t w = 0; w < p->words; w++) {
        for_each_bit(bit, p->pending[w] & ~p->claimed[w] & c->enable[w]) {
            uint32_t n = w * 32u + (uint32_t)bit;

            if (p->priority[n] > over) {
                over = p->priority[n];
                best = n;
            }
        }
    }
    return best;
}

/* Make v's VSEIP what its context says. Lock held. */
static void vplic_signal(struct vplic *p, struct vcpu *v)
{
    const struct vplic_context *c = &p->context[v->id];

    if (vplic_best(p, c, c->threshold) != 0) {
        virq_raise(v, VSEIP);
    } else if (virq_loaded_here(v)) {
        csr_clear(CSR_HVIP, VSEIP); /* not virq_clear: what another CPU raises meanwhile stays */
    }
}

/* Source n may have become deliverable. Lock held. */
static void vplic_offer(struct vplic *p, struct domain *d, uint32_t n)
{
    if (!chip_bit(p->pending, n) || chip_bit(p->claimed, n)) {
        return;
    }
    for (uint32_t i = 0; i < p->nr_contexts; i++) {
        const struct vplic_context *c = &p->context[i];

        if (chip_bit(c->enable, n) && p->priority[n] > c->threshold) {
            struct vcpu *v = domain_vcpu(d, i);

            if (v != NULL) {
                virq_raise(v, VSEIP);
            }
        }
    }
}

static void vplic_inject(struct domain *d, unsigned int virq)
{
    struct vplic *p = d->arch.virq.vplic;

    if (!vplic_has(p, virq)) {
        return;
    }
    spin_lock(&p->lock);
    chip_set_bit(p->pending, virq, true);
    vplic_offer(p, d, virq);
    spin_unlock(&p->lock);
}

/* The vCPU with the lowest number in whose context n is enabled; NULL: none. */
static struct vcpu *vplic_target(const struct vplic *p, const struct domain *d, uint32_t n)
{
    for (uint32_t i = 0; i < p->nr_contexts; i++) {
        if (chip_bit(p->context[i].enable, n)) {
            return domain_vcpu(d, i);
        }
    }
    return NULL;
}

/* Make the host agree with the enable bits and the target of n. Lock not held. */
static void vplic_update_host(struct domain *d, uint32_t n)
{
    const struct vplic *p = d->arch.virq.vplic;
    uint32_t host = READ_ONCE(p->host[n]);
    struct irq_desc *desc = irq_desc(host);

    if (desc == NULL || host == 0) {
        return;
    }
    spin_lock(&desc->lock);
    irq_follow(desc, d, vplic_target(p, d, n));
    spin_unlock(&desc->lock);
}

static uint32_t vplic_claim(struct vplic *p, struct vcpu *v)
{
    uint32_t n;

    spin_lock(&p->lock);
    n = vplic_best(p, &p->context[v->id], 0); /* whatever the threshold is [RVPLIC 8] */
    if (n != 0) {
        chip_set_bit(p->pending, n, false);
        chip_set_bit(p->claimed, n, true);
    }
    vplic_signal(p, v);
    spin_unlock(&p->lock);
    return n;
}

/* Of whoever claimed it: a guest may have moved the interrupt to another context meanwhile. */
static void vplic_complete(struct vplic *p, struct domain *d, uint32_t n)
{
    uint32_t host = 0;

    if (!vplic_has(p, n)) {
        return;
    }
    n = (uint32_t)index_nospec(n, p->nr_irqs);
    spin_lock(&p->lock);
    if (chip_bit(p->claimed, n)) {
        chip_set_bit(p->claimed, n, false);
        host = p->host[n];
        vplic_offer(p, d, n);
    }
    spin_unlock(&p->lock);
    if (host != 0) {
        plic_end(host);
    }
}

static uint32_t vplic_context_read(struct vplic *p, struct vcpu *v, uint32_t offset)
{
    uint32_t context = offset / PLIC_CONTEXT_STRIDE, reg = offset % PLIC_CONTEXT_STRIDE;

    if (context >= p->nr_contexts) {
        return 0;
    }
    context = (uint32_t)index_nospec(context, p->nr_contexts);
    if (reg == PLIC_THRESHOLD) {
        return p->context[context].threshold;
    }
    /* A hart claims for itself: the output of others is theirs to lower. */
    return reg == PLIC_CLAIM && context == v->id ? vplic_claim(p, v) : 0;
}

static void vplic_context_write(struct vplic *p, struct vcpu *v, uint32_t offset, uint32_t value)
{
    uint32_t context = offset / PLIC_CONTEXT_STRIDE, reg = offset % PLIC_CONTEXT_STRIDE;
    struct vcpu *t = domain_vcpu(v->d, context);

    if (context >= p->nr_contexts || t == NULL) {
        return;
    }
    context = (uint32_t)index_nospec(context, p->nr_contexts);
    if (reg == PLIC_THRESHOLD) {
        spin_lock(&p->lock);
        p->context[context].threshold = value & PLIC_PRIORITY_MAX;
        vplic_signal(p, t);
        spin_unlock(&p->lock);
    } else if (reg == PLIC_CLAIM) {
        vplic_complete(p, v->d, value);
    }
}

static uint32_t vplic_enable_read(struct vplic *p, uint32_t offset)
{
    uint32_t context = offset / PLIC_ENABLE_STRIDE, w = offset % PLIC_ENABLE_STRIDE / 4u;
    bool there = context < p->nr_contexts && w < p->words;

    return there ? p->context[index_nospec(context, p->nr_contexts)].enable[w] : 0;
}

static void vplic_enable_write(struct vplic *p, struct domain *d, uint32_t offset, uint32_t value)
{
    uint32_t context = offset / PLIC_ENABLE_STRIDE, w = offset % PLIC_ENABLE_STRIDE / 4u, changed;
    struct vcpu *t = domain_vcpu(d, context);

    if (context >= p->nr_contexts || w >= p->words || t == NULL) {
        return;
    }
    context = (uint32_t)index_nospec(context, p->nr_contexts);
    value &= w == 0 ? ~1u : UINT32_MAX;
    if (w == p->words - 1u && p->nr_irqs % 32u != 0) {
        value &= (1u << (p->nr_irqs % 32u)) - 1u;
    }
    spin_lock(&p->lock);
    changed = p->context[context].enable[w] ^ value;
    p->context[context].enable[w] = value;
    if (changed != 0) {
        vplic_signal(p, t);
    }
    spin_unlock(&p->lock);
    for (; changed != 0; changed &= changed - 1u) {
        vplic_update_host(d, w * 32u + ctz64(changed));
    }
}

static void vplic_priority_write(struct vplic *p, struct vcpu *v, uint32_t n, uint32_t value)
{
    if (!vplic_has(p, n)) {
        return;
    }
    n = (uint32_t)index_nospec(n, p->nr_irqs);
    spin_lock(&p->lock);
    p->priority[n] = (uint8_t)(value & PLIC_PRIORITY_MAX);
    vplic_offer(p, v->d, n);
    vplic_signal(p, v);
    spin_unlock(&p->lock);
}

static uint32_t vplic_read(struct vplic *p, struct vcpu *v, uint32_t offset)
{
    if (offset >= PLIC_CONTEXT) {
        return vplic_context_read(p, v, offset - PLIC_CONTEXT);
    }
    if (offset >= PLIC_ENABLE) {
        return vplic_enable_read(p, offset - PLIC_ENABLE);
    }
    if (offset >= PLIC_PENDING) {
        offset = (offset - PLIC_PENDING) / 4u;
        return offset < p->words ? p->pending[index_nospec(offset, p->words)] : 0;
    }
    return p->priority[index_nospec(offset / 4u, ARRAY_SIZE(p->priority))];
}

static void vplic_write(struct vplic *p, struct vcpu *v, uint32_t offset, uint32_t value)
{
    if (offset >= PLIC_CONTEXT) {
        vplic_context_write(p, v, offset - PLIC_CONTEXT, value);
    } else if (offset >= PLIC_ENABLE) {
        vplic_enable_write(p, v->d, offset - PLIC_ENABLE, value);
    } else if (offset < PLIC_PENDING) {
        vplic_priority_write(p, v, offset / 4u, value);
    }
}

/* Reserved space reads as zero and ignores writes; only words are accessed [RVPLIC 3]. */
static enum mmio_result vplic_access(struct vcpu *v, struct mmio_access *a, uint64_t offset,
                                     void *data)
{
    struct vplic *p = data;

    if (a->size != 4) {
        return MMIO_ERROR;
    }
    if (a->write) {
        vplic_write(p, v, (uint32_t)offset, (uint32_t)a->data);
    } else {
        a->data = vplic_read(p, v, (uint32_t)offset);
    }
    return MMIO_HANDLED;
}

static int vplic_route(struct domain *d, unsigned int virq, unsigned int irq)
{
    struct vplic *p = d->arch.virq.vplic;
    bool free;

    if (!vplic_has(p, virq) || irq == 0 || irq >= plic.nr_irqs) {
        return -EINVAL;
    }
    spin_lock(&p->lock);
    free = p->host[virq] == 0 && vplic_target(p, d, virq) == NULL && !chip_bit(p->pending, virq) &&
           !chip_bit(p->claimed, virq);
    if (free) {
        p->host[virq] = (uint16_t)irq;
    }
    spin_unlock(&p->lock);
    return free ? 0 : -EBUSY;
}

/* One that waits here is still claimed at the host. */
static void vplic_unroute(struct domain *d, unsigned int virq)
{
    struct vplic *p = d->arch.virq.vplic;
    uint32_t host = 0;

    if (!vplic_has(p, virq)) {
        return;
    }
    spin_lock(&p->lock);
    if (chip_bit(p->pending, virq) || chip_bit(p->claimed, virq)) {
        host = p->host[virq];
    }
    p->host[virq] = 0;
    chip_set_bit(p->pending, virq, false);
    chip_set_bit(p->claimed, virq, false);
    spin_unlock(&p->lock);
    if (host != 0) {
        plic_end(host);
    }
}

/* Host interrupts that go to v follow it to this CPU. */
static void vplic_vcpu_load(struct vcpu *v)
{
    const struct vplic *p = v->d->arch.virq.vplic;

    if (v->arch.virq.routed == this_cpu()) {
        return;
    }
    v->arch.virq.routed = this_cpu();
    for (uint32_t w = 0; w < p->words; w++) {
        for_each_bit(bit, READ_ONCE(p->context[v->id].enable[w])) {
            vplic_update_host(v->d, w * 32u + (uint32_t)bit);
        }
    }
}

static size_t vplic_bytes(const struct domain *d)
{
    return sizeof(struct vplic) + d->max_vcpus * sizeof(struct vplic_context);
}

static int vplic_domain_create(struct domain *d)
{
    struct vplic *p = heap_alloc(vplic_bytes(d));
    paddr_t base = d->is_privileged ? plic.pa : GUEST_PLIC_BASE;
    uint64_t size = d->is_privileged ? plic.size : GUEST_PLIC_SIZE;
    int rc;

    if (p == NULL) {
        return -ENOMEM;
    }
    spin_init(&p->lock, LOCK_VIRQ);
    p->nr_irqs = plic.nr_irqs;
    p->words = (p->nr_irqs + 31u) / 32u;
    p->nr_contexts = d->max_vcpus;
    rc = mmio_register(d, base, base + size, vplic_access, p);
    if (rc != 0) {
        heap_free(p, vplic_bytes(d));
        return rc;
    }
    d->arch.virq.vplic = p;
    return 0;
}

static void vplic_domain_destroy(struct domain *d)
{
    heap_free(d->arch.virq.vplic, vplic_bytes(d));
    d->arch.virq.vplic = NULL;
}

const struct virqchip vplic_chip = {
    .domain_create = vplic_domain_create,
    .domain_destroy = vplic_domain_destroy,
    .vcpu_load = vplic_vcpu_load,
    .route = vplic_route,
    .unroute = vplic_unroute,
    .inject = vplic_inject,
};
