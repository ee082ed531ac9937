/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Advanced Interrupt Architecture: the host's IMSICs and APLIC, and what guests have of them.
 *
 * Every hart has a file of interrupt identities for the hypervisor and some for guests. A vCPU has
 * one guest file for good, its home, on one hart: messages to it (from devices, from the APLIC,
 * from its domain's other vCPUs) are always written there, without an exit while it runs on that
 * hart. Anywhere else it runs on the last guest file of that hart, the visitor's, which nobody
 * writes to; its home is then open for all identities and interrupts its hart (SGEI), which passes
 * them on. So nothing is ever retargeted, and devices may know physical addresses: dom0's do.
 */
#pragma once

#include <asm/csr.h>
#include <xen/compiler.h>
#include <xen/cpu.h>
#include <xen/mmio.h>
#include <xen/spinlock.h>
#include <xen/time.h>
#include <xen/types.h>

struct domain;
struct dt_node;
struct vcpu;

/* APLIC registers [RVAIA 4.5]; n: a source. */
#define APLIC_DOMAINCFG    0x0000u
#define APLIC_DOMAINCFG_IE (1u << 8)
#define APLIC_DOMAINCFG_DM (1u << 2) /* delivers by messages */
#define APLIC_DOMAINCFG_RO 0x80000000u
#define APLIC_SOURCECFG(n) (0x0004u + 4u * ((n) - 1u))
#define APLIC_SOURCE_EDGE  4u      /* rising */
#define APLIC_SOURCE_LEVEL 6u      /* high */
#define APLIC_SETIP        0x1c00u /* then, at steps of 0x100: in_clrip, setie, clrie */
#define APLIC_CLRIP        0x1d00u
#define APLIC_SETIE        0x1e00u
#define APLIC_CLRIE        0x1f00u
#define APLIC_NUM          0xdcu /* in each of these four: the form that takes a number */
#define APLIC_SETIPNUM_LE  0x2000u
#define APLIC_SETIPNUM_BE  0x2004u
#define APLIC_GENMSI       0x3000u
#define APLIC_TARGET(n)    (0x3004u + 4u * ((n) - 1u))
#define APLIC_END          0x4000u

/* A target in MSI mode: hart index, guest file, identity [RVAIA 4.5.16]. */
#define APLIC_TARGET_HART_SHIFT 18
#define APLIC_TARGET_FILE_SHIFT 12
#define APLIC_TARGET_FILE       (0x3fu << APLIC_TARGET_FILE_SHIFT)
#define APLIC_TARGET_EIID       0x7ffu

/* Indirect registers of an interrupt file [RVAIA 3.8]; eip and eie: 64 identities each, even
 * numbers. */
#define IMSIC_EIDELIVERY  0x70u
#define IMSIC_EITHRESHOLD 0x72u
#define IMSIC_EIP0        0x80u
#define IMSIC_EIE0        0xc0u

#define IMSIC_TOPEI_SHIFT 16 /* of the identity in stopei and vstopei */

#define IMSIC_MAX_FILES 16u /* guest files of a hart that are used, and one */
#define IMSIC_MAX_WORDS 32u /* of 64 identities */
#define IMSIC_EIID_IPI  1u  /* the hypervisor's */

struct imsic {
    const struct dt_node *node;
    uint32_t nr_ids;       /* identities of the hypervisor's files, 0 included */
    uint32_t nr_guest_ids; /* and of guests' */
    uint32_t words;        /* of 64 guest identities */
    uint32_t visitor;      /* the guest file for vCPUs away from home; homes are below it */
    uint32_t guest_bits, hart_bits, group_bits, group_shift; /* of addresses [RVAIA 3.6] */
    paddr_t start, end;
};

/* The files of one hart. */
struct imsic_hart {
    paddr_t pa; /* of the hypervisor's file; guest file n's is n pages behind it */
    uint8_t *page;
    spinlock_t lock;                     /* owner: held while one is used, so that it stays */
    struct vcpu *owner[IMSIC_MAX_FILES]; /* by guest file: whose home it is, NULL: free */
    /* The hart's own, see vimsic.c: */
    uint64_t held; /* guest files that must wait before they interrupt again */
    struct {
        uint32_t collected; /* its interrupts since ... */
        s_time_t since;
    } budget[IMSIC_MAX_FILES];
};

struct aplic {
    const struct dt_node *node;
    paddr_t pa;
    uint64_t size;
    uint32_t nr_irqs; /* source 0 included */
};

/* A vCPU's interrupt file; what is not loaded of it. Three bitmaps of imsic.words words each. */
struct vimsic {
    const struct cpu *home; /* NULL: it has none, all messages are emulated */
    uint32_t home_file;
    uint32_t target;      /* hart index and guest file for an APLIC: in the guest's numbers ... */
    uint32_t host_target; /* ... and in the host's */
    paddr_t gpa;          /* of its page in the guest */
    uint64_t delivery, threshold;
    uint64_t *eie, *eip;
    uint64_t *incoming; /* messages taken for it elsewhere: atomic, see VIRQ_FILE */
    uint64_t storage[];
};

extern struct imsic imsic;
extern struct imsic_hart imsic_harts[MAX_CPUS];
extern struct aplic aplic;

/* imsic.c: the host's files. */
void imsic_init(void); /* boot CPU; imsic.node is known; panics */
void imsic_init_cpu(struct cpu *c);
void imsic_send_ipi(const struct cpu *c);
/* Physical address of a file of c; the hypervisor's is 0. */
paddr_t imsic_page(const struct cpu *c, uint32_t file);
/* The same as an APLIC says it. */
uint32_t imsic_target(const struct cpu *c, uint32_t file);
/* Take the pending identity of highest priority from this CPU's own file; 0: none. */
static inline uint32_t imsic_take(void)
{
    return (uint32_t)(csr_swap(CSR_STOPEI, 0ul) >> IMSIC_TOPEI_SHIFT);
}

/* Let CSR_VS* be those of guest file `file` of this CPU, 0: of none. Returns the old hstatus. */
static inline uint64_t imsic_select_file(uint32_t file)
{
    uint64_t old = csr_read(CSR_HSTATUS);

    csr_write(CSR_HSTATUS, (old & ~HSTATUS_VGEIN) | (uint64_t)file << HSTATUS_VGEIN_SHIFT);
    return old;
}

/* A register of the guest file that hstatus.VGEIN selects. vsiselect is lost. */
static inline uint64_t imsic_swap(uint32_t reg, uint64_t value)
{
    csr_write(CSR_VSISELECT, reg);
    return csr_swap(CSR_VSIREG, value);
}

static inline void imsic_set(uint32_t reg, uint64_t bits)
{
    csr_write(CSR_VSISELECT, reg);
    csr_set(CSR_VSIREG, bits);
}

/* aia.c: the host's APLIC. */
void aplic_write(uint32_t offset, uint32_t value);
uint32_t aplic_read(uint32_t offset);
/* Source irq is off when this returns. */
void aplic_disable(unsigned int irq);

/* vimsic.c: a vCPU's file. What struct virqchip wants of it, and messages. */
int __must_check vimsic_create(struct vcpu *v);
void vimsic_destroy(struct vcpu *v);
void vimsic_save(struct vcpu *v);
void vimsic_load(struct vcpu *v);
void vimsic_merge(struct vcpu *v);
void vimsic_collect(void);
void vimsic_settle(void);
/* A message to v's file, from any CPU; an identity that it does not have is ignored. */
void vimsic_post(struct vcpu *v, uint32_t eiid);
/* Writes to pages of files that are not mapped in the guest. */
mmio_fn vimsic_access;
/* The vCPU that a target of the guest's names; NULL: none. */
struct vcpu *vimsic_find(const struct domain *d, uint32_t target);
