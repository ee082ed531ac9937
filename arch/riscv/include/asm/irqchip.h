/*
 * An interrupt controller of the host and the virtual one that guests get with it: the table
 * through which irq.c reaches PLIC or AIA. Device registers are 32 bits wide, little-endian.
 */
#pragma once

#include <asm/csr.h>
#include <xen/compiler.h>
#include <xen/cpu.h>
#include <xen/domain.h>
#include <xen/types.h>

struct dt_node;
struct fdt_builder;

struct irqchip {
    bool guest_aia;              /* guests have interrupt files */
    unsigned int (*count)(void); /* host interrupts, 0 included, which is none */
    void (*init_cpu)(struct cpu *c);

    /* As arch_irq_* [<arch/irq.h>]. */
    void (*enable)(unsigned int irq);
    void (*disable)(unsigned int irq);
    void (*set_type)(unsigned int irq, bool edge);
    void (*route)(unsigned int irq, const struct cpu *c);
    void (*end)(unsigned int irq);

    void (*external)(void); /* supervisor external interrupt on this CPU: take one */
    void (*guest)(void);    /* supervisor guest external interrupt */
    void (*send_ipi)(const struct cpu *c);

    int (*domain_create)(struct domain *d);
    void (*domain_destroy)(struct domain *d);
    int (*vcpu_create)(struct vcpu *v);
    void (*vcpu_destroy)(struct vcpu *v);
    uint64_t (*vcpu_reset)(struct vcpu *v); /* bits of hvip that stay pending */
    void (*vcpu_save)(struct vcpu *v);
    void (*vcpu_load)(struct vcpu *v);

    /* As arch_virq_*; inject is for d as a whole, and what forwarding does. */
    int (*virq_route)(struct domain *d, unsigned int virq, unsigned int irq);
    void (*virq_unroute)(struct domain *d, unsigned int virq);
    void (*virq_inject)(struct domain *d, unsigned int virq);

    /* Its host registers overlap this range. */
    bool (*overlaps)(paddr_t start, paddr_t end);
    /* Its nodes for d in place of the host's; cpu_intc: the phandle of vCPU 0's own controller. */
    void (*dt_write)(struct domain *d, const struct dt_node *node, uint32_t cpu_intc,
                     struct fdt_builder *out);
};

extern const struct irqchip *irqchip; /* the one that this machine has */

/* NULL: the machine has none. Panic: it has one that cannot be used. */
const struct irqchip *plic_probe(void);
const struct irqchip *aia_probe(void);

/* intc_dt.c: the hart that entry `index` of a controller's interrupts-extended goes to, and the
 * hart's interrupt; -ENOENT past the last or where the list is damaged, -EINVAL for an entry that
 * names no hart. */
int __must_check intc_dt_target(const struct dt_node *node, uint32_t index, uint64_t *hart,
                                uint32_t *irq);
/* The same property for d's vCPUs: their external interrupts. cpu_intc: as in dt_write. */
void intc_dt_write_targets(const struct domain *d, uint32_t cpu_intc, struct fdt_builder *out);

/* upcall.c. v is current or NULL: its event bit, if no event stands behind it any more, goes. */
void virq_settle_event(struct vcpu *v);
void virq_init_cpu(void);

/* Is v's hvip in this CPU's register? Only this CPU makes it so. */
static inline bool virq_loaded_here(const struct vcpu *v)
{
    return atomic_load(&v->arch.virq.loaded) == this_cpu();
}

static inline uint32_t chip_read(const uint8_t *base, uint32_t offset)
{
    uint32_t value = *(const volatile uint32_t *)(const void *)(base + offset);

    fence(i, ir); /* what the register says is known before anything that follows from it */
    return value;
}

static inline void chip_write(uint8_t *base, uint32_t offset, uint32_t value)
{
    fence(iorw, o); /* whom this lets act sees all stores before */
    *(volatile uint32_t *)(void *)(base + offset) = value;
}

static inline bool chip_overlaps(paddr_t start, paddr_t end, paddr_t region, uint64_t size)
{
    return start < region + size && region < end;
}
