/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The states of vCPUs and CPUs: waking, sleeping, choosing, affinity, time accounting. In what
 * order waiting vCPUs run is the class's business (null.c, fair.c); registers are moved by the gate
 * (domain/exit.c).
 */
#include <public/domctl.h>
#include <xen/bitops.h>
#include <xen/cpu.h>
#include <xen/cpupool.h>
#include <xen/domain.h>
#include <xen/errno.h>
#include <xen/opt.h>
#include <xen/printk.h>
#include <xen/sched.h>
#include <xen/string.h>

spinlock_t sched_lock = SPINLOCK_INIT(LOCK_SCHED);

static cpumask_t kicks; /* CPUs to be interrupted when the lock is released */
cpumask_t sched_idle_cpus;
static bool sched_started; /* some vCPU was chosen: Pool-0's class cannot change any more */

cpumask_t cpumask_of(const struct cpu *c)
{
    return (cpumask_t)1 << c->id;
}

void sched_request(struct cpu *c, uint32_t bits)
{
    if (cpu_mark(c, bits)) {
        kicks |= cpumask_of(c);
    }
}

void sched_unlock(void)
{
    cpumask_t due = kicks;

    kicks = 0;
    spin_unlock(&sched_lock);
    for_each_bit(c, due) {
        arch_cpu_kick(&cpus[c]);
    }
}

void sched_init(const char *name)
{
    if (strcmp(name, sched_null.name) == 0) {
        cpupool0.class = &sched_null;
    } else if (name[0] != '\0' && strcmp(name, sched_fair.name) != 0 &&
               strncmp(name, "credit", 6) != 0) {
        printk(XENLOG_WARNING
               "sched=%s: no such scheduler here (there are fair and null): using %s\n",
               name, cpupool0.class->name);
    }
}

bool sched_fall_back(struct cpupool *pool)
{
    bool possible = !sched_started && pool == &cpupool0 && pool->class == &sched_null;

    if (possible) {
        null_release_all();
        pool->class = &sched_fair;
    }
    return possible;
}

static void sched_slice_end(void *data)
{
    cpu_request(data, CPU_PENDING_RESCHED);
}

void sched_init_cpu(struct cpu *c)
{
    if (timer_init(&c->sched.slice, c, sched_slice_end, c) != 0) {
        panic("CPU%u: no memory for the scheduler's timer\n", c->id);
    }
    c->sched.since = time_now();
    c->idle_since = c->sched.since;
    spin_lock(&sched_lock);
    c->sched.pool = &cpupool0;
    cpupool0.cpus |= cpumask_of(c);
    sched_idle_cpus |= cpumask_of(c); /* it chooses when it first comes to the gate */
    sched_unlock();
}

cpumask_t sched_allowed(const struct vcpu *v)
{
    cpumask_t possible = v->sched.pool->cpus & v->sched.assigned;
    cpumask_t both = v->sched.hard & possible;

    return both != 0 ? both : possible;
}

bool sched_eligible(const struct vcpu *v, const struct cpu *c)
{
    /* Acquire: if it reads 0, what the other CPU saved is visible to the load that follows. */
    return (sched_allowed(v) & cpumask_of(c)) != 0 &&
           (v->cpu == c || atomic_load_acquire(&v->running) == 0);
}

void sched_retry_at(struct cpu *c, s_time_t when)
{
    if (!timer_armed(&c->sched.slice) || c->sched.slice.expires > when) {
        timer_set(&c->sched.slice, when);
    }
}

static void sched_set_queued(struct vcpu *v, s_time_t now, bool woken)
{
    v->sched.state = SCHED_QUEUED;
    v->sched.pool->class->enqueue(v, now, woken);
}

/* An idle CPU for v: its last one, one it prefers, any. NULL: all are busy. */
static struct cpu *sched_find_idle(const struct vcpu *v)
{
    cpumask_t idle = sched_idle_cpus & sched_allowed(v);

    if (idle == 0) {
        return NULL;
    }
    if ((idle & v->sched.soft) != 0) {
        idle &= v->sched.soft;
    }
    return (idle & cpumask_of(v->cpu)) != 0 ? v->cpu : &cpus[ctz64(idle)];
}

