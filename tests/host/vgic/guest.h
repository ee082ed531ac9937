/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the guest does on the CPU that plays, and what it may then expect: each step keeps its own
 * record of every interrupt.
 */
#pragma once

#include "machine.h"

#define NR_CPUS  2u
#define NR_VCPUS 3u
#define NR_IRQS  40u
#define PPI      20u
#define LINE     30u
#define FIRST_HW 36u /* shared interrupts from here on have a host interrupt behind them */
#define HOST(n)  ((n) + 100u)
#define IDLE     NR_VCPUS

/* What the guest may expect of one interrupt. SGIs: bits of sources; else 1. */
struct expected {
    uint8_t pending;
    uint8_t late;   /* may come once more: a list register kept what was cleared or raised anew */
    uint8_t active; /* how many instances: at most one for each source */
    enum {
        ON,
        OFF_SOON, /* when another CPU has emptied its list register */
        OFF
    } off;
};

struct taken {
    uint32_t virq, source, priority;
};

static struct expected private[NR_VCPUS][32], shared[NR_IRQS];
static struct taken stack[NR_VCPUS][32];
static uint32_t depth[NR_VCPUS];
static bool line_high[NR_VCPUS];
static struct vcpu vcpus[NR_VCPUS];
static struct domain dom = {.max_vcpus = NR_VCPUS, .is_hardware = true};
static uint64_t step;

static struct expected *expected(const struct vcpu *v, uint32_t virq)
{
    return virq < 32 ? &private[v->id][virq] : &shared[virq];
}

static void fail(const char *what, const struct vcpu *v, uint32_t virq)
{
    printf("step %llu: %s: interrupt %u of vCPU %u\n", (unsigned long long)step, what, virq, v->id);
    exit(1);
}

struct vcpu *domain_vcpu(const struct domain *d, uint64_t id)
{
    (void)d;
    return id < NR_VCPUS ? &vcpus[id] : NULL;
}

static uint32_t pick(uint32_t n)
{
    return (uint32_t)rand() % n;
}

static uint32_t pick_virq(void)
{
    static const uint32_t virqs[] = {0, 1, PPI, 32, 33, 34, FIRST_HW, FIRST_HW + 1, FIRST_HW + 2};

    return virqs[pick(sizeof(virqs) / sizeof(virqs[0]))];
}

static uint32_t access(uint32_t offset, uint32_t size, bool write, uint32_t value)
{
    struct mmio_access a = {.size = (uint8_t)size, .write = write, .data = value};

    if (vgic_dist_access(self->current, &a, offset, NULL) != MMIO_HANDLED) {
        fail("access refused", self->current, offset);
    }
    return (uint32_t)a.data;
}

static void write_bit(uint32_t reg, uint32_t virq)
{
    access(reg + virq / 32u * 4u, 4, true, 1u << (virq % 32u));
}

/* The state of v's virq may be in a list register of another CPU, which is told, but later. */
static bool is_elsewhere(struct vcpu *v, uint32_t virq)
{
    const struct vgic_irq *irq = vgic_irq(v, virq);
    const struct cpu *c = vcpus[vgic_owner(irq)].arch.vgic.loaded;

    return vgic_is(irq, VGIC_IN_LR) && c != NULL && c != self;
}

/* It is raised: once more for sure, perhaps twice if a list register of another CPU, or of the vCPU
 * that was its target before, still has it. */
static void expect(struct vcpu *v, uint32_t virq, uint32_t source)
{
    const struct vgic_irq *irq = vgic_irq(v, virq);
    bool moved =
        virq >= 32 && vgic_is(irq, VGIC_IN_LR) && vgic_target(&dom, irq) != &vcpus[vgic_owner(irq)];
    struct expected *e = expected(v, virq);

    e->pending |= (uint8_t)(1u << source);
    e->late |= moved || is_elsewhere(v, virq) ? (uint8_t)(1u << source) : 0;
}

