/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Timers are destroyed while another CPU runs their handlers: one thread is the CPU whose timers
 * expire, the other makes, arms and destroys them. A handler that runs after its timer was
 * destroyed, or is still running then, is the failure. `race ROUNDS`.
 */
#include "../arch/port/state.h"
#include "../fuzz/core/scene.h"

#include <stdio.h>
#include <stdlib.h>
#include <xen/time.h>
#include <xen/timer.h>

#define TIMERS 4u
#define WORK   51u /* odd: a handler arms its timer again every other time */

static struct watched {
    struct timer timer;
    uint32_t alive;
    uint32_t seen;
} watched[TIMERS];

static unsigned long rounds;
static uint32_t stop, started;

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
            host_yield();
        }
    }
    if ((w->seen & 1u) != 0) {
        timer_set(&w->timer, time_now() + 10);
    }
}

static void expire(void)
{
    atomic_store(&started, 1u);
    while (atomic_load(&stop) == 0) {
        timer_run();
        host_yield(); /* the other thread may share this one's CPU */
    }
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

static void play(unsigned int cpu)
{
    if (cpu == 1) {
        expire();
        return;
    }
    while (atomic_load(&started) == 0) {
        host_yield();
    }
    for (unsigned long i = 0; i < rounds; i++) {
        round_of(&watched[i % TIMERS]);
    }
    atomic_store(&stop, 1u);
}

int main(int argc, char **argv)
{
    scene_boot_dom0(128ul << 20, 2,
                    "dom0_mem=64M noreboot"); /* first: it makes all variables new */
    rounds = argc > 1 ? strtoul(argv[1], NULL, 0) : 0;
    host_clock_step(1);
    host_threads(2, play);
    printf("ok\n");
    return 0;
}
