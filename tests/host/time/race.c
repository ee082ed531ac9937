/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Timers are destroyed while another CPU runs their handlers: one thread is the CPU whose timers
 * expire, the other makes, arms and destroys them. A handler that runs after its timer was
 * destroyed, or is still running then, is the failure. `race ROUNDS`.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

/* The C library and the core have a function of this name. */
#define sched_yield core_sched_yield
#include <xen/cpu.h>
#include <xen/heap.h>
#include <xen/time.h>
#undef sched_yield
#include <sched.h>

#define TIMERS 4u
#define WORK   50u

static struct watched {
    struct timer timer;
    uint32_t alive;
    uint32_t seen;
} watched[TIMERS];

static uint32_t stop, started;

_Thread_local struct cpu *host_cpu;
uint64_t host_counter;
struct cpu cpus[MAX_CPUS];
unsigned int nr_cpus = 2;

uint64_t host_read_counter(void)
{
    return __atomic_fetch_add(&host_counter, 1, __ATOMIC_RELAXED);
}

void host_timer_program(uint64_t ticks)
{
    (void)ticks;
}

uint64_t arch_counter_hz(void)
{
    return 1000000000u;
}

s_time_t time_now(void)
{
    return (s_time_t)host_read_counter();
}

uint64_t time_to_ticks(s_time_t t)
{
    return (uint64_t)t;
}

void host_wait_while_equal(const uint32_t *p, uint32_t old)
{
    if (atomic_load(p) == old) {
        sched_yield();
    }
}

bool host_irq_pending(void)
{
    return false;
}

void spin_rank_acquire(const spinlock_t *lock)
{
    (void)lock;
}

void spin_rank_release(const spinlock_t *lock)
{
    (void)lock;
}

void cpu_request(struct cpu *c, uint32_t bits)
{
    (void)c;
    (void)bits;
}

void *heap_alloc(size_t size)
{
    return calloc(1, size);
}

void heap_free(void *p, size_t size __unused)
{
    free(p);
}

/* Takes a while, so that it is often found running; arms itself again now and then. */
static void fired(void *data)
{
    struct watched *w = data;

    for (unsigned int i = 0; i < WORK; i++) {
        if (atomic_load_acquire(&w->alive) == 0) {
            printf("a handler runs although its timer is destroyed\n");
            exit(1);
        }
        w->seen++; /* a data race if the destroyer does not wait */
        if (i == WORK / 2) {
            sched_yield();
        }
    }
    if ((w->seen & 1u) != 0) {
        timer_set(&w->timer, time_now() + 10);
    }
}

static void *expire(void *unused)
{
    (void)unused;
    host_cpu = &cpus[1];
    atomic_store(&started, 1u);
    while (atomic_load(&stop) == 0) {
        timer_run();
    }
    return NULL;
}

static void round_of(struct watched *w)
{
    atomic_store_release(&w->alive, 1u);
    w->seen = 0;
    if (timer_init(&w->timer, &cpus[1], fired, w) != 0) {
        abort();
    }
    timer_set(&w->timer, time_now());
    for (unsigned int i = 0; i < WORK; i++) {
        (void)time_now();
    }
    timer_destroy(&w->timer);
    w->seen = 0;
    atomic_store_release(&w->alive, 0u);
}

int main(int argc, char **argv)
{
    unsigned long rounds = argc > 1 ? strtoul(argv[1], NULL, 0) : 0;
    pthread_t thread;

    host_cpu = &cpus[0];
    timer_init_cpu(&cpus[0]);
    timer_init_cpu(&cpus[1]);
    if (pthread_create(&thread, NULL, expire, NULL) != 0) {
        return 2;
    }
    while (atomic_load(&started) == 0) {
        sched_yield();
    }
    for (unsigned long i = 0; i < rounds; i++) {
        round_of(&watched[i % TIMERS]);
    }
    atomic_store(&stop, 1u);
    (void)pthread_join(thread, NULL);
    printf("ok\n");
    return 0;
}
