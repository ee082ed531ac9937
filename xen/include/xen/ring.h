/* SPDX-License-Identifier: Apache-2.0 */
/* The ring: the last bytes that went to the console, for `xl dmesg`. */
#pragma once

#include <xen/spinlock.h>
#include <xen/types.h>

#define RING_SIZE_FIRST 16384u /* bytes, until ring_grow */

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
