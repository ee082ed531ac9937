/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the event code calls of the rest of the core, for threads of a process. Interrupts are
 * flags.
 */
#include <sched.h>
#include <stdlib.h>

#include "rest.h"

#include <arch/mm.h>
#include <xen/heap.h>

static struct cpu the_cpu;
_Thread_local struct cpu *host_cpu = &the_cpu;
uint8_t *host_directmap;
uint64_t host_counter;
struct domain *hardware_domain;

struct domain receiver;
uint8_t frames[FRAMES][PAGE_SIZE] __aligned(4096);
uint32_t interrupted[VCPUS];
static struct page frame_pages[FRAMES];

void host_wait_while_equal(const uint32_t *p, uint32_t old)
{
    if (atomic_load(p) == old) {
        sched_yield();
    }
}

/* Every other look. */
bool host_irq_pending(void)
{
    static _Thread_local bool pending;

    pending = !pending;
    return pending;
}

void spin_rank_acquire(const spinlock_t *lock)
{
    (void)lock;
}

void spin_rank_release(const spinlock_t *lock)
{
    (void)lock;
}

void *page_alloc(unsigned int order)
{
    void *p = aligned_alloc(PAGE_SIZE, PAGE_SIZE << order);

    for (size_t i = 0; i < PAGE_SIZE << order; i++) {
        ((uint8_t *)p)[i] = 0;
    }
    return p;
}

void page_free(void *va, unsigned int order)
{
    (void)order;
    free(va);
}

void *heap_alloc(size_t size)
{
    return calloc(1, size);
}

void heap_free(void *p, size_t size __unused)
{
    free(p);
}

struct page *p2m_get_page(struct domain *d, gfn_t gfn, bool write)
{
    (void)d;
    (void)write;
    return gfn.n < ARRAY_SIZE(frame_pages) ? &frame_pages[gfn.n] : NULL;
}

mfn_t page_mfn(const struct page *pg)
{
    return (mfn_t){arch_va_to_pa(frames[pg - frame_pages]) >> PAGE_SHIFT};
}

void page_put(struct page *pg)
{
    (void)pg;
}

/* One attempt in four fails: then 64 in a row never do, and nobody must be stopped. */
bool host_atomic_fails(void)
{
    static _Thread_local uint32_t attempts;

    attempts = attempts * 1103515245u + 12345u;
    return (attempts >> 16 & 3u) == 0;
}

void domain_pause_nowait(struct domain *d)
{
    (void)d;
    abort();
}

void domain_unpause(struct domain *d)
{
    (void)d;
    abort();
}

void vcpu_kick(struct vcpu *v)
{
    (void)v;
}

void vcpu_unblock(struct vcpu *v)
{
    (void)v;
}

void arch_virq_upcall(struct vcpu *v)
{
    if (v->d == &receiver) {
        __atomic_store_n(&interrupted[v->id], 1, __ATOMIC_RELEASE);
    }
}
