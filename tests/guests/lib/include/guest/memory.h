/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages of the guest.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
    PAGE_SIZE = 4096,
    PAGE_SHIFT = 12
};

/* A zeroed page of the guest's own memory; there are a few hundred and they are never freed. */
void *page_alloc(void);

/* Guest frame of a page from page_alloc or of the image. */
uint64_t frame_of(const void *page);

void *memset(void *to, int value, size_t size);
void *memcpy(void *to, const void *from, size_t size);
int memcmp(const void *a, const void *b, size_t size);
size_t strlen(const char *text);
