/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine under the model: registers of the host's GICv2 for each CPU, host interrupts, and the
 * little of the core that the virtual one needs. body.h is the port's sources without their
 * headers.
 */
#pragma once

#define __must_check
#define __unused               __attribute__((unused))
#define __noinline             __attribute__((noinline))
#define LOCK_VIRQ              0
#define LOCK_IRQ               0
#define XENLOG_WARNING         ""
#define CNT_CTL_ENABLE         1ul
#define CNT_CTL_IMASK          2ul
#define arch_counter()         0ul
#define CPU_PENDING_VIRQ       1u
#define ARCH_NR_IRQS           1020u
#define spin_init(l, rank)     ((void)(l))
#define spin_lock(l)           ((void)(l))
#define spin_unlock(l)         ((void)(l))
#define atomic_load(p)         (*(p))
#define atomic_load_acquire(p) (*(p))
#define READ_ONCE(x)           (x)
#define ARRAY_SIZE(a)          (sizeof(a) / sizeof((a)[0]))
#define printk(...)            ((void)0)
#define ctz64(x)               ((unsigned int)__builtin_ctzll(x))
#define min_u32(a, b)          ((a) < (b) ? (a) : (b))
#define heap_alloc(size)       calloc(1, size)
#define heap_free(p, size)     free(p)

typedef int spinlock_t;
typedef uint64_t paddr_t;
struct dt_node;

struct cpu {
    struct vcpu *current;
    bool pending; /* asked to flush */
    uint32_t lr[16], hcr, vmcr, apr;
};

static struct cpu cpus[2], *self = cpus;

static struct cpu *this_cpu(void)
{
    return self;
}

static void cpu_request(struct cpu *c, uint32_t work)
{
    (void)work;
    c->pending = true;
}

static uint64_t index_nospec(uint64_t index, uint64_t size)
{
    return index < size ? index : 0;
}

enum mmio_result {
    MMIO_HANDLED,
    MMIO_ERROR
};

struct mmio_access {
    uint8_t size;
    bool write;
    uint64_t data;
};

struct vcpu;
typedef enum mmio_result mmio_fn(struct vcpu *v, struct mmio_access *a, uint64_t offset,
                                 void *data);

static uint32_t gic_load(const uint8_t *base, uint32_t offset);
static void gic_store(uint8_t *base, uint32_t offset, uint32_t value);

#include "types.h"

#define ARCH_VUART_IRQ 32u

struct domain {
    uint32_t max_vcpus;
    bool is_hardware;
    bool is_dying;
    spinlock_t lock;
    uint32_t nr_irqs;
    struct vcpu **vcpu; /* NULL, as vuart: irq_assign asks for nothing else */
    struct vpl011 *vuart;
    struct {
        struct arch_vgic_domain vgic;
        uint64_t cntvoff;
    } arch;
};

struct vcpu {
    uint32_t id;
    uint32_t pause_flags;
    struct domain *d;
    struct cpu *cpu;
    struct {
        struct arch_vgic_vcpu vgic;
        struct vtimer {
            uint64_t virt_ctl, virt_cval;
        } timer;
    } arch;
};

static struct vcpu *current_vcpu(void)
{
    return self->current;
}

static void vcpu_kick(struct vcpu *v)
{
    if (v->arch.vgic.loaded != NULL && v->arch.vgic.loaded != self) {
        v->arch.vgic.loaded->pending = true;
    }
}

/* A second passes from one look to the next, so no interrupt comes too often. */
typedef int64_t s_time_t;
struct timer {
    int unused;
};

static s_time_t machine_time;

#define MILLISECS(n)               ((s_time_t)(n) * 1000000)
#define time_now()                 (machine_time += 1000000000)
#define timer_init(t, c, fn, data) ((void)(t), (void)(fn), 0)
#define timer_set(t, when)         ((void)(t))
#define panic(...)                 abort()

struct vcpu *domain_vcpu(const struct domain *d, uint64_t id);

/* Host interrupts. */
static struct {
    bool enabled, active;
    struct cpu *target;
} hosts[ARCH_NR_IRQS];

static unsigned int arch_irq_count(void)
{
    return ARCH_NR_IRQS;
}

static unsigned int arch_irq_first_shared(void)
{
    return 32;
}

