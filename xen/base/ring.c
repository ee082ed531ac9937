/* SPDX-License-Identifier: Apache-2.0 */
/* The console ring: the last bytes that were printed. A reader keeps a running index. */
#include <xen/ring.h>

spinlock_t console_lock = SPINLOCK_INIT(LOCK_CONSOLE);

static char first[RING_SIZE_FIRST];
static char *ring = first;
static uint32_t size = RING_SIZE_FIRST; /* a power of two */
static uint32_t produced;               /* bytes ever written, modulo 2^32 */
static uint32_t cleared;                /* nothing before this index is shown */

void ring_put(const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        ring[produced++ & (size - 1u)] = text[i];
    }
    if (produced - cleared > size) {
        cleared = produced - size;
    }
}

size_t ring_read(char *text, size_t n, uint32_t *index, bool incremental, bool clear)
{
    uint32_t from = *index;
    size_t done = 0;

    spin_lock(&console_lock);
    /* An index that is not within what the ring holds now: start with the oldest byte. */
    if (!incremental || produced - from > produced - cleared) {
        from = cleared;
    }
    while (done < n && from != produced) {
        text[done++] = ring[from++ & (size - 1u)];
    }
    if (clear) {
        cleared = produced;
    }
    spin_unlock(&console_lock);
    *index = from;
    return done;
}

void ring_grow(char *bigger, uint32_t bytes)
{
    spin_lock(&console_lock);
    for (uint32_t i = cleared; i != produced; i++) {
        bigger[i & (bytes - 1u)] = ring[i & (size - 1u)];
    }
    ring = bigger;
    size = bytes;
    spin_unlock(&console_lock);
}
