/* The host's memory as the device tree tells: banks of RAM, and what in them is taken (firmware,
 * modules, image). */
#pragma once

#include <xen/compiler.h>
#include <xen/config.h>
#include <xen/rangeset.h>
#include <xen/types.h>

struct mem_bank {
    paddr_t start;
    paddr_t end; /* exclusive */
};

/* Sorted, page aligned, merged. Reserved ranges may lie outside RAM. */
struct memmap {
    struct mem_bank ram[MAX_MEM_BANKS];
    unsigned int nr_ram;
    struct mem_bank reserved[MAX_RESERVED_BANKS];
    unsigned int nr_reserved;
};

extern struct memmap host_memmap;

/*
 * From /memory, /reserved-memory and memreserve of dt_host; adds image, device tree (physical
 * address) and boot_modules, whose placement is checked. After modules_find. Panics with the reason
 * if there is no RAM or a module lies where it must not.
 */
void memmap_init(paddr_t fdt, uint64_t fdt_size);
/* Take [start, end) out of what can be allocated; -ENOSPC when the table is full. Before
 * page_alloc_init. */
int __must_check memmap_reserve(paddr_t start, paddr_t end, const char *what);
/* Undo that for the whole pages of [start, end); false if any of it was not reserved. For
 * page_release_reserved. */
bool __must_check memmap_unreserve(paddr_t start, paddr_t end);
/* RAM that nothing has reserved. -ENOSPC: more fragments than the set can hold. */
int __must_check memmap_free(struct rangeset *set);
/* RAM that a port's direct map holds: without the image, whose code must have no writable alias,
 * and without what the firmware marks no-map. Panics when the set cannot hold it. */
void memmap_direct(struct rangeset *set);
bool memmap_is_ram(paddr_t start, paddr_t end);
uint64_t memmap_ram_pages(void);
/* The frame after the last one of RAM. */
uint64_t memmap_max_frame(void);
