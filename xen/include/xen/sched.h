/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scheduling: which vCPU runs on which CPU. core.c owns states, switching and affinity, all under
 * one lock; a class (null.c, fair.c) owns the order within a CPU pool (pool.c). The lock is one for
 * the machine, and a pool has one run queue for all its CPUs: a waiting vCPU belongs to no CPU, so
 * there is nothing to balance or to steal.
 */
#pragma once

#include <xen/compiler.h>
#include <xen/config.h>
#include <xen/list.h>
#include <xen/spinlock.h>
#include <xen/time.h>
#include <xen/timer.h>
#include <xen/types.h>

struct cpu;
struct cpupool;
struct domain;
struct vcpu;
struct xen_domctl_scheduler_op;
struct xen_sysctl_scheduler_op;

typedef uint32_t cpumask_t; /* bit per physical CPU; MAX_CPUS <= 32 */

#define CPUMASK_ALL UINT32_MAX

/* Where the scheduler has a vCPU. */
enum sched_state {
    SCHED_OFF,     /* must not run: down, blocked, paused */
    SCHED_QUEUED,  /* may run, waits for a CPU */
    SCHED_PARKED,  /* may run, but its domain has used up its cap: waits for the next period */
    SCHED_RUNNING, /* chosen by v->cpu */
};

struct sched_cpu {     /* per physical CPU */
    struct vcpu *curr; /* chosen to run here; NULL: idle. cpu.current may still be another one until
                          the gate has switched */
    struct cpupool *pool;
    struct timer slice; /* armed while somebody waits who may run here */
    s_time_t since;     /* when curr was charged last */
    s_time_t started;   /* when curr was chosen over another one */
    uint64_t clock;     /* fair: virtual time that this CPU's vCPUs have reached */
};

struct sched_vcpu {       /* per vCPU */
    struct list node;     /* fair: its pool's queue */
    struct cpupool *pool; /* its domain's */
    cpumask_t hard, soft; /* affinity: must, prefers */
    cpumask_t saved_hard; /* hard before SCHEDOP_pin_override, 0: no override */
    cpumask_t assigned;   /* null: its own CPU; else CPUMASK_ALL */
    uint32_t state;       /* enum sched_state */
    bool yielding;        /* gives way once */
    uint64_t vtime;       /* fair: weighted run time */
};

#define SCHED_WEIGHT_DEFAULT 256u

struct sched_domain {
    uint16_t weight; /* 1..65535, default 256 */
    uint16_t cap;    /* per cent of a CPU, 0: none */
    s_time_t budget; /* fair: ns left in this period of the cap */
    s_time_t next_refill;
    struct timer refill; /* armed while there is a cap */
};

/* All functions are called with the scheduler's lock held. */
struct sched_class {
    const char *name; /* "null", "fair" */
    uint32_t id;      /* XEN_SCHEDULER_* that the tools see */
    /* Take v, or v's new affinity, into its pool: 0 or -ENOSPC (and nothing has changed). v is not
     * queued. */
    int (*admit)(struct vcpu *v);
    /* v does not run on these CPUs, all of one pool, any more. */
    void (*remove)(struct vcpu *v, cpumask_t from);
    /* Its pool goes on without c, which it has not any more: 0 or -EBUSY (and nothing changed). */
    int (*give_up)(struct cpu *c);
    /* v waits for a CPU now. woken: it did not run just before. */
    void (*enqueue)(struct vcpu *v, s_time_t now, bool woken);
    void (*dequeue)(struct vcpu *v);
    /* v, woken, may go on at once on v->cpu, which is idle, while nobody waits. false: not so. */
    bool (*resume)(struct vcpu *v, s_time_t now);
    /* Take the vCPU that c shall run out of the queue, NULL: none. *until: when to choose again,
     * TIME_NEVER: no need. */
    struct vcpu *(*pick)(struct cpu *c, s_time_t now, s_time_t *until);
    /* A queued vCPU, loaded nowhere, that one of these CPUs may run; NULL: none. */
    struct vcpu *(*waiting)(struct cpupool *pool, cpumask_t idle);
    /* v ran on c for `ran` ns. */
    void (*charge)(struct cpu *c, struct vcpu *v, s_time_t ran);
    /* v, which waits, finds no idle CPU: make a CPU choose again, now or in time. */
    void (*contend)(struct vcpu *v, s_time_t now);
};