/* v's queue has virq, which waits neither for the end of an interrupt nor for another CPU. */
static bool is_stuck(struct vcpu *v, uint32_t virq)
{
    const struct vgic_irq *irq = vgic_queued(v, virq);

    return (v->arch.vgic.queue[virq / 32u] & 1u << (virq % 32u)) != 0 && irq != NULL &&
           (!vgic_is(irq, VGIC_ACTIVE) || vgic_owner(irq) == v->id) && !is_elsewhere(v, virq) &&
           !self->pending && !machine_will_interrupt();
}

/* The way back to the guest on this CPU: maintenance, flush. Then nothing waits that nobody will
 * look for, and what was switched off does not come any more. */
static void gate(void)
{
    struct vcpu *v = self->current;
    uint32_t i, virq;

    if (v == NULL) {
        return;
    }
    for (i = 0; i < 4 && (self->pending || machine_maintenance()); i++) {
        if (machine_maintenance()) {
            vgic_maintenance(0, NULL);
        }
        self->pending = false;
        arch_virq_flush(v);
    }
    for (virq = 0; virq < NR_IRQS; virq++) {
        struct expected *e = expected(v, virq);

        if (is_stuck(v, virq)) {
            fail("waits, but nobody will look", v, virq);
        }
        e->off = e->off == OFF_SOON && !is_elsewhere(v, virq) ? OFF : e->off;
    }
}

static void guest_enable(uint32_t virq, bool on)
{
    struct vcpu *v = self->current;
    bool elsewhere = is_elsewhere(v, virq);

    write_bit(on ? GICD_ISENABLER : GICD_ICENABLER, virq);
    if (virq >= 16) {
        expected(v, virq)->off = on ? ON : elsewhere ? OFF_SOON : OFF;
    }
    if (virq >= FIRST_HW && machine_host_enabled(HOST(virq)) != on) {
        fail("the host did not follow", v, virq);
    }
}

static void guest_take(void)
{
    struct vcpu *v = self->current;
    uint32_t best = UINT32_MAX, i;
    struct taken t;

    for (i = 0; i < gic.nr_lrs; i++) {
        uint32_t lr = self->lr[i];

        if ((lr & LR_STATE) == LR_PENDING &&
            (best == UINT32_MAX || (lr & LR_PRIORITY) < (self->lr[best] & LR_PRIORITY))) {
            best = i;
        }
    }
    if (best == UINT32_MAX) {
        return;
    }
    t.virq = LR_VIRQ(self->lr[best]);
    t.source = t.virq < 16 ? LR_SOURCE(self->lr[best]) : 0;
    t.priority = self->lr[best] & LR_PRIORITY;
    if (depth[v->id] != 0 && t.priority >= stack[v->id][depth[v->id] - 1u].priority) {
        return;
    }
    struct expected *e = expected(v, t.virq);
    if (((e->pending | e->late) & 1u << t.source) == 0) {
        fail("came without a cause", v, t.virq);
    }
    if (e->off == OFF) {
        fail("came while disabled", v, t.virq);
    }
    if ((e->active & 1u << t.source) != 0) {
        fail("came while active", v, t.virq);
    }
    if ((e->pending & 1u << t.source) == 0) {
        e->late &= (uint8_t)~(1u << t.source);
    }
    e->pending &= (uint8_t)~(1u << t.source);
    e->active |= (uint8_t)(1u << t.source);
    self->lr[best] ^= LR_STATE;
    stack[v->id][depth[v->id]++] = t;
}

static void guest_ended(struct vcpu *v, const struct taken *t)
{
    struct expected *e = expected(v, t->virq);

    depth[v->id]--;
    e->active &= (uint8_t)~(1u << t->source);
    if (t->virq == LINE && line_high[v->id]) {
        e->pending = 1;
    }
}

static void guest_end(void)
{
    struct vcpu *v = self->current;
    const struct taken *t;
    uint32_t i;

    if (depth[v->id] == 0) {
        return;
    }
    t = &stack[v->id][depth[v->id] - 1u];
    for (i = 0; i < gic.nr_lrs; i++) {
        uint32_t *lr = &self->lr[i];

        if (LR_VIRQ(*lr) == t->virq && (*lr & LR_ACTIVE) != 0 &&
            (t->virq >= 16 || LR_SOURCE(*lr) == t->source)) {
            *lr &= ~LR_ACTIVE;
            if ((*lr & LR_HW) != 0) {
                machine_host_end(*lr >> LR_HOST_SHIFT & 0x3ffu);
            }
            guest_ended(v, t);
            return;
        }
    }
    fail("active, but in no list register", v, t->virq);
}

