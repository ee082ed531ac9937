/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Timers: a binary heap of deadlines for each CPU, ordered by expiry. Room is reserved when a timer
 * is made, so that arming never fails. timer.cpu changes only under the lock of the queue that it
 * leaves.
 */
#include <xen/cpu.h>
#include <xen/errno.h>
#include <xen/heap.h>
#include <xen/string.h>
#include <xen/time.h>
#include <xen/timer.h>
#include <xen/trap.h>

#define FIRST_CAPACITY 16u

static uint32_t reserved_slots; /* timers that exist: each queue can hold all of them, since they
                                   may move */

void timer_init_cpu(struct cpu *c)
{
    spin_init(&c->timers.lock, LOCK_TIMER);
    c->timers.programmed = TIME_NEVER;
}

static void timer_place(struct timer_queue *q, struct timer *t, uint32_t i)
{
    q->heap[i] = t;
    t->slot = i + 1u;
}

static void timer_sift_up(struct timer_queue *q, struct timer *t, uint32_t i)
{
    while (i != 0 && q->heap[(i - 1u) / 2u]->expires > t->expires) {
        timer_place(q, q->heap[(i - 1u) / 2u], i);
        i = (i - 1u) / 2u;
    }
    timer_place(q, t, i);
}

static void timer_sift_down(struct timer_queue *q, struct timer *t, uint32_t i)
{
    for (;;) {
        uint32_t child = 2u * i + 1u;

        if (child >= q->count) {
            break;
        }
        if (child + 1u < q->count && q->heap[child + 1u]->expires < q->heap[child]->expires) {
            child++;
        }
        if (q->heap[child]->expires >= t->expires) {
            break;
        }
        timer_place(q, q->heap[child], i);
        i = child;
    }
    timer_place(q, t, i);
}

/* t is at i and its deadline changed: put it where it belongs. */
static __always_inline void timer_settle(struct timer_queue *q, struct timer *t, uint32_t i)
{
    if (i != 0 && q->heap[(i - 1u) / 2u]->expires > t->expires) {
        timer_sift_up(q, t, i);
    } else {
        timer_sift_down(q, t, i);
    }
}

static void timer_remove(struct timer_queue *q, struct timer *t)
{
    uint32_t i = t->slot - 1u;
    struct timer *last = q->heap[--q->count];

    t->slot = 0;
    if (last != t) {
        timer_settle(q, last, i);
    }
}

/* The earliest deadline of c's queue is `first` now: only c itself can program its interrupt. */
static __always_inline void timer_program(struct cpu *c, s_time_t first)
{
    if (c != this_cpu()) {
        cpu_request(c, CPU_PENDING_TIMER);
    } else if (first != c->timers.programmed) {
        c->timers.programmed = first;
        arch_timer_program(first != TIME_NEVER ? time_to_ticks(first) : UINT64_MAX);
    }
}

static int timer_reserve(struct timer_queue *q, uint32_t wanted)
{
    uint32_t capacity = q->capacity != 0 ? q->capacity : FIRST_CAPACITY;
    uint32_t old_capacity;
    struct timer **heap, **old;

    if (wanted <= q->capacity) {
        return 0;
    }
    while (capacity < wanted) {
        capacity *= 2u;
    }
    heap = heap_alloc(capacity * sizeof(*heap));
    if (heap == NULL) {
        return -ENOMEM;
    }
    spin_lock(&q->lock);
    old = q->heap;
    old_capacity = q->capacity;
    if (capacity > q->capacity) {
        memcpy(heap, old, q->count * sizeof(*heap));
        q->heap = heap;
        q->capacity = capacity;
    } else {
        old = heap; /* another CPU was faster */
        old_capacity = capacity;
    }
    spin_unlock(&q->lock);
    heap_free(old, old_capacity * sizeof(*old));
    return 0;
}

int timer_init(struct timer *t, struct cpu *c, void (*fn)(void *data), void *data)
{
    uint32_t wanted = atomic_fetch_add(&reserved_slots, 1u) + 1u;

    *t = (struct timer){.expires = TIME_NEVER, .fn = fn, .data = data, .cpu = c};
    for (unsigned int i = 0; i < nr_cpus; i++) {
        int rc = timer_reserve(&cpus[i].timers, wanted);

        if (rc != 0) {
            atomic_fetch_sub(&reserved_slots, 1u);
            return rc;
        }
    }
    return 0;
}

/* Lock the queue that t belongs to; t->cpu may change until the lock is held. */
static __always_inline struct cpu *timer_lock_queue(struct timer *t)
{
    for (;;) {
        struct cpu *c = atomic_load(&t->cpu);

        spin_lock(&c->timers.lock);
        if (c == atomic_load(&t->cpu)) {
            return c;
        }
        spin_unlock(&c->timers.lock);
    }
}

