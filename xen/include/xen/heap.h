/*
 * Small hypervisor objects, zeroed, 16-byte aligned (ARCH_CACHE_LINE from 64 bytes up). Larger than
 * 2000 bytes: whole pages, page aligned, as many as needed.
 */
#pragma once

#include <xen/types.h>

void *heap_alloc(size_t size); /* NULL: no memory */
void heap_free(void *p);       /* NULL is fine */
/* Bytes in use, for tests and debug key: sizes as rounded up by the allocator. */
size_t heap_used(void);
#define heap_new(type) ((type *)heap_alloc(sizeof(type)))