/*
 * A vCPU whose state is loaded on a CPU that does not run it: idle there, or on its way out. Only
 * that CPU can go on with it at once, and only that CPU can give it away (sched_released places it
 * again).
 */
static void sched_place_loaded(struct vcpu *v)
{
    sched_idle_cpus &= ~cpumask_of(v->cpu);
    sched_request(v->cpu, CPU_PENDING_RESCHED);
}

void sched_place(struct vcpu *v, s_time_t now)
{
    struct cpu *c;

    if (v->sched.state != SCHED_QUEUED) {
        return; /* the class has parked it */
    }
    if (v->running != 0) {
        sched_place_loaded(v);
        return;
    }
    c = sched_find_idle(v);
    if (c != NULL) {
        sched_idle_cpus &= ~cpumask_of(c); /* the next one to be woken takes another */
        sched_request(c, CPU_PENDING_RESCHED);
    } else {
        v->sched.pool->class->contend(v, now);
    }
}

/*
 * The common case of waking: v stayed loaded on its CPU, which has nothing else to do. Then v is
 * that CPU's again without being queued and chosen; its gate sees that in c->sched.curr.
 */
static bool sched_resume(struct vcpu *v, s_time_t now)
{
    struct cpu *c = v->cpu;

    if (v->running == 0 || c->sched.curr != NULL || v->sched.pool->nr_waiting != 0 ||
        (sched_allowed(v) & cpumask_of(c)) == 0 || !v->sched.pool->class->resume(v, now)) {
        return false;
    }
    v->sched.state = SCHED_RUNNING;
    c->sched.since = now;
    c->sched.started = now;
    c->idle_time += now - c->idle_since;
    sched_idle_cpus &= ~cpumask_of(c);
    vcpu_runstate_change(v, RUNSTATE_running, now);
    /* Release: the gate that sees v also sees the rest. */
    atomic_store_release(&c->sched.curr, v);
    sched_request(c, CPU_PENDING_VIRQ);
    return true;
}

static void sched_wake_locked(struct vcpu *v)
{
    s_time_t now = time_now();

    if (!sched_resume(v, now)) {
        vcpu_runstate_change(v, RUNSTATE_runnable, now);
        sched_set_queued(v, now, true);
        sched_place(v, now);
    }
}

void sched_wake(struct vcpu *v)
{
    spin_lock(&sched_lock);
    if (v->sched.state == SCHED_OFF && vcpu_runnable(v)) {
        sched_wake_locked(v);
    }
    sched_unlock();
}

/* RUNSTATE_ of a vCPU that must not run. */
static int sched_off_state(const struct vcpu *v)
{
    return atomic_load(&v->pause_flags) == VPF_BLOCKED ? RUNSTATE_blocked : RUNSTATE_offline;
}

void sched_sleep(struct vcpu *v)
{
    spin_lock(&sched_lock);
    if (!vcpu_runnable(v)) {
        if (v->sched.state == SCHED_QUEUED) {
            v->sched.pool->class->dequeue(v);
        }
        if (v->sched.state != SCHED_RUNNING) {
            v->sched.state = SCHED_OFF;
            vcpu_runstate_change(v, sched_off_state(v), time_now());
        }
        if (v->running != 0) { /* running, or idle but loaded: its CPU saves it at the gate */
            sched_request(v->cpu, CPU_PENDING_RESCHED);
        }
    }
    sched_unlock();
}

void sched_sleep_wait(struct vcpu *v)
{
    sched_sleep(v);
    while (atomic_load_acquire(&v->running) != 0) {
        arch_wait_while_equal(&v->running, 1);
    }
}

void sched_yield(struct vcpu *v)
{
    if (atomic_load(&v->sched.pool->nr_waiting) != 0) {
        v->sched.yielding = true;
        cpu_request(v->cpu, CPU_PENDING_RESCHED);
    }
}

bool sched_is_running(const struct vcpu *v)
{
    return atomic_load(&v->sched.state) == SCHED_RUNNING;
}

