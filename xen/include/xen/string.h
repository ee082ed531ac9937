/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory and strings. The first four have the meaning of the C standard and are what the compiler
 * may call by itself; they touch no vector register and make only aligned accesses, so they work
 * with the MMU off. On device memory use the MMIO accessors instead.
 */
#pragma once

#include <xen/compiler.h>

#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);
int memcmp(const void *a, const void *b, size_t size);
void *memchr(const void *memory, int byte, size_t size);

size_t strlen(const char *s);
/* Length of s, or `limit` when its first `limit` bytes have no NUL. */
size_t strnlen(const char *s, size_t limit);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t limit);
char *strchr(const char *s, int c);

/*
 * Copy (append) with a bound: `to` has room for `size` bytes and is always terminated unless size
 * is 0. The result is the length wanted: truncated when it is >= size.
 */
size_t strlcpy(char *to, const char *from, size_t size);
size_t strlcat(char *to, const char *from, size_t size);