extern const struct sched_class sched_null, sched_fair;

/* The sched= option, for Pool-0; "" or an unknown name (warning): fair. */
void sched_init(const char *name);
/* CPU c may be used from now on. On that CPU. */
void sched_init_cpu(struct cpu *c);
int __must_check sched_domain_init(struct domain *d); /* 0 or -ENOMEM */
void sched_domain_destroy(struct domain *d);
/* A new vCPU: may run on all CPUs of its pool, is off, v->cpu is set. -ENOSPC: null scheduler
 * without a free CPU. */
int __must_check sched_vcpu_init(struct vcpu *v);
void sched_vcpu_destroy(struct vcpu *v);
/* v may run (or may not) by its flags now: put it to the queue / make its CPU let it go. Any CPU,
 * any time, idempotent. */
void sched_wake(struct vcpu *v);
void sched_sleep(struct vcpu *v);
/*
 * As sched_sleep, and return once v's state is not loaded anywhere. The caller holds a pause of v,
 * or it might run again and stay loaded for ever; v is not current, and no v waits for the caller
 * (domain_wait_begin).
 */
void sched_sleep_wait(struct vcpu *v);
/* Let others run first, at the next gate. v is current. */
void sched_yield(struct vcpu *v);
/* The gate: whom this CPU runs next, NULL: nobody. No state is switched here. */
struct vcpu *sched_pick(struct cpu *c);
/* The gate: the state of v, which this CPU does not run any more, has been saved. */
void sched_released(struct vcpu *v);
/* CPUs that v may use at all: hard affinity, pool, class. Never 0. */
cpumask_t sched_allowed(const struct vcpu *v);
/* NULL: leave it. -EINVAL: no CPU of the pool in *hard; -ENOSPC: no free one (null); -EBUSY: pinned
 * by override. */
int __must_check sched_set_affinity(struct vcpu *v, const cpumask_t *hard, const cpumask_t *soft);
/* SCHEDOP_pin_override: bind v to `cpu`, or end that with a negative number. -EINVAL, -EBUSY. */
int __must_check sched_pin_override(struct vcpu *v, int32_t cpu);
/* ns that c has been idle since boot. */
s_time_t sched_idle_time(struct cpu *c);
/* Is v chosen by a CPU now? (Its state may be loaded on one without that: v->running.) */
bool sched_is_running(const struct vcpu *v);

long sched_domctl(struct domain *d, struct xen_domctl_scheduler_op *op);
long sched_sysctl(struct xen_sysctl_scheduler_op *op);

/* For classes and tools.c. */
static inline s_time_t time_min(s_time_t a, s_time_t b)
{
    return a < b ? a : b;
}
static inline s_time_t time_max(s_time_t a, s_time_t b)
{
    return a > b ? a : b;
}
extern spinlock_t sched_lock;
/* Release it, then interrupt whom sched_request named: they would only come to wait for the lock,
 * on an emulator for a whole slice of it. */
void sched_unlock(void);
/* cpu_request, with the lock held. */
void sched_request(struct cpu *c, uint32_t bits);
cpumask_t cpumask_of(const struct cpu *c);
/* v (queued) may run on c: by affinity, and its state is not loaded elsewhere. */
bool sched_eligible(const struct vcpu *v, const struct cpu *c);
extern cpumask_t sched_idle_cpus; /* idle, and not yet asked to choose again */
/* Make c choose again at `when` or before. Lock held. */
void sched_retry_at(struct cpu *c, s_time_t when);
/* Pool-0 from null to fair, as long as nothing has run. false: too late, or another pool, or it is
 * fair already. Lock held. */
bool __must_check sched_fall_back(struct cpupool *pool);
/* v is queued: find it a CPU. Lock held. */
void sched_place(struct vcpu *v, s_time_t now);
/* null.c: nobody has a CPU of its own any more. */
void null_release_all(void);
/* fair.c: the domain's weight or cap changed. Lock held. */
void fair_domain_changed(struct domain *d, uint16_t weight, uint16_t cap);