/* c's vCPU has run until now: charge it, and let it wait or rest. */
static void sched_put(struct cpu *c, struct vcpu *v, s_time_t now)
{
    v->sched.pool->class->charge(c, v, now - c->sched.since);
    if (vcpu_runnable(v)) {
        sched_set_queued(v, now, false);
    } else {
        v->sched.state = SCHED_OFF;
    }
}

static void sched_take(struct cpu *c, struct vcpu *v)
{
    v->sched.state = SCHED_RUNNING;
    atomic_store(&v->cpu, c);
    /* Release: who finds it running without the lock finds where (vcpu_kick). */
    atomic_store_release(&v->running, 1u);
    sched_started = true;
}

/* Run states of a switch on c, and its idle time. */
static void sched_account(struct cpu *c, struct vcpu *prev, struct vcpu *next, s_time_t now)
{
    if (prev == NULL && next != NULL) {
        c->idle_time += now - c->idle_since;
    }
    if (prev == next) {
        return;
    }
    c->sched.started = now;
    if (prev != NULL) {
        vcpu_runstate_change(
            prev, prev->sched.state == SCHED_OFF ? sched_off_state(prev) : RUNSTATE_runnable, now);
    }
    if (next != NULL) {
        vcpu_runstate_change(next, RUNSTATE_running, now);
    } else {
        c->idle_since = now;
    }
}

/* An idle CPU that was asked to run v may have found better: so whoever chooses looks for one that
 * is left over. */
static void sched_place_left_over(struct cpupool *pool, s_time_t now)
{
    struct vcpu *v = sched_idle_cpus != 0 && pool->nr_waiting != 0
                         ? pool->class->waiting(pool, sched_idle_cpus)
                         : NULL;

    if (v != NULL) {
        sched_place(v, now);
    }
}

struct vcpu *sched_pick(struct cpu *c)
{
    struct vcpu *prev, *next;
    s_time_t now, until = TIME_NEVER;

    spin_lock(&sched_lock);
    now = time_now();
    prev = c->sched.curr;
    if (prev != NULL) {
        sched_put(c, prev, now);
    }
    next = c->sched.pool->class->pick(c, now, &until);
    if (next != NULL) {
        sched_take(c, next);
        sched_idle_cpus &= ~cpumask_of(c);
    } else {
        sched_idle_cpus |= cpumask_of(c);
    }
    c->sched.curr = next;
    c->sched.since = now;
    sched_account(c, prev, next, now);
    if (prev != NULL) {
        prev->sched.yielding = false;
    }
    if (until != TIME_NEVER) {
        timer_set(&c->sched.slice, until);
    } else if (timer_armed(&c->sched.slice)) {
        timer_stop(&c->sched.slice);
    }
    if (prev != NULL && prev != next && c->current != prev) {
        /* Woken while this CPU saved its state, and off again before it was loaded: as
         * sched_released would have left it. Release: the saved state is visible. */
        atomic_store_release(&prev->running, 0u);
        if (prev->sched.state == SCHED_QUEUED) {
            sched_place(prev, now);
        }
    }
    sched_place_left_over(c->sched.pool, now);
    sched_unlock();
    return next;
}

/*
 * Under the lock, so that nobody who waits for running == 0 and then takes the lock to destroy v
 * gets ahead of us.
 */
void sched_released(struct vcpu *v)
{
    spin_lock(&sched_lock);
    /* Unless it was woken meanwhile, when this CPU had nothing to do (sched_resume). */
    if (v->cpu->sched.curr != v) {
        /* Release: the saved state is visible to the CPU that sees this and loads it. */
        atomic_store_release(&v->running, 0u);
    }
    if (v->sched.state == SCHED_QUEUED) {
        sched_place(v, time_now());
    }
    sched_unlock();
}

s_time_t sched_idle_time(struct cpu *c)
{
    s_time_t total;

    spin_lock(&sched_lock);
    total = c->idle_time;
    if (c->sched.curr == NULL) {
        total += time_now() - c->idle_since;
    }
    sched_unlock();
    return total;
}
