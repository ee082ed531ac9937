/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's interrupt controller, PLIC or AIA: the table through which the port reaches it, and
 * what both drivers need. What guests see of it is <asm/virq.h>'s. Device registers are 32 bits
 * wide, little-endian.
 */
#pragma once

#include <asm/csr.h>
#include <xen/compiler.h>
#include <xen/types.h>

struct cpu;
struct domain;
struct dt_node;
struct fdt_builder;

struct irqchip {
    void (*init_cpu)(struct cpu *c);
    void (*send_ipi)(const struct cpu *c); /* as arch_cpu_kick */
    void (*external)(void);                /* supervisor external interrupt on this CPU: take one */

    /* As arch_irq_* [<arch/irq.h>]. */
    void (*enable)(unsigned int irq);
    void (*disable)(unsigned int irq);
    void (*set_type)(unsigned int irq, bool edge); /* NULL: the machine's wiring has fixed it */
    void (*route)(unsigned int irq, const struct cpu *c);
    void (*end)(unsigned int irq);

    /* Its nodes for d in place of the host's; cpu_intc: the phandle of vCPU 0's own controller. */
    void (*dt_write)(struct domain *d, const struct dt_node *node, uint32_t cpu_intc,
                     struct fdt_builder *out);
};

extern const struct irqchip *irqchip; /* the one that this machine has */
extern const struct irqchip plic_chip, aia_chip;

/* Find and start it: how many interrupts it has, 0 included, which is none. 0: the machine has no
 * such controller. Panic: it has one that cannot be used. */
unsigned int plic_probe(void);
unsigned int aia_probe(void);

/* intc_dt.c: the hart that entry `index` of a controller's interrupts-extended goes to, and the
 * hart's interrupt; -ENOENT past the last or where the list is damaged, -EINVAL for an entry that
 * names no hart. */
int __must_check intc_dt_target(const struct dt_node *node, uint32_t index, uint64_t *hart,
                                uint32_t *irq);
/* How many entries; and the one that is the external interrupt of a hart's supervisor mode, or
 * -ENOENT. */
uint32_t intc_dt_count(const struct dt_node *node);
int __must_check intc_dt_index(const struct dt_node *node, uint64_t hart);
/* The same property for d's vCPUs: their external interrupts. cpu_intc: as in dt_write. */
void intc_dt_write_targets(const struct domain *d, uint32_t cpu_intc, struct fdt_builder *out);

/* Bit n of a map of words, as controllers have them. */
static inline bool chip_bit(const uint32_t *map, uint32_t n)
{
    return (map[n / 32u] >> (n % 32u) & 1u) != 0;
}

static inline void chip_set_bit(uint32_t *map, uint32_t n, bool on)
{
    uint32_t bit = 1u << (n % 32u);

    map[n / 32u] = on ? map[n / 32u] | bit : map[n / 32u] & ~bit;
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
