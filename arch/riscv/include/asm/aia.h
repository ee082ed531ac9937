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

#include <xen/compiler.h>
#include <xen/mmio.h>
#include <xen/types.h>

struct cpu;
struct domain;
struct dt_node;
struct fdt_builder;
struct vcpu;

/* APLIC registers [RVAIA 4.5]. Source n's word of an array is at + 4 * (n - 1). */
#define APLIC_DOMAINCFG    0x0000u
#define APLIC_DOMAINCFG_IE (1u << 8)
#define APLIC_DOMAINCFG_DM (1u << 2) /* delivers by messages */
#define APLIC_DOMAINCFG_RO 0x80000000u
#define APLIC_SOURCECFG    0x0004u
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
#define APLIC_TARGET       0x3004u
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
extern struct aplic aplic;

/* imsic.c: the host's files. */
void imsic_init(void); /* boot CPU; imsic.node is known; panics */
void imsic_init_cpu(struct cpu *c);
void imsic_external(void);
void imsic_guest(void);
void imsic_send_ipi(const struct cpu *c);
/* Physical address of a file of c; the hypervisor's is 0. */
paddr_t imsic_page(const struct cpu *c, uint32_t file);
/* The same as an APLIC says it. */
uint32_t imsic_target(const struct cpu *c, uint32_t file);
/* A home file of c for v, 0: all are in use; and back. */
uint32_t imsic_claim_file(struct cpu *c, struct vcpu *v);
void imsic_release_file(const struct cpu *c, uint32_t file);
/* Guest file `file` of this CPU, selected by hstatus.VGEIN: open for every identity, and SGEI for
 * what comes. vsiselect is lost. */
void imsic_open_file(uint32_t file);

/* aplic.c: the host's APLIC. Functions with an irq are those of struct irqchip. */
void aplic_init(void);
void aplic_write(uint32_t offset, uint32_t value);
uint32_t aplic_read(uint32_t offset);
void aplic_enable(unsigned int irq);
void aplic_disable(unsigned int irq);
void aplic_set_type(unsigned int irq, bool edge);
void aplic_route(unsigned int irq, const struct cpu *c);
void aplic_end(unsigned int irq);
/* A guest has it: the functions above that configure leave it alone. */
void aplic_set_guest(unsigned int irq, bool guest);
/* The interrupt that an identity in the hypervisor's files stands for, 0: none. */
unsigned int aplic_irq_of(uint32_t eiid);

/* vimsic.c: a vCPU's file. */
int __must_check vimsic_create(struct vcpu *v);
void vimsic_destroy(struct vcpu *v);
void vimsic_save(struct vcpu *v);
void vimsic_load(struct vcpu *v);
/* A message to v's file, from any CPU; identities that it does not have are ignored. note leaves
 * virq_raise(v, VIRQ_FILE) to the caller. */
void vimsic_note(struct vcpu *v, uint32_t eiid);
void vimsic_post(struct vcpu *v, uint32_t eiid);
/* Put what is incoming into the file; v is loaded here. */
void vimsic_merge(struct vcpu *v);
/* Writes to pages of files that are not mapped in the guest. */
mmio_fn vimsic_access;
/* The vCPU that a target of the guest's names; NULL: none. */
struct vcpu *vimsic_find(const struct domain *d, uint32_t target);
