/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of the third port share.
 */
#pragma once

#include "../machine.h"

#include <xen/cpu.h>

struct host_irq {
    bool enabled;
    bool pending;
    bool active;
    const struct cpu *target;
};

struct host_machine_state {
    uint64_t ram_start;
    uint64_t ram_size;
    uint64_t image;
    uint64_t flushes;        /* arch_p2m_flush, of whatever domain */
    uint64_t flushes_of_all; /* arch_p2m_flush_all */
    uint64_t counter_step;   /* ticks that each look at the counter takes: 0 but while dying */
    unsigned int preempt_every;
    unsigned int preempt_count;
    unsigned int repeats;
    unsigned int failing_atomics;
    unsigned int failing_access;
    bool access_failed;
    uint64_t watched, watched_end;         /* guest addresses */
    unsigned int fetches, fetches_of_call; /* the most of one call; of this one */
    bool dump_faults;                      /* the next look at the stack does */
    bool threads;                          /* each CPU has a thread of its own */
    bool late;             /* threads wait here and there, so that others overtake them */
    bool raised;           /* some interrupt was raised since the machine was switched on */
    unsigned int nr_virqs; /* of each virtual controller; 0: as many as there are */
    struct host_irq irq[HOST_MAX_IRQS];
    enum host_state cpu[MAX_CPUS];
};

extern struct host_machine_state host_state;

/* Anything for CPU `c` to take or do? */
bool host_cpu_has_work(const struct cpu *c);

/* Runs `fn` on CPU `c` until it returns or leaves. */
enum host_state host_play(struct cpu *c, void (*fn)(void *), void *data);

/* threads.c calls the other one in each of n threads. */
void host_threads_run(unsigned int n);
void host_thread_play(unsigned int cpu);
/* Lets other threads run. true: *p has been `old` for so long that nobody will change it. */
bool host_waits_for_ever(const uint32_t *p, uint32_t old);
/* The core leaves a program that has called it by itself: says why, and ends. */
void host_lost(enum host_state state) __attribute__((noreturn));
/* Now and then gives others time for whole calls. */
void host_wait_a_while(void);

bool host_irq_waits(void); /* for the CPU that is played */
void host_take_interrupts(void);
bool host_early_putc(char c);

/* Second-stage entries that this thread has cleared and not flushed yet. */
unsigned int host_unflushed(void);

/* The hypervisor's tables as boot code leaves them: nothing is mapped but the stacks. */
void host_new_tables(void);

/* The core's variables as they were at program start. */
void host_restore_variables(void);
