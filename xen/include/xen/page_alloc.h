/* SPDX-License-Identifier: Apache-2.0 */
/* The hypervisor's own pages, and what it shares with domains. <xen/page.h> has the rest. */
#pragma once

#include <xen/compiler.h>
#include <xen/config.h>
#include <xen/types.h>

struct domain;
struct rangeset;

/* From host_memmap. `take` removes from the free RAM what shall not be the allocator's. Boot CPU,
 * once, after hyp_map_init. */
void page_alloc_init(void (*take)(struct rangeset *free));

/* 2^order contiguous, zeroed pages of hypervisor memory (direct-map address); NULL: none left. */
void *page_alloc(unsigned int order);
/* Any part of an allocation may be freed; nobody can find it any more, and no CPU copies through an
 * address in it. A page that was page_share'd and is still referenced is freed when that ends. */
void page_free(void *va, unsigned int order);
/* Give reserved memory (boot modules after use) to the allocator: the whole pages of [start,
 * end). */
void page_release_reserved(paddr_t start, paddr_t end);

uint64_t page_free_count(void); /* pages */
/* Free pages in the zones that lie below `limit`: exact for powers of two from 1 GiB (sysctl
 * availheap). */
uint64_t page_free_below(paddr_t limit);

/*
 * Make a hypervisor page (page_alloc) known as shared with d so that page_of and p2m accept it
 * (P2M_RAM for d, P2M_FOREIGN for others) / end that for d. -ENOMEM. page_unshare: d's p2m shows
 * it no more; then call page_free. References of others keep the page until they go.
 */
int __must_check page_share(void *va, struct domain *d);
void page_unshare(void *va);
