/* SPDX-License-Identifier: Apache-2.0 */
/* Physical CPUs: the descriptor of each, its word of pending work, and how one CPU asks another for
 * something. */
#pragma once

#include <arch/cpu.h>
#include <xen/atomic.h>
#include <xen/config.h>
#include <xen/sched.h>
#include <xen/timer.h>
#include <xen/types.h>

struct domain;
struct vcpu;

/* Bits of cpu.pending: work that the gate (guest_exit) does before a guest runs on. */
#define CPU_PENDING_RESCHED (1u << 0) /* choose a vCPU anew */
#define CPU_PENDING_TIMER   (1u << 1) /* run expired timers */
#define CPU_PENDING_VIRQ    (1u << 2) /* the current vCPU has virtual interrupts to flush */
#define CPU_PENDING_HALT    (1u << 3) /* stop for ever (panic, power off) */
#define CPU_PENDING_REAP    (1u << 4) /* free domains whose last reference is gone */
#define CPU_PENDING_STAND   (1u << 5) /* debug builds: stand still (cpu_stop_others) */

struct cpu {
    struct arch_cpu arch; /* first: entry code */
    struct vcpu *current; /* whose system state is loaded on this CPU; NULL: none */
    uint32_t pending;     /* CPU_PENDING_*; set by any CPU with cpu_request, cleared by its own */
    uint32_t id;          /* 0 is the boot CPU; index into cpus[] */
    uint32_t copying;     /* odd while guest_copy uses a translated address (see guest_copy.c) */
    bool online;
    bool idle; /* in arch_cpu_idle */
    void *stack_top;
    void *panic_stack; /* top of a small stack for faults inside the hypervisor */
    struct timer_queue timers;
    struct sched_cpu sched;
    s_time_t idle_time; /* ns spent idle; kept by the scheduler */
    s_time_t idle_since;
    uint32_t locks_held; /* debug builds: bitmap of ranks */
} __aligned(ARCH_CACHE_LINE);

extern struct cpu cpus[MAX_CPUS];
extern unsigned int nr_cpus; /* found in the device tree (limited by MAX_CPUS and maxcpus=) */
extern unsigned int nr_cpus_online;

static inline struct cpu *this_cpu(void)
{
    return arch_this_cpu();
}

static inline struct vcpu *current_vcpu(void)
{
    return arch_this_cpu()->current;
}

/* Start all secondary CPUs; those that fail are reported and left out. */
void cpu_start_all(void);
/* Set CPU_PENDING_ bits on c and interrupt it if it is another one. */
void cpu_request(struct cpu *c, uint32_t bits);
/* The same without the interrupt: true if c must be given one (arch_cpu_kick). */
bool __must_check cpu_mark(struct cpu *c, uint32_t bits);
/* Ask every other CPU to stop for ever (panic, reset). */
void cpu_halt_others(void);

/*
 * Debug builds. All other CPUs stand still in their gates, with no lock held and no call in progress,
 * until cpu_start_others(). false: they did not all come, and none stands still: one of them may
 * wait for another, so the caller leaves by his own gate before he tries again. With no lock held.
 */
bool __must_check cpu_stop_others(void);
void cpu_start_others(void);
/* The gate: another CPU wants this one to stand still. */
void cpu_stand_still(void);
