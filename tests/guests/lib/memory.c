/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages and the memory functions that the compiler calls by itself.
 */
#include <guest/memory.h>
#include <guest/port.h>
#include <guest/test.h>

enum {
    POOL_PAGES = 768
};

/* Not part of the zeroed data: pages are zeroed when handed out. */
static uint8_t memory_pool[POOL_PAGES][PAGE_SIZE]
    __attribute__((aligned(PAGE_SIZE), section(".pool")));
static unsigned int memory_used;

void *page_alloc(void)
{
    unsigned int page = __atomic_fetch_add(&memory_used, 1, __ATOMIC_RELAXED);
    if (page >= POOL_PAGES) {
        give_up("out of pages");
    }
    return memset(memory_pool[page], 0, PAGE_SIZE);
}

uint64_t frame_of(const void *page)
{
    return port_physical(page) >> PAGE_SHIFT;
}

void *memset(void *to, int value, size_t size)
{
    volatile uint8_t *byte = to;
    for (size_t i = 0; i < size; i++) {
        byte[i] = (uint8_t)value;
    }
    return to;
}

void *memcpy(void *to, const void *from, size_t size)
{
    volatile uint8_t *byte = to;
    const uint8_t *source = from;
    for (size_t i = 0; i < size; i++) {
        byte[i] = source[i];
    }
    return to;
}

int memcmp(const void *a, const void *b, size_t size)
{
    const uint8_t *x = a;
    const uint8_t *y = b;
    for (size_t i = 0; i < size; i++) {
        if (x[i] != y[i]) {
            return x[i] < y[i] ? -1 : 1;
        }
    }
    return 0;
}

size_t strlen(const char *text)
{
    size_t length = 0;
    while (text[length] != 0) {
        length++;
    }
    return length;
}
