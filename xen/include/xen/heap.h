/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small hypervisor objects, zeroed, 16-byte aligned (ARCH_CACHE_LINE from 64 bytes up). Larger than
 * 2000 bytes: whole pages, page aligned, as many as needed.
 */
#pragma once

#include <xen/types.h>

void *heap_alloc(size_t size);        /* NULL: no memory */
void heap_free(void *p, size_t size); /* the size asked for; NULL is fine */
/* Bytes in use, for tests and debug key: sizes as rounded up by the allocator. */
size_t heap_used(void);
/* Debug builds: pages that were cut into small objects; one without any is kept for each size. */
size_t heap_slab_pages(void);
/* For tests: do the pages of small objects that have room add up? */
bool heap_is_sound(void);
#define heap_new(type) ((type *)heap_alloc(sizeof(type)))
#define heap_delete(p) heap_free((p), sizeof(*(p))) /* what heap_new made */
