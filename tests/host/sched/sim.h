/* SPDX-License-Identifier: Apache-2.0 */
/* Between sim.c, which plays time and users, and machine.c, which plays CPUs. */
#pragma once

#include "../arch/port/state.h"

#include <xen/cpu.h>
#include <xen/domain.h>
#include <xen/sched.h>

#include <ucontext.h>

#define MAX_VCPUS 32u
#define OUTSIDE   (&cpus[MAX_CPUS - 1u]) /* who is none of the machine's CPUs: devices, the user */

enum where {
    IN_GUEST,
    IN_IDLE,
    IN_WAIT,
    IN_GATE, /* somewhere in the hypervisor, without a lock: others may overtake it */
};

struct machine_cpu {
    ucontext_t context;
    enum where where;
    int64_t deadline;   /* of the hypervisor's timer */
    int64_t kick;       /* when its IPI arrives, INT64_MAX: none */
    struct vcpu *guest; /* runs in guest mode */
    const uint32_t *wait;
    uint32_t wait_old;
};

struct behaviour {
    int64_t run, sleep; /* ns; 0: for ever, at random */
    bool yields;
    bool pauses;     /* a tool: pauses others and waits for that */
    bool moves;      /* a tool: moves domains to other pools */
    bool paused;     /* by the user */
    int64_t left;    /* ns to run before the next block */
    int64_t wake_at; /* when it sleeps */
    int64_t woken;   /* when it was woken and has not run since, else -1 */
    int64_t ran, worst;
    uint64_t wakes;
    struct cpu *loaded; /* where its state is */
};

extern struct machine_cpu machine[MAX_CPUS];
extern struct vcpu *vcpus[MAX_VCPUS];
extern struct behaviour behaviour[MAX_VCPUS];
extern unsigned int nr_vcpus;
extern int64_t now;

void __noreturn fail(const char *why);
uint64_t rnd(uint64_t below);
struct behaviour *behaviour_of(const struct vcpu *v);

/* Pool-0 and two more, one of each class, which have no CPUs at first. */
void make_pools(void);
struct cpupool *random_pool(void);
/* A CPU leaves its pool, or a free one joins some pool. */
void change_pools(void);
/* Each CPU is in one pool, each of the domains has one that has CPUs. */
void check_pools(unsigned int nr_domains);

/* A CPU has moved; sometimes something happens to it at just this moment. */
void early_event(void);

/* First: memory, and all variables new. */
void machine_init(void);
/* CPU i begins: it passes its gate for the first time. */
void machine_start(unsigned int i);
/* Let CPUs that have work do it, in random order, until none has. */
void machine_settle(void);