/* Ended without the CPU interface, as Linux does to drop an interrupt. */
static void guest_deactivate(void)
{
    struct vcpu *v = self->current;
    struct taken t;

    if (depth[v->id] != 0) {
        t = stack[v->id][depth[v->id] - 1u];
        if (t.virq >= 16) {
            guest_ended(v, &t);
            write_bit(GICD_ICACTIVER, t.virq);
        }
    }
}

static void guest_clear(uint32_t virq)
{
    struct expected *e = expected(self->current, virq);

    if (virq >= 16) {
        e->late |= is_elsewhere(self->current, virq) ? 1u : 0;
        e->pending = 0;
        write_bit(GICD_ICPENDR, virq);
    } else {
        e->pending = 0;
        access(GICD_CPENDSGIR + virq, 1, true, 0xff);
    }
}

static void guest_set(uint32_t virq)
{
    struct vcpu *v = self->current;
    uint32_t source = virq < 16 ? pick(NR_VCPUS) : 0;

    if (virq >= FIRST_HW) {
        return; /* the host interrupt, still to come, would end what the guest has of this one */
    }
    expect(v, virq, source);
    if (virq >= 16) {
        write_bit(GICD_ISPENDR, virq);
    } else {
        access(GICD_SPENDSGIR + virq, 1, true, 1u << source);
    }
}

static void guest_send(uint32_t sgi)
{
    uint32_t targets = 1u + pick((1u << NR_VCPUS) - 1u), i;

    for (i = 0; i < NR_VCPUS; i++) {
        if ((targets & 1u << i) != 0) {
            expect(&vcpus[i], sgi, self->current->id);
        }
    }
    access(GICD_SGIR, 4, true, targets << 16 | sgi);
}

static void guest_look(uint32_t virq)
{
    const struct expected *e = expected(self->current, virq);
    bool elsewhere = is_elsewhere(self->current, virq);
    uint32_t bit = 1u << (virq % 32u), at = virq / 32u * 4u;

    if (((access(GICD_ISPENDR + at, 4, false, 0) & bit) != 0) != (e->pending != 0) && !elsewhere &&
        e->late == 0) {
        fail("pending bit", self->current, virq);
    }
    if (((access(GICD_ISACTIVER + at, 4, false, 0) & bit) != 0) != (e->active != 0) && !elsewhere) {
        fail("active bit", self->current, virq);
    }
}

/* Off and on again; not while something is active, whose end would then be lost. */
static void guest_restart(void)
{
    uint32_t i;

    for (i = 0; i < NR_VCPUS; i++) {
        if (depth[i] != 0) {
            return;
        }
    }
    access(GICD_CTLR, 4, true, 0);
    for (i = 0; i < gic.nr_lrs; i++) {
        if ((self->lr[i] & LR_STATE) != 0) {
            fail("comes from a distributor that is off", self->current, LR_VIRQ(self->lr[i]));
        }
    }
    access(GICD_CTLR, 4, true, 1);
}

static void guest_acts(void)
{
    uint32_t virq = pick_virq();

    switch (pick(13)) {
    case 0: guest_enable(LINE, pick(4) != 0); break;
    case 1: guest_enable(virq, false); break;
    case 2: guest_clear(virq); break;
    case 3: guest_set(virq); break;
    case 4: access(GICD_IPRIORITYR + virq, 1, true, pick(4) << 6); break;
    case 5: access(GICD_ITARGETSR + virq, 1, true, 1u << pick(NR_VCPUS)); break;
    case 6: guest_send(pick(2)); break;
    case 7: guest_look(virq); break;
    case 8: guest_deactivate(); break;
    case 9: guest_restart(); break;
    default: guest_enable(virq, true); break;
    }
}
