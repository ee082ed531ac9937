/* SPDX-License-Identifier: Apache-2.0 */
/* Deadlines: a binary heap per CPU. Handlers run in the gate of the timer's CPU. */
#pragma once

#include <xen/list.h>
#include <xen/spinlock.h>
#include <xen/types.h>

struct cpu;

struct timer {
    int64_t expires; /* s_time_t */
    void (*fn)(void *data);
    void *data;
    struct cpu *cpu; /* whose queue it is in or would join */
    uint32_t slot;   /* heap index + 1; 0: not queued */
};

struct timer_queue {
    spinlock_t lock;
    struct timer **heap; /* [capacity], grown by doubling */
    uint32_t count;
    uint32_t capacity;
    struct timer *running; /* whose handler runs now */
    uint32_t ran;          /* counts handlers that have ended */
    int64_t programmed;    /* deadline that the device has, TIME_NEVER: none; its own CPU only */
};

void timer_init_cpu(struct cpu *c);
/* A timer on CPU c. Queue room for it is reserved here, so timer_set cannot fail. 0 or -ENOMEM. */
int __must_check timer_init(struct timer *t, struct cpu *c, void (*fn)(void *data), void *data);
/* Its handler does not run any more on return. Not from a handler, nor with a lock that t's
 * takes. */
void timer_destroy(struct timer *t);
/* Arm (or re-arm) for absolute time `expires`; a past time fires at the next gate. Any CPU. */
void timer_set(struct timer *t, int64_t expires);
void timer_stop(struct timer *t);
static inline bool timer_armed(const struct timer *t)
{
    return t->slot != 0;
}
/* Move to another CPU's queue, keeping its deadline. */
void timer_migrate(struct timer *t, struct cpu *c);
/* Arm on this CPU: what a guest arms costs the CPU that it runs on, never one where others run. */
void timer_set_here(struct timer *t, int64_t expires);
/* timer_ticks.c: the same for when the counter, which is at `now`, has come `left` ticks further;
 * stopped if no machine lives so long: there guests park their timers. */
void timer_set_ticks(struct timer *t, uint64_t now, uint64_t left);
/* For people: how many timers c has armed, and the deadline of the first (TIME_NEVER: none). */
int64_t timer_first(struct cpu *c, unsigned int *count);
/* Timers that are there, armed or not. For tests. */
uint32_t timer_count(void);
/* Run what has expired on this CPU and program the next deadline. Gate only. */
void timer_run(void);
