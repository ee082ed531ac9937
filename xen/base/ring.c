/* The console ring: the last bytes that were printed, for `xl dmesg`. A reader keeps a running
 * index. Console lock held. */
#include <xen/console.h>
#include <xen/heap.h>
#include <xen/lib.h>
#include <xen/opt.h>
#include <xen/page_alloc.h>
#include <xen/ring.h>
#include <xen/string.h>

#define FIRST_SIZE 16384u
#define MAX_ORDER  12u /* 16 MiB */

static char first[FIRST_SIZE];
static char *ring = first;
static uint32_t size = FIRST_SIZE; /* a power of two */
static uint32_t produced;          /* bytes ever written, modulo 2^32 */
static uint32_t cleared;           /* nothing before this index is shown */

void ring_put(const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        ring[produced++ & (size - 1u)] = text[i];
    }
    if (produced - cleared > size) {
        cleared = produced - size;
    }
}

size_t ring_get(char *text, size_t n, uint32_t *index)
{
    uint32_t from = *index;
    size_t done = 0;

    /* An index that is not within what the ring holds now: start with the oldest byte. */
    if (produced - from > produced - cleared) {
        from = cleared;
    }
    while (done < n && from != produced) {
        text[done++] = ring[from++ & (size - 1u)];
    }
    *index = from;
    return done;
}

void ring_clear(void)
{
    cleared = produced;
}

void ring_grow(void)
{
    uint64_t wanted = opt.conring_size;
    unsigned int order = 0;
    char *bigger, *old = ring;

    while (order < MAX_ORDER && (PAGE_SIZE << order) < wanted) {
        order++;
    }
    bigger = (PAGE_SIZE << order) > size ? page_alloc(order) : NULL;
    if (bigger == NULL) {
        return;
    }
    for (uint32_t i = cleared; i != produced; i++) {
        bigger[i & ((PAGE_SIZE << order) - 1u)] = old[i & (size - 1u)];
    }
    ring = bigger;
    size = (uint32_t)(PAGE_SIZE << order);
}
