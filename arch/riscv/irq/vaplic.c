/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The APLIC that a guest sees [RVAIA 4.5], in MSI mode only. A source of the guest's:
 *
 *     INACTIVE   mode 0: no other register of it holds anything
 *     own        active, nobody behind it: an edge for emulated devices. `pending` until the domain
 *                and the source are enabled and the target has a file, then a message (vimsic_post)
 *     hosted     active, with a source of the host's behind it, whose registers get what the guest
 *                writes, with the target translated: its messages go to the vCPU's interrupt file
 *                without us. Enabled at the host while the domain and the source are, and the
 *                target has a home. Pending bits are the host's
 *
 * All is under vaplic.lock.
 */
#include <arch/irq.h>
#include <asm/aia.h>
#include <asm/irqchip.h>
#include <asm/virq.h>
#include <public/arch-riscv.h>
#include <xen/bitops.h>
#include <xen/errno.h>
#include <xen/heap.h>
#include <xen/nospec.h>
#include <xen/p2m.h>
#include <xen/printk.h>
#include <xen/spinlock.h>

#define VAPLIC_WORDS (ARCH_NR_IRQS / 32u)

/* Rows of the set and clear registers, in their order from APLIC_SETIP on. */
enum vaplic_row {
    ROW_SETIP,
    ROW_CLRIP,
    ROW_SETIE,
    ROW_CLRIE,
    ROWS
};

struct vaplic {
    spinlock_t lock;
    uint32_t nr_irqs;               /* source 0 included */
    bool on;                        /* domaincfg.IE */
    uint32_t enabled[VAPLIC_WORDS]; /* as the guest has it; only active sources */
    uint32_t pending[VAPLIC_WORDS]; /* of sources without a host's */
    uint32_t hosted[VAPLIC_WORDS];  /* sources with one */
    uint8_t mode[ARCH_NR_IRQS];     /* sourcecfg.SM, 0: inactive */
    uint16_t host[ARCH_NR_IRQS];    /* host source behind it, 0: none */
    uint32_t target[ARCH_NR_IRQS];  /* in the guest's numbers */
};

/* The vCPU that n's messages go to; NULL: its target is none, or has no identity. */
static struct vcpu *vaplic_vcpu(const struct vaplic *a, const struct domain *d, uint32_t n)
{
    uint32_t eiid = a->target[n] & APLIC_TARGET_EIID;

    return eiid == 0 || eiid >= imsic.nr_guest_ids ? NULL : vimsic_find(d, a->target[n]);
}

/* Make the host agree, or send what is pending. Lock held, as for all until the accesses. */
static void vaplic_update(struct vaplic *a, struct domain *d, uint32_t n)
{
    struct vcpu *v = a->on && chip_bit(a->enabled, n) ? vaplic_vcpu(a, d, n) : NULL;

    if (a->host[n] != 0) {
        /* A vCPU without a home gets no interrupts of devices: there is no file to name. */
        bool live = v != NULL && v->arch.virq.file->home != NULL;

        aplic_write((live ? APLIC_SETIE : APLIC_CLRIE) + APLIC_NUM, a->host[n]);
    } else if (v != NULL && chip_bit(a->pending, n)) {
        chip_set_bit(a->pending, n, false);
        vimsic_post(v, a->target[n] & APLIC_TARGET_EIID);
    }
}

/* Not enabled at the host while its target changes, or a message could go half astray. */
static void vaplic_retarget(struct vaplic *a, struct domain *d, uint32_t n)
{
    const struct vcpu *v = vaplic_vcpu(a, d, n);

    if (a->host[n] != 0) {
        aplic_write(APLIC_CLRIE + APLIC_NUM, a->host[n]);
        if (v != NULL) {
            aplic_write(APLIC_TARGET(a->host[n]),
                        v->arch.virq.file->host_target | (a->target[n] & APLIC_TARGET_EIID));
        }
    }
    vaplic_update(a, d, n);
}

static void vaplic_target_write(struct vaplic *a, struct domain *d, uint32_t n, uint32_t value)
{
    if (a->mode[n] != 0) {
        a->target[n] = value & ~0x800u; /* reserved [RVAIA 4.5.16] */
        vaplic_retarget(a, d, n);
    }
}

/* Delegation and reserved modes are not to be had. An inactive source has no other registers. */
static void vaplic_source_write(struct vaplic *a, struct domain *d, uint32_t n, uint32_t value)
{
    value &= 0x407u;
    if (value > 7 || value == 2 || value == 3) {
        value = 0;
    }
    a->mode[n] = (uint8_t)value;
    if (value == 0) {
        chip_set_bit(a->enabled, n, false);
        chip_set_bit(a->pending, n, false);
        a->target[n] = 0;
        vaplic_update(a, d, n);
    }
    if (a->host[n] != 0) {
        aplic_write(APLIC_SOURCECFG(a->host[n]), value);
    }
}

