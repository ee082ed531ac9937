/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's IMSICs [RVAIA 3]: where each hart's files are, the hypervisor's own ones (interrupts
 * between CPUs, the APLIC's messages), and guest files as hardware. Which vCPU has which guest
 * file, and what comes for that vCPU, is vimsic.c's.
 */
#include <asm/aia.h>
#include <asm/irqchip.h>
#include <xen/bitops.h>
#include <xen/cpu.h>
#include <xen/domain.h>
#include <xen/dt.h>
#include <xen/errno.h>
#include <xen/hyp_map.h>
#include <xen/lib.h>
#include <xen/printk.h>

struct imsic imsic;
struct imsic_hart imsic_harts[MAX_CPUS];

paddr_t imsic_page(const struct cpu *c, uint32_t file)
{
    return imsic_harts[c->id].pa + (paddr_t)file * PAGE_SIZE;
}

uint32_t imsic_target(const struct cpu *c, uint32_t file)
{
    paddr_t pa = imsic_harts[c->id].pa;
    uint32_t hart, group;

    hart = (uint32_t)(pa >> (PAGE_SHIFT + imsic.guest_bits)) & ((1u << imsic.hart_bits) - 1u);
    group = (uint32_t)(pa >> imsic.group_shift) & ((1u << imsic.group_bits) - 1u);
    return (group << imsic.hart_bits | hart) << APLIC_TARGET_HART_SHIFT |
           file << APLIC_TARGET_FILE_SHIFT;
}

void imsic_send_ipi(const struct cpu *c)
{
    chip_write(imsic_harts[c->id].page, 0, IMSIC_EIID_IPI);
}

/* Guest file `file` of this hart: empty, and open (homes) or closed (the visitor's). */
static void imsic_init_file(uint32_t file)
{
    bool open = file != imsic.visitor;

    imsic_select_file(file);
    imsic_swap(IMSIC_EIDELIVERY, 0);
    for (uint32_t w = 0; w < imsic.words; w++) {
        imsic_swap(IMSIC_EIE0 + 2u * w, open ? UINT64_MAX : 0);
        imsic_swap(IMSIC_EIP0 + 2u * w, 0);
    }
    imsic_swap(IMSIC_EITHRESHOLD, 0);
    imsic_swap(IMSIC_EIDELIVERY, open);
    if (open) {
        csr_set(CSR_HGEIE, 1ul << file);
    }
}

/* The hypervisor's file takes every identity: those that stand for nothing are dropped. */
static void imsic_init_own(void)
{
    for (uint32_t w = 0; w < (imsic.nr_ids + 63u) / 64u; w++) {
        csr_write(CSR_SISELECT, IMSIC_EIP0 + 2u * w);
        csr_write(CSR_SIREG, 0ul);
        csr_write(CSR_SISELECT, IMSIC_EIE0 + 2u * w);
        csr_write(CSR_SIREG, UINT64_MAX);
    }
    csr_write(CSR_SISELECT, IMSIC_EITHRESHOLD);
    csr_write(CSR_SIREG, 0ul);
    csr_write(CSR_SISELECT, IMSIC_EIDELIVERY);
    csr_write(CSR_SIREG, 1ul);
}

/* Guest files of this hart that can be selected [RVPRIV 18.2.4]. */
static uint32_t imsic_count_files(void)
{
    uint64_t implemented;

    csr_write(CSR_HGEIE, UINT64_MAX);
    implemented = csr_swap(CSR_HGEIE, 0ul);
    return (uint32_t)min_u64(popcount64(implemented),
                             min_u64((1u << imsic.guest_bits) - 1u, IMSIC_MAX_FILES - 1u));
}

/* Address of the hypervisor's file of the hart that is entry `index` of the tree's node: regions of
 * reg follow each other, each begins at a whole hart [Linux riscv,imsics.yaml]. 0: none. */
static paddr_t imsic_address(uint32_t index)
{
    uint64_t stride = PAGE_SIZE << imsic.guest_bits, offset = index * stride;
    struct dt_range reg;

    for (uint32_t i = 0; dt_reg(&dt_host, imsic.node, i, &reg) == 0; i++) {
        if (offset < reg.size) {
            return reg.start + offset;
        }
        offset -= min_u64(offset, round_up(reg.size, stride));
    }
    return 0;
}

static void imsic_find(const struct cpu *c)
{
    struct imsic_hart *host = &imsic_harts[c->id];
    int index = intc_dt_index(imsic.node, c->arch.hartid);

    host->pa = index >= 0 ? imsic_address((uint32_t)index) : 0;
    if (host->pa == 0 || (host->pa & ~PAGE_MASK) != 0) {
        panic("IMSIC: the device tree has no interrupt file for hart %lu\n", c->arch.hartid);
    }
    host->page = hyp_map_device(host->pa, PAGE_SIZE);
    if (host->page == NULL) {
        panic("IMSIC: cannot map %#lx\n", host->pa);
    }
    spin_init(&host->lock, LOCK_VIRQ);
}

void imsic_init_cpu(struct cpu *c)
{
    if (c->id != 0) {
        imsic_find(c);
    }
    if (imsic_count_files() < imsic.visitor) {
        panic("IMSIC: hart %lu has fewer guest interrupt files than the boot hart\n",
              c->arch.hartid);
    }
    imsic_init_own();
    for (uint32_t file = 1; file <= imsic.visitor; file++) {
        imsic_init_file(file);
    }
    imsic_select_file(0);
    csr_set(CSR_HIE, 1ul << IRQ_S_GUEST);
}

static uint32_t imsic_property(const char *name, uint32_t otherwise, uint32_t max)
{
    uint32_t value = otherwise;

    if (dt_u32(&dt_host, imsic.node, name, &value) && value > max) {
        panic("IMSIC: %s = %u in the device tree is not possible\n", name, value);
    }
    return value;
}

void imsic_init(void)
{
    uint32_t harts = intc_dt_count(imsic.node);
    struct dt_range reg;

    imsic.guest_bits = imsic_property("riscv,guest-index-bits", 0, 6);
    imsic.hart_bits = imsic_property("riscv,hart-index-bits", log2_up_u64(harts), 14);
    imsic.group_bits = imsic_property("riscv,group-index-bits", 0, 7);
    imsic.group_shift = imsic_property("riscv,group-index-shift", 2 * PAGE_SHIFT, 55);
    imsic.nr_ids = imsic_property("riscv,num-ids", 63, 2047) + 1u;
    imsic.nr_guest_ids = imsic_property("riscv,num-guest-ids", imsic.nr_ids - 1u, 2047) + 1u;
    imsic.words = (imsic.nr_guest_ids + 63u) / 64u;
    imsic.start = UINT64_MAX;
    for (uint32_t i = 0; dt_reg(&dt_host, imsic.node, i, &reg) == 0; i++) {
        imsic.start = min_u64(imsic.start, reg.start);
        imsic.end = max_u64(imsic.end, reg.start + reg.size);
    }
    imsic_find(this_cpu());
    imsic.visitor = imsic_count_files();
    if (imsic.visitor < 2) {
        panic("IMSIC: %u guest interrupt files for each hart, at least 2 are needed. QEMU: "
              "-M virt,aia=aplic-imsic,aia-guests=7\n",
              imsic.visitor);
    }
    imsic_init_own(); /* messages for the console's interrupt may come before init_cpu */
    printk("IMSIC: %u harts, %u identities, %u guest files for each hart, at %#lx\n", harts,
           imsic.nr_ids - 1u, imsic.visitor, imsic.start);
}