void timer_set(struct timer *t, int64_t expires)
{
    struct cpu *c = timer_lock_queue(t);
    struct timer_queue *q = &c->timers;
    uint32_t slot = t->slot;

    t->expires = expires;
    if (slot == 1u && q->count == 1u) { /* alone: in its place already */
        timer_program(c, expires);
    } else {
        if (slot == 0) {
            timer_sift_up(q, t, q->count++);
        } else {
            timer_settle(q, t, slot - 1u);
        }
        if (slot == 1u || t->slot == 1u) {
            timer_program(c, q->heap[0]->expires);
        }
    }
    spin_unlock(&q->lock);
}

void timer_stop(struct timer *t)
{
    struct cpu *c;

    if (t->cpu == NULL) {
        return; /* never initialised */
    }
    c = timer_lock_queue(t);
    if (t->slot != 0) {
        /* A deadline that no longer exists costs one needless interrupt; programming the device
         * costs more. */
        timer_remove(&c->timers, t);
    }
    spin_unlock(&c->timers.lock);
}

/* Until no CPU is in t's handler; it may have been taken off a queue that t has left since. */
static void timer_wait_for_handler(const struct timer *t)
{
    for (unsigned int i = 0; i < nr_cpus; i++) {
        const struct timer_queue *q = &cpus[i].timers;
        uint32_t seen = atomic_load_acquire(&q->ran);

        while (&cpus[i] != this_cpu() && atomic_load_acquire(&q->running) == t) {
            arch_wait_while_equal(&q->ran, seen);
            seen = atomic_load_acquire(&q->ran);
        }
    }
}

/* Takes t off its queue; false: it was too late, its handler runs. */
static bool timer_take_back(struct timer *t)
{
    struct cpu *c = timer_lock_queue(t);
    bool idle = atomic_load_acquire(&c->timers.running) != t;

    if (t->slot != 0) {
        timer_remove(&c->timers, t);
    }
    spin_unlock(&c->timers.lock);
    return idle;
}

void timer_destroy(struct timer *t)
{
    if (t->cpu != NULL) {
        /* A handler may arm it again. Once those on other CPUs have ended, that is on t->cpu, where
         * none begins while the lock is held. */
        do {
            timer_wait_for_handler(t);
        } while (!timer_take_back(t));
        t->cpu = NULL;
        atomic_fetch_sub(&reserved_slots, 1u);
    }
}

void timer_migrate(struct timer *t, struct cpu *to)
{
    struct cpu *from = timer_lock_queue(t);
    bool armed = t->slot != 0;

    if (armed) {
        timer_remove(&from->timers, t);
    }
    atomic_store(&t->cpu, to);
    spin_unlock(&from->timers.lock);
    if (armed) {
        timer_set(t, t->expires);
    }
}

static __noinline void timer_bring_here(struct timer *t, int64_t expires)
{
    timer_migrate(t, this_cpu());
    timer_set(t, expires);
}

void timer_set_here(struct timer *t, int64_t expires)
{
    if (unlikely(atomic_load(&t->cpu) != this_cpu())) {
        timer_bring_here(t, expires);
    } else {
        timer_set(t, expires);
    }
}

s_time_t timer_first(struct cpu *c, unsigned int *count)
{
    s_time_t first;

    spin_lock(&c->timers.lock); /* the array may be exchanged for a larger one */
    *count = c->timers.count;
    first = *count != 0 ? c->timers.heap[0]->expires : TIME_NEVER;
    spin_unlock(&c->timers.lock);
    return first;
}

uint32_t timer_count(void)
{
    return atomic_load(&reserved_slots);
}

void timer_run(void)
{
    struct cpu *c = this_cpu();
    struct timer_queue *q = &c->timers;

    spin_lock(&q->lock);
    while (q->count != 0 && q->heap[0]->expires <= time_now()) {
        struct timer *t = q->heap[0];
        void (*fn)(void *data) = t->fn;
        void *data = t->data;

        timer_remove(q, t);
        atomic_store(&q->running, t); /* before t can be found stopped: under the lock */
        spin_unlock(&q->lock);
        fn(data);
        /* t may be gone. */
        atomic_store_release(&q->running, (struct timer *)NULL);
        atomic_store_release(&q->ran, q->ran + 1u);
        spin_lock(&q->lock);
    }
    timer_program(c, q->count != 0 ? q->heap[0]->expires : TIME_NEVER);
    spin_unlock(&q->lock);
}

void timer_interrupt(void)
{
    /* Off until the gate has run the queue and knows the next deadline. */
    arch_timer_program(UINT64_MAX);
    this_cpu()->timers.programmed = TIME_NEVER;
    cpu_request(this_cpu(), CPU_PENDING_TIMER);
}
