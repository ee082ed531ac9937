/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dom0's memory: how much, and where. It is mapped 1:1, because devices reach memory without
 * translation, and some of them only the low end of it: that is dom0's as far as it goes, before
 * anything above is. The banks are taken from the free ranges of the machine before the allocator
 * gets the rest; construct_dom0 gives them to dom0.
 */
#include <xen/domain.h>
#include <xen/dt.h>
#include <xen/lib.h>
#include <xen/memmap.h>
#include <xen/opt.h>
#include <xen/page.h>
#include <xen/page_domain.h>
#include <xen/printk.h>

#include "construct.h"

#define DEFAULT_MEM        MIB(512)
#define MIN_MEM            MIB(16)
#define BANK_ALIGN         CHUNK_SIZE
/* What stays for the hypervisor: a struct page for each of dom0's; tables, vCPUs, CPUs. */
#define PER_PAGE           (PAGE_SIZE / sizeof(struct page))
#define OWN_NEEDS          MIB(2)
#define GRANT_FRAME_RECORD (2u * sizeof(void *)) /* of struct grant_table, a frame */
#define LOW_BANKS          (DOM0_MAX_BANKS / 2)  /* the others are for what has no limit */

static struct {
    struct range bank[DOM0_MAX_BANKS];
    unsigned int nr_banks;
    uint64_t have, wanted; /* bytes that dom0 may have at most, and shall have */
    uint64_t left;         /* of these, what no bank was found for */
} chosen;

/* dom0_mem's size, or half of what is free, at most 512 MiB; within its min: and max:. */
static uint64_t memory_wanted(uint64_t have)
{
    uint64_t wanted = opt.dom0_mem;

    if (wanted == 0) {
        wanted = round_down(min_u64(have / 2, DEFAULT_MEM), BANK_ALIGN);
    }
    wanted = min_u64(max_u64(wanted, opt.dom0_mem_min), opt.dom0_mem_max);
    return round_up_overflows(wanted, BANK_ALIGN) ? wanted : round_up(wanted, BANK_ALIGN);
}

/* What the hypervisor needs besides a struct page for each of dom0's. */
static uint64_t memory_own_needs(void)
{
    return OWN_NEEDS + opt.gnttab_max_frames * GRANT_FRAME_RECORD +
           opt.gnttab_max_maptrack_frames * sizeof(void *);
}

/* The largest free extent below a limit, at most as long as wanted. */
static struct range memory_largest(const struct rangeset *free, uint64_t want, paddr_t limit)
{
    struct range found = {0};

    for (uint32_t i = 0; i < free->count; i++) {
        paddr_t low = round_up(free->ranges[i].start, BANK_ALIGN),
                high = min_u64(free->ranges[i].end, limit);
        uint64_t size = low < high ? round_down(min_u64(high - low, want), BANK_ALIGN) : 0;

        if (size > found.end - found.start) {
            found = (struct range){.start = low, .end = low + size};
        }
    }
    return found;
}

/* Banks below a limit, the largest first, until there are `banks`. */
static void memory_take(struct rangeset *free, paddr_t limit, unsigned int banks)
{
    while (chosen.left != 0 && chosen.nr_banks < banks) {
        struct range b = memory_largest(free, chosen.left, limit);

        if (b.end == b.start || rangeset_remove(free, b.start, b.end) != 0) {
            return;
        }
        chosen.bank[chosen.nr_banks++] = b;
        chosen.left -= b.end - b.start;
    }
}

static bool memory_possible(void)
{
    return chosen.wanted >= MIN_MEM && chosen.wanted <= chosen.have;
}

void dom0_memory_choose(struct rangeset *free)
{
    uint64_t have = rangeset_total(free), own = memory_own_needs();

    chosen.wanted = memory_wanted(have);
    have = have > own ? (have - own) / (PER_PAGE + 1) * PER_PAGE : 0;
    chosen.have = round_down(have, BANK_ALIGN);
    if (!memory_possible()) {
        return;
    }
    chosen.left = chosen.wanted;
    for (unsigned int i = 0; i < host_memmap.nr_reach; i++) {
        memory_take(free, host_memmap.reach[i].end, LOW_BANKS);
    }
    memory_take(free, GIB(4), LOW_BANKS); /* devices with 32-bit addresses */
    memory_take(free, UINT64_MAX, DOM0_MAX_BANKS);
}

static void memory_add(struct build *b, const struct range *bank)
{
    struct p2m_leaf leaf = {
        .mfn = mfn(bank->start >> PAGE_SHIFT), .kind = P2M_RAM, .flags = P2M_WRITE | P2M_EXEC};
    uint64_t pages = (bank->end - bank->start) >> PAGE_SHIFT;
    int rc = domain_page_adopt(b->d, leaf.mfn, pages);

    if (rc == 0) {
        rc = p2m_map(b->d, gfn(leaf.mfn.n), pages, leaf);
    }
    if (rc != 0) {
        panic("Cannot give %#lx-%#lx to dom0 (%d): lower dom0_mem=\n", bank->start, bank->end, rc);
    }
    printk("BANK[%u] %#lx-%#lx (%luMB)\n", b->nr_banks, bank->start, bank->end, pages >> 8);
    b->bank[b->nr_banks++] = *bank;
}

/* How much dom0 has of what devices of limited reach need. */
static void memory_report(const struct build *b)
{
    const struct mem_reach *r = &host_memmap.reach[0];
    uint64_t low;
    char path[96];

    if (host_memmap.nr_reach == 0) {
        return;
    }
    low = memmap_common(0, r->end, b->bank, b->nr_banks);
    dt_full_path(&dt_host, r->bus, path, sizeof(path));
    if (low < DMA_ROOM) {
        printk(XENLOG_WARNING "Devices of %s want %lu MiB of dom0 below %lu MiB: raise dom0_mem=, "
                              "or load modules above that\n",
               path, DMA_ROOM >> 20, r->end >> 20);
    }
    printk("dom0: %lu of %lu MiB below %lu MiB (reach of %s); %lu MiB there\n", low >> 20,
           chosen.wanted >> 20, r->end >> 20, path,
           memmap_common(0, r->end, host_memmap.ram.ranges, host_memmap.ram.count) >> 20);
}

void dom0_memory_allocate(struct build *b)
{
    uint64_t most = opt.dom0_mem_max;

    if (opt.dom0_mem == 0) {
        printk("dom0_mem= is not given: dom0 gets %lu MiB\n", chosen.wanted >> 20);
    }
    if (!memory_possible()) {
        panic("dom0_mem=%luM: this machine has %lu MiB free; give dom0_mem= a value between %luM "
              "and that\n",
              chosen.wanted >> 20, chosen.have >> 20, MIN_MEM >> 20);
    }
    if (chosen.left != 0) {
        panic("%lu MiB of dom0's memory cannot be found in %u extents: lower dom0_mem= to %luM\n",
              chosen.left >> 20, chosen.nr_banks, (chosen.wanted - chosen.left) >> 20);
    }
    most = most != UINT64_MAX ? max_u64(most, chosen.wanted) : chosen.wanted;
    b->d->max_pages = most >> PAGE_SHIFT;
    printk("Allocating 1:1 mappings totalling %luMB for dom0:\n", chosen.wanted >> 20);
    for (unsigned int i = 0; i < chosen.nr_banks; i++) {
        memory_add(b, &chosen.bank[i]);
    }
    memory_report(b);
}
