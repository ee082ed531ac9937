/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Third port: memory that is not there. Stands in front of the core's allocators by the linker's
 * --wrap (tests/host/conftest.py).
 */
#include "state.h"

#include <xen/buddy.h>
#include <xen/errno.h>
#include <xen/heap.h>

void *__real_heap_alloc(size_t size);
void *__wrap_heap_alloc(size_t size);
uint64_t __real_buddy_alloc(unsigned int order, paddr_t limit, enum buddy_want want, bool *clean);
uint64_t __wrap_buddy_alloc(unsigned int order, paddr_t limit, enum buddy_want want, bool *clean);
int __real_buddy_alloc_clean(struct buddy_scrub *s, unsigned int order, paddr_t limit,
                             uint64_t *frame);
int __wrap_buddy_alloc_clean(struct buddy_scrub *s, unsigned int order, paddr_t limit,
                             uint64_t *frame);

void host_fail_alloc(unsigned int n)
{
    host_state.failing_alloc = n;
}

unsigned int host_alloc_to_fail(void)
{
    return host_state.failing_alloc;
}

/* Threads allocate at once, but only where nothing is to fail. */
static bool host_alloc_fails(void)
{
    return host_state.failing_alloc != 0 && --host_state.failing_alloc == 0;
}

void *__wrap_heap_alloc(size_t size)
{
    return host_alloc_fails() ? NULL : __real_heap_alloc(size);
}

uint64_t __wrap_buddy_alloc(unsigned int order, paddr_t limit, enum buddy_want want, bool *clean)
{
    return host_alloc_fails() ? BUDDY_NO_FRAME : __real_buddy_alloc(order, limit, want, clean);
}

int __wrap_buddy_alloc_clean(struct buddy_scrub *s, unsigned int order, paddr_t limit,
                             uint64_t *frame)
{
    return host_alloc_fails() ? -ENOMEM : __real_buddy_alloc_clean(s, order, limit, frame);
}
