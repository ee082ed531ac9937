/* SPDX-License-Identifier: Apache-2.0 */
/* The host's memory as the device tree tells: banks of RAM, what in them is taken (firmware,
 * modules, image), and how far devices reach into them. */
#pragma once

#include <xen/compiler.h>
#include <xen/config.h>
#include <xen/lib.h>
#include <xen/rangeset.h>
#include <xen/types.h>

struct dt_node;

/* Where DMA masters of a bus do not see further: some RAM lies below, some above. */
struct mem_reach {
    paddr_t end;
    const struct dt_node *bus;
};

#define MAX_REACHES 4u
#define DMA_ROOM    MIB(64) /* what such devices want at least: for CMA and bounce buffers */

/* Page aligned. Reserved ranges may lie outside RAM. */
struct memmap {
    struct rangeset ram, reserved;
    struct mem_reach reach[MAX_REACHES]; /* ascending, each once; further ones are left out */
    unsigned int nr_reach;
};

extern struct memmap host_memmap;

/*
 * From /memory, /reserved-memory and memreserve of dt_host; adds image and device tree (physical
 * address). Panics with the reason, as when there is no RAM.
 */
void memmap_init(paddr_t fdt, uint64_t fdt_size);
/* Take [start, end) out of what can be allocated; panics when the table is full. Before
 * page_alloc_init. */
void memmap_keep(paddr_t start, paddr_t end, const char *what);
/* Undo that for the whole pages of [start, end); false if any of it was not reserved. For
 * page_release_reserved. */
bool __must_check memmap_unreserve(paddr_t start, paddr_t end);
/* RAM that nothing has reserved. -ENOSPC: more fragments than the set can hold. */
int __must_check memmap_free(struct rangeset *set);
/* RAM that a port's direct map holds: without the image, whose code must have no writable alias,
 * and without what the firmware marks no-map. Panics when the set cannot hold it. */
void memmap_direct(struct rangeset *set);
/* An aligned chunk of RAM that nothing has reserved, which is reserved from now on: for tables of
 * the direct map. 0: none. Before page_alloc_init. */
paddr_t memmap_take_chunk(void);
/* If a virtual address of a fault is in the direct map, print which nodes of the device tree have
 *
 * it. */
void memmap_explain(uint64_t va);
bool memmap_is_ram(paddr_t start, paddr_t end);  /* all of it */
bool memmap_has_ram(paddr_t start, paddr_t end); /* any of it */
/* Bytes of [start, end) that lie in a list of banks. */
uint64_t memmap_common(paddr_t start, paddr_t end, const struct range *banks, unsigned int nr);
uint64_t memmap_ram_pages(void);
/* The frame after the last one of RAM. */
uint64_t memmap_max_frame(void);
