/* SPDX-License-Identifier: Apache-2.0 */
/* The ring: the last bytes that went to the console, for `xl dmesg`. */
#pragma once

#include <xen/bitops.h>
#include <xen/spinlock.h>
#include <xen/types.h>

#define RING_SIZE_FIRST 16384u      /* bytes, until ring_grow */
#define RING_SIZE_MAX   (16u << 20) /* bytes */

/* The size of a ring for which so many bytes were asked, more than RING_SIZE_FIRST. */
static inline uint32_t ring_size_of(uint64_t bytes)
{
    return bytes < RING_SIZE_MAX ? 1u << log2_up_u64(bytes) : RING_SIZE_MAX;
}

/* Of the ring, the sink of messages, and what is typed. */
extern spinlock_t console_lock;

/* With console_lock held. */
void ring_put(const char *text, size_t n);
/* `bigger` has `bytes`, a power of two above RING_SIZE_FIRST, and is the ring's for ever. Takes the
 * lock. */
void ring_grow(char *bigger, uint32_t bytes);
/*
 * Up to n bytes from *index, which moves on; `incremental` false: from the oldest. clear: nobody
 * sees again what is there now. Returns bytes. Takes the lock.
 */
size_t ring_read(char *text, size_t n, uint32_t *index, bool incremental, bool clear);
