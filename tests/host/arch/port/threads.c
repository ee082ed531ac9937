/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Third port: a thread for each CPU, and how one waits for another. The C library's side: it has
 * functions of the same names as the core.
 */
#undef sched_yield

#include "../host.h"
#include "../machine.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

void host_threads_run(unsigned int n);
void host_thread_play(unsigned int cpu);
bool host_waits_for_ever(const uint32_t *p, uint32_t old);
void host_wait_a_while(void);
void host_lost(enum host_state state) __attribute__((noreturn));

static void *host_thread(void *data)
{
    host_thread_play((unsigned int)(uintptr_t)data);
    return NULL;
}

void host_threads_run(unsigned int n)
{
    pthread_t *threads = calloc(n, sizeof(*threads));

    for (unsigned int i = 0; i < n; i++) {
        if (pthread_create(&threads[i], NULL, host_thread, (void *)(uintptr_t)i) != 0) {
            abort();
        }
    }
    for (unsigned int i = 0; i < n; i++) {
        pthread_join(threads[i], NULL);
    }
    free(threads);
}

void host_yield(void)
{
    sched_yield();
}

uint64_t host_seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec;
}

void host_lost(enum host_state state)
{
    fprintf(stderr, "left as %d: %s", (int)state, host_log());
    abort();
}

void host_wait_a_while(void)
{
    static _Thread_local unsigned int seed;

    if (rand_r(&seed) % 16 == 0) {
        usleep(50);
    }
}

bool host_waits_for_ever(const uint32_t *p, uint32_t old)
{
    static _Thread_local const uint32_t *waited_p;
    static _Thread_local uint32_t waited_old;
    static _Thread_local uint64_t since, last;
    uint64_t now = host_seconds();

    if (p != waited_p || old != waited_old || now > last + 1) {
        waited_p = p;
        waited_old = old;
        since = now;
    }
    last = now;
    sched_yield();
    return now - since > HOST_WAIT_MAX;
}
