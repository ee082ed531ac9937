/*
 * dom0's memory: how much, where, and who has the rest of what its devices reach. It is mapped 1:1,
 * because devices reach memory without translation, and some of them only the low end of it: that
 * is dom0's as far as it goes, before anything above is.
 */
#include <arch/mm.h>
#include <xen/domain.h>
#include <xen/dt.h>
#include <xen/lib.h>
#include <xen/memmap.h>
#include <xen/modules.h>
#include <xen/opt.h>
#include <xen/page_alloc.h>
#include <xen/printk.h>

#include "construct.h"

#define DEFAULT_MEM MIB(512)
#define MIN_MEM     MIB(16)
#define BANK_ALIGN  MIB(2)
/* What stays for the hypervisor: a struct page for each of dom0's, tables, vCPUs. */
#define PER_PAGE    (PAGE_SIZE / sizeof(struct page))
#define OWN_NEEDS   MIB(2)
#define LOW_BANKS   (DOM0_MAX_BANKS / 2) /* the others are for what has no limit */

/* How much: dom0_mem's size, or half of what is free, at most 512 MiB; within its min: and max:. */
static uint64_t memory_wanted(void)
{
    uint64_t have = page_free_count() << PAGE_SHIFT, wanted = opt.dom0_mem;

    if (wanted == 0) {
        wanted = round_down(min_u64(have / 2, DEFAULT_MEM), BANK_ALIGN);
    }
    wanted = min_u64(max_u64(wanted, opt.dom0_mem_min), opt.dom0_mem_max);
    if (opt.dom0_mem == 0) {
        printk("dom0_mem= is not given: dom0 gets %lu MiB\n", wanted >> 20);
    }
    have = have > OWN_NEEDS ? (have - OWN_NEEDS) / (PER_PAGE + 1) * PER_PAGE : 0;
    if (wanted > have || wanted < MIN_MEM) {
        panic("dom0_mem=%luM: this machine has %lu MiB free; give dom0_mem= a value between %luM "
              "and that\n",
              wanted >> 20, have >> 20, MIN_MEM >> 20);
    }
    return round_up(wanted, BANK_ALIGN);
}

static void add_bank(struct build *b, paddr_t start, paddr_t end)
{
    struct p2m_leaf leaf = {
        .mfn = mfn(start >> PAGE_SHIFT), .kind = P2M_RAM, .flags = P2M_WRITE | P2M_EXEC};
    int rc = domain_page_claim(b->d, start, end);

    rc = rc == 0 ? p2m_map(b->d, gfn(start >> PAGE_SHIFT), (end - start) >> PAGE_SHIFT, leaf) : rc;
    if (rc != 0) {
        panic("Cannot give %#lx-%#lx to dom0 (%d): lower dom0_mem=\n", start, end, rc);
    }
    printk("BANK[%u] %#lx-%#lx (%luMB)\n", b->nr_banks, start, end, (end - start) >> 20);
    b->bank[b->nr_banks++] = (struct mem_bank){.start = start, .end = end};
}

/* The largest free extents below a limit (0: none) until there are `banks`; what is left to find.
 */
static uint64_t take_below(struct build *b, uint64_t left, paddr_t limit, unsigned int banks)
{
    paddr_t start, size;

    while (left != 0 && b->nr_banks < banks &&
           page_find_free(left, limit, BANK_ALIGN, &start, &size)) {
        add_bank(b, start, start + size);
        left -= size;
    }
    return left;
}

void dom0_memory_allocate(struct build *b)
{
    uint64_t wanted = memory_wanted(), left = wanted;

    b->d->max_pages = opt.dom0_mem_max != UINT64_MAX ? max_u64(opt.dom0_mem_max, left) >> PAGE_SHIFT
                                                     : left >> PAGE_SHIFT;
    printk("Allocating 1:1 mappings totalling %luMB for dom0:\n", left >> 20);
    for (unsigned int i = 0; i < host_memmap.nr_reach; i++) {
        left = take_below(b, left, host_memmap.reach[i].end, LOW_BANKS);
    }
    left = take_below(b, left, GIB(4), LOW_BANKS); /* devices with 32-bit addresses */
    left = take_below(b, left, 0, DOM0_MAX_BANKS);
    if (left != 0) {
        panic("%lu MiB of dom0's memory cannot be found in %u extents: lower dom0_mem= to %luM\n",
              left >> 20, b->nr_banks, (wanted - left) >> 20);
    }
}

/* Bytes of RAM in a range. */
static uint64_t ram_in(paddr_t start, paddr_t end)
{
    return memmap_common(start, end, host_memmap.ram, host_memmap.nr_ram);
}

/* Who has what below `end`: dom0, the hypervisor, the firmware, boot modules, nobody. */
enum who {
    DOM0,
    HYPERVISOR,
    RESERVED,
    MODULES,
    FREE,
    NR_WHO
};

static uint64_t share_out(const struct build *b, paddr_t end, uint64_t share[NR_WHO])
{
    uint64_t image = ram_in(min_u64(arch_image_start(), end), min_u64(arch_image_end(), end)),
             total = ram_in(0, end), reserved = 0, modules = 0,
             free = page_count_free(end) << PAGE_SHIFT;

    for (unsigned int i = 0; i < host_memmap.nr_reserved; i++) {
        reserved +=
            ram_in(host_memmap.reserved[i].start, min_u64(host_memmap.reserved[i].end, end));
    }
    for (unsigned int i = 0; i < boot_modules.count; i++) {
        const struct boot_module *m = &boot_modules.module[i];

        modules += ram_in(m->start, min_u64(m->start + m->size, end));
    }
    share[DOM0] = memmap_common(0, end, b->bank, b->nr_banks);
    share[HYPERVISOR] = total - share[DOM0] - reserved - free + image;
    share[RESERVED] = reserved - image;
    share[MODULES] = min_u64(modules, free); /* all but the ends of pages */
    share[FREE] = free - share[MODULES];
    return total;
}

void dom0_memory_report(const struct build *b)
{
    const struct mem_reach *r = &host_memmap.reach[0];
    uint64_t share[NR_WHO], sum = 0, total;
    char path[96];

    if (host_memmap.nr_reach == 0) {
        return;
    }
    total = share_out(b, r->end, share);
    if (share[DOM0] < DMA_ROOM) {
        printk(XENLOG_WARNING "Devices of %s want %lu MiB of dom0 below %lu MiB: raise dom0_mem=, "
                              "or load modules above that\n",
               dt_full_path(&dt_host, r->bus, path, sizeof(path)), DMA_ROOM >> 20, r->end >> 20);
    }
    /* Whole MiB whose sum is right. */
    for (unsigned int i = 0; i < NR_WHO; i++) {
        uint64_t before = sum >> 20;

        sum += share[i];
        share[i] = (sum >> 20) - before;
    }
    printk("dom0: %lu of %lu MiB below %lu MiB (reach of %s); %lu MiB there: %lu dom0, %lu "
           "hypervisor, %lu reserved, %lu modules (given back), %lu free\n",
           share[DOM0], b->d->tot_pages >> (20 - PAGE_SHIFT), r->end >> 20,
           dt_full_path(&dt_host, r->bus, path, sizeof(path)), total >> 20, share[DOM0],
           share[HYPERVISOR], share[RESERVED], share[MODULES], share[FREE]);
}