static void vaplic_set_pending(struct vaplic *a, struct domain *d, uint32_t n, bool pending)
{
    if (a->host[n] != 0) {
        aplic_write((pending ? APLIC_SETIP : APLIC_CLRIP) + APLIC_NUM, a->host[n]);
        return;
    }
    chip_set_bit(a->pending, n, pending);
    if (pending) {
        vaplic_update(a, d, n);
    }
}

static void vaplic_bit(struct vaplic *a, struct domain *d, enum vaplic_row row, uint32_t n)
{
    if (n == 0 || n >= a->nr_irqs) {
        return;
    }
    n = (uint32_t)index_nospec(n, a->nr_irqs);
    if (a->mode[n] == 0) {
        return;
    }
    if (row == ROW_SETIP || row == ROW_CLRIP) {
        vaplic_set_pending(a, d, n, row == ROW_SETIP);
        return;
    }
    chip_set_bit(a->enabled, n, row == ROW_SETIE);
    vaplic_update(a, d, n);
}

static void vaplic_row_write(struct vaplic *a, struct domain *d, uint32_t offset, uint32_t value)
{
    enum vaplic_row row = (enum vaplic_row)(offset / 0x100u);
    uint32_t reg = offset % 0x100u;

    if (reg == APLIC_NUM) {
        vaplic_bit(a, d, row, value);
        return;
    }
    for (; reg < VAPLIC_WORDS * 4u && value != 0; value &= value - 1u) {
        vaplic_bit(a, d, row, reg / 4u * 32u + ctz64(value));
    }
}

/* Bits of the sources in word w that the host tells: pending, or the level of the input. */
static uint32_t vaplic_host_bits(const struct vaplic *a, uint32_t w, uint32_t base)
{
    uint32_t result = 0;

    for (uint32_t i = 0; i < 32; i++) {
        uint32_t host = a->host[w * 32u + i];

        if (host != 0 && a->mode[w * 32u + i] != 0) {
            result |= (aplic_read(base + host / 32u * 4u) >> (host % 32u) & 1u) << i;
        }
    }
    return result;
}

static uint32_t vaplic_row_read(const struct vaplic *a, uint32_t offset)
{
    uint32_t w = offset % 0x100u / 4u;

    if (w >= VAPLIC_WORDS) {
        return 0;
    }
    w = (uint32_t)index_nospec(w, VAPLIC_WORDS);
    switch (offset / 0x100u) {
    case ROW_SETIP: return a->pending[w] | vaplic_host_bits(a, w, APLIC_SETIP);
    case ROW_CLRIP: return vaplic_host_bits(a, w, APLIC_CLRIP);
    case ROW_SETIE: return a->enabled[w];
    default: return 0;
    }
}

static void vaplic_domain_write(struct vaplic *a, struct domain *d, uint32_t value)
{
    bool on = (value & APLIC_DOMAINCFG_IE) != 0;

    if (a->on == on) {
        return;
    }
    a->on = on;
    for (uint32_t w = 0; w < VAPLIC_WORDS; w++) {
        /* The others have nothing to send, and nothing that the host must know. */
        uint32_t bits = a->enabled[w] & (a->pending[w] | a->hosted[w]);

        for (; bits != 0; bits &= bits - 1u) {
            vaplic_update(a, d, w * 32u + ctz64(bits));
        }
    }
}

/* The source whose sourcecfg is at `offset`; 0: none. */
static uint32_t vaplic_source(const struct vaplic *a, uint32_t offset)
{
    return (uint32_t)index_nospec(offset / 4u, a->nr_irqs);
}

/* The source whose target is at `offset`; 0: none. */
static uint32_t vaplic_target(const struct vaplic *a, uint32_t offset)
{
    return offset >= APLIC_TARGET(1) ? vaplic_source(a, offset - APLIC_GENMSI) : 0;
}

static uint32_t vaplic_read(const struct vaplic *a, uint32_t offset)
{
    if (offset == APLIC_DOMAINCFG) {
        return APLIC_DOMAINCFG_RO | APLIC_DOMAINCFG_DM | (a->on ? APLIC_DOMAINCFG_IE : 0);
    }
    if (vaplic_source(a, offset) != 0) {
        return a->mode[vaplic_source(a, offset)];
    }
    if (offset >= APLIC_SETIP && offset < APLIC_SETIP + ROWS * 0x100u) {
        return vaplic_row_read(a, offset - APLIC_SETIP);
    }
    return a->target[vaplic_target(a, offset)]; /* of source 0: always 0 */
}

static void vaplic_write(struct vaplic *a, struct domain *d, uint32_t offset, uint32_t value)
{
    if (offset == APLIC_DOMAINCFG) {
        vaplic_domain_write(a, d, value);
    } else if (vaplic_source(a, offset) != 0) {
        vaplic_source_write(a, d, vaplic_source(a, offset), value);
    } else if (offset >= APLIC_SETIP && offset < APLIC_SETIP + ROWS * 0x100u) {
        vaplic_row_write(a, d, offset - APLIC_SETIP, value);
    } else if (offset == APLIC_SETIPNUM_LE || offset == APLIC_SETIPNUM_BE) {
        vaplic_bit(a, d, ROW_SETIP, offset == APLIC_SETIPNUM_LE ? value : __builtin_bswap32(value));
    } else if (offset == APLIC_GENMSI) {
        struct vcpu *v = vimsic_find(d, value & ~APLIC_TARGET_FILE);

        if (v != NULL) {
            vimsic_post(v, value & APLIC_TARGET_EIID);
        }
    } else if (vaplic_target(a, offset) != 0) {
        vaplic_target_write(a, d, vaplic_target(a, offset), value);
    }
}