static void arch_irq_enable(unsigned int irq)
{
    hosts[irq].enabled = true;
}

static void arch_irq_disable(unsigned int irq)
{
    hosts[irq].enabled = false;
}

static void arch_irq_set_type(unsigned int irq, bool edge)
{
    (void)irq;
    (void)edge;
}

static void arch_irq_route(unsigned int irq, const struct cpu *c)
{
    hosts[irq].target = &cpus[c - cpus];
}

static void arch_irq_end(unsigned int irq)
{
    hosts[irq].active = false;
}

/* A device raises it: the CPU that it goes to plays. */
static bool machine_host_fire(unsigned int irq)
{
    if (!hosts[irq].enabled || hosts[irq].active) {
        return false;
    }
    hosts[irq].active = true;
    self = hosts[irq].target;
    return true;
}

static void machine_host_end(unsigned int irq)
{
    hosts[irq].active = false;
}

static bool machine_host_enabled(unsigned int irq)
{
    return hosts[irq].enabled;
}

static const struct cpu *machine_host_target(unsigned int irq)
{
    return hosts[irq].target;
}

static bool machine_host_active(unsigned int irq)
{
    return hosts[irq].active;
}

int arch_virq_route(struct domain *d, unsigned int virq, unsigned int irq);
void arch_virq_unroute(struct domain *d, unsigned int virq);
void arch_virq_forward(struct domain *d, unsigned int virq, unsigned int irq);

#include "body.h"

struct gicv2 gic;

void gicv2_request(uint32_t irq, void (*fn)(unsigned int irq, void *data))
{
    (void)irq;
    (void)fn;
}

/* Registers in use that hold nothing [GICv2 5.3.6, 5.3.7]: ended with LR_EOI, or not. */
static uint32_t machine_empty(bool eoi)
{
    uint32_t i, bits = 0;

    for (i = 0; i < gic.nr_lrs; i++) {
        if ((self->lr[i] & LR_STATE) == 0 && ((self->lr[i] & (LR_EOI | LR_HW)) == LR_EOI) == eoi) {
            bits |= 1u << i;
        }
    }
    return bits;
}

static bool machine_maintenance(void)
{
    uint32_t used =
        gic.nr_lrs - (uint32_t)__builtin_popcount(machine_empty(false) | machine_empty(true));

    return machine_empty(true) != 0 || ((self->hcr & GICH_HCR_UIE) != 0 && used <= 1);
}

/* It may come without another access. */
static bool machine_will_interrupt(void)
{
    uint32_t i;

    for (i = 0; i < gic.nr_lrs; i++) {
        if ((self->lr[i] & LR_EOI) != 0 && (self->lr[i] & LR_HW) == 0) {
            return true;
        }
    }
    return (self->hcr & GICH_HCR_UIE) != 0;
}

static uint32_t gic_load(const uint8_t *base, uint32_t offset)
{
    if (base != gic.hyp) {
        return 0;
    }
    switch (offset) {
    case GICH_VMCR: return self->vmcr;
    case GICH_APR: return self->apr;
    case GICH_EISR0: return machine_empty(true);
    case GICH_ELSR0: return machine_empty(false);
    default: return self->lr[(offset - GICH_LR(0)) / 4u % 16u];
    }
}

static void gic_store(uint8_t *base, uint32_t offset, uint32_t value)
{
    if (base == gic.dist && offset >= GICD_ICACTIVER && offset < GICD_IPRIORITYR) {
        machine_host_end((offset - GICD_ICACTIVER) * 8u + ctz64(value));
    } else if (base == gic.hyp) {
        switch (offset) {
        case GICH_HCR: self->hcr = value; break;
        case GICH_VMCR: self->vmcr = value; break;
        case GICH_APR: self->apr = value; break;
        default: self->lr[(offset - GICH_LR(0)) / 4u % 16u] = value; break;
        }
    }
}

static void machine_init(uint32_t nr_lrs)
{
    static uint8_t places[3];

    gic.dist = &places[0];
    gic.cpu = &places[1];
    gic.hyp = &places[2];
    gic.nr_lrs = nr_lrs;
    gic.nr_irqs = ARCH_NR_IRQS;
    irq_init();
}