/* Reserved space and what direct delivery has reads as zero and ignores writes. */
static enum mmio_result vaplic_access(struct vcpu *v, struct mmio_access *access, uint64_t offset,
                                      void *data)
{
    struct vaplic *a = data;

    if (access->size != 4) {
        return MMIO_ERROR;
    }
    spin_lock(&a->lock);
    if (access->write) {
        vaplic_write(a, v->d, (uint32_t)offset, (uint32_t)access->data);
    } else {
        access->data = vaplic_read(a, (uint32_t)offset);
    }
    spin_unlock(&a->lock);
    return MMIO_HANDLED;
}

static void vaplic_inject(struct domain *d, unsigned int virq)
{
    struct vaplic *a = d->arch.virq.vaplic;

    spin_lock(&a->lock);
    vaplic_bit(a, d, ROW_SETIP, virq);
    spin_unlock(&a->lock);
}

static int vaplic_route(struct domain *d, unsigned int virq, unsigned int irq)
{
    struct vaplic *a = d->arch.virq.vaplic;
    bool free;

    if (virq == 0 || virq >= a->nr_irqs || irq == 0 || irq >= aplic.nr_irqs) {
        return -EINVAL;
    }
    spin_lock(&a->lock);
    free = a->host[virq] == 0 && a->mode[virq] == 0;
    if (free) {
        a->host[virq] = (uint16_t)irq;
        chip_set_bit(a->hosted, virq, true);
    }
    spin_unlock(&a->lock);
    return free ? 0 : -EBUSY;
}

static void vaplic_unroute(struct domain *d, unsigned int virq)
{
    struct vaplic *a = d->arch.virq.vaplic;
    uint32_t host;

    if (virq == 0 || virq >= a->nr_irqs) {
        return;
    }
    spin_lock(&a->lock);
    host = a->host[virq];
    a->host[virq] = 0;
    chip_set_bit(a->hosted, virq, false);
    if (host != 0) {
        aplic_disable(host);
        aplic_write(APLIC_SOURCECFG(host), 0);
    }
    spin_unlock(&a->lock);
}

/* setipnum has a page of its own [RVAIA 4.5.14]: the domain that owns the machine writes it without
 * an exit. All it can do there is to make an interrupt look for its level again, or come once. */
static int vaplic_map_setipnum(struct domain *d)
{
    struct p2m_leaf leaf = {.mfn = {(aplic.pa + APLIC_SETIPNUM_LE) >> PAGE_SHIFT},
                            .kind = P2M_MMIO,
                            .flags = P2M_WRITE};

    return d->is_privileged ? p2m_map(d, gfn((aplic.pa + APLIC_SETIPNUM_LE) >> PAGE_SHIFT), 1, leaf)
                            : 0;
}

static int vaplic_register(struct domain *d, struct vaplic *a)
{
    paddr_t base = d->is_privileged ? aplic.pa : GUEST_APLIC_S_BASE;
    paddr_t pages = d->is_privileged ? imsic.start : GUEST_IMSIC_S_BASE;
    uint64_t span = d->is_privileged ? imsic.end - imsic.start : d->max_vcpus * PAGE_SIZE;
    int rc = mmio_register(d, base, base + aplic.size, vaplic_access, a);

    if (rc != 0) {
        return rc;
    }
    rc = mmio_register(d, pages, pages + span, vimsic_access, NULL);
    return rc != 0 ? rc : vaplic_map_setipnum(d);
}

static int vaplic_domain_create(struct domain *d)
{
    struct vaplic *a = heap_new(struct vaplic);
    int rc;

    if (a == NULL) {
        return -ENOMEM;
    }
    spin_init(&a->lock, LOCK_VIRQ);
    a->nr_irqs = aplic.nr_irqs;
    rc = vaplic_register(d, a);
    if (rc != 0) {
        heap_delete(a);
        return rc;
    }
    d->arch.virq.vaplic = a;
    return 0;
}

static void vaplic_domain_destroy(struct domain *d)
{
    heap_delete(d->arch.virq.vaplic);
    d->arch.virq.vaplic = NULL;
}

const struct virqchip vaplic_chip = {
    .files = true,
    .domain_create = vaplic_domain_create,
    .domain_destroy = vaplic_domain_destroy,
    .vcpu_create = vimsic_create,
    .vcpu_destroy = vimsic_destroy,
    .vcpu_save = vimsic_save,
    .vcpu_load = vimsic_load,
    .messages = vimsic_merge,
    .guest = vimsic_collect,
    .settle = vimsic_settle,
    .route = vaplic_route,
    .unroute = vaplic_unroute,
    .inject = vaplic_inject,
};
