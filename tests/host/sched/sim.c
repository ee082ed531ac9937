/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A machine for the scheduler alone: the real scheduler, gate, timers and vCPU states on simulated
 * CPUs and time. Which CPU moves next is random, so that requests arrive early and late.
 *
 * usage: sim CPUS CLASS SEED MILLISECONDS VCPU...
 * VCPU is domain:weight:cap:affinity:run_us:sleep_us[:y|:p|:m], run_us 0: never stops, sleep_us 0:
 * is woken at random, y: yields instead of sleeping, p: pauses others, m: moves domains between CPU
 * pools. With SIM_DISTURB in the environment things happen at random; with SIM_POOLS there are three
 * pools, and CPUs come and go, too. Prints for each vCPU: ns run,
 * ns runnable, times it woke, longest wait from wake to run in ns.
 */
#include <xen/cpupool.h>
#include <xen/errno.h>
#include <xen/opt.h>

#include "sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct vcpu *vcpus[MAX_VCPUS];
struct behaviour behaviour[MAX_VCPUS];
unsigned int nr_vcpus;
int64_t now;

static struct domain domains[8];
static uint64_t seed = 1;
static bool early;  /* things may happen at any moment */
static bool pooled; /* CPUs change pools */

void __noreturn fail(const char *why)
{
    printf("FAIL at %lld: %s\n", (long long)now, why);
    fflush(stdout);
    _exit(1); /* not exit: this may be a coroutine's stack */
}

uint64_t rnd(uint64_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed % below;
}

struct behaviour *behaviour_of(const struct vcpu *v)
{
    unsigned int i;

    for (i = 0; i < nr_vcpus; i++) {
        if (vcpus[i] == v) {
            return &behaviour[i];
        }
    }
    fail("unknown vCPU");
}

/* Time of the next thing that happens. */
static int64_t next_event(void)
{
    int64_t next = INT64_MAX;
    unsigned int i;

    for (i = 0; i < nr_cpus; i++) {
        struct machine_cpu *m = &machine[i];
        int64_t at = m->kick < m->deadline ? m->kick : m->deadline;

        if (m->where == IN_WAIT) {
            continue; /* takes no interrupts */
        }
        if (m->where == IN_GUEST && behaviour_of(m->guest)->run != 0 &&
            now + behaviour_of(m->guest)->left < at) {
            at = now + behaviour_of(m->guest)->left;
        }
        next = at < next ? at : next;
    }
    for (i = 0; i < nr_vcpus; i++) {
        if (behaviour[i].wake_at < next) {
            next = behaviour[i].wake_at;
        }
    }
    return next;
}

static void advance(int64_t to)
{
    unsigned int i;

    for (i = 0; i < nr_cpus; i++) {
        if (machine[i].where == IN_GUEST) {
            behaviour_of(machine[i].guest)->left -= to - now;
            behaviour_of(machine[i].guest)->ran += to - now;
        }
    }
    now = to;
}

static void wake(unsigned int i)
{
    struct behaviour *b = &behaviour[i];

    b->wake_at = INT64_MAX;
    b->woken = now;
    b->wakes++;
    vcpu_kick(vcpus[i]);
}

/* Wake who has slept enough. */
static void wake_sleepers(void)
{
    unsigned int i;

    for (i = 0; i < nr_vcpus; i++) {
        if (behaviour[i].wake_at <= now) {
            wake(i);
        }
    }
}

/* A tool pauses, unpauses, and pins more rarely, so that pauses follow each other closely. */
static void disturb(void)
{
    struct vcpu *v = vcpus[rnd(nr_vcpus)];
    cpumask_t mask = (cpumask_t)rnd(1ull << nr_cpus);
    int rc;

    if (pooled && rnd(4) == 0) {
        change_pools();
        return;
    }
    switch (rnd(7) / 3) {
    case 0:
        if (!behaviour_of(v)->paused) {
            behaviour_of(v)->paused = true;
            atomic_fetch_add(&v->pause_count, 1u);
            sched_sleep(v);
        }
        break;
    case 1:
        if (behaviour_of(v)->paused) {
            behaviour_of(v)->paused = false;
            vcpu_unpause(v);
        }
        break;
    default:
        rc = sched_set_affinity(v, &mask, NULL);
        if (rc == -EINVAL && (mask & v->d->pool->cpus) != 0) {
            fail("affinity refused");
        }
        break;
    }
}

void early_event(void)
{
    unsigned int i = (unsigned int)rnd(nr_vcpus);

    if (!early || rnd(2) != 0) {
        return;
    }
    if (behaviour[i].wake_at != INT64_MAX && rnd(2) == 0) {
        wake(i);
    } else {
        disturb();
    }
}

/* After everything has settled: what must hold at any time. */
static void check(void)
{
    unsigned int i, c, nr_domains = 0;

    for (i = 0; i < ARRAY_SIZE(domains); i++) {
        nr_domains += domains[i].vcpu != NULL;
    }
    check_pools(nr_domains);
    for (i = 0; i < nr_vcpus; i++) {
        struct vcpu *v = vcpus[i];

        if (v->pause_count != 0 && v->running != 0) {
            fail("paused, but loaded");
        }
        if (vcpu_runnable(v) && v->sched.state == SCHED_OFF) {
            fail("runnable, but forgotten");
        }
        if (!vcpu_runnable(v) && v->sched.state != SCHED_OFF) {
            fail("not runnable, but scheduled");
        }
        if (v->d->sched.cap != 0 && v->d->sched.budget <= 0) {
            continue; /* waits for its domain's next period */
        }
        for (c = 0; c < nr_cpus && v->sched.state == SCHED_QUEUED; c++) {
            if ((sched_allowed(v) & cpumask_of(&cpus[c])) != 0 && cpus[c].sched.curr == NULL) {
                fail("waits beside an idle CPU");
            }
        }
    }
}

static void quiet_check(void)
{
    unsigned int i;

    for (i = 0; i < nr_cpus; i++) {
        if (machine[i].kick != INT64_MAX || cpus[i].pending != 0) {
            return; /* a request is on its way */
        }
    }
    check();
}

static void run(int64_t end, bool disturbed)
{
    int64_t next_disturbance = disturbed ? 0 : INT64_MAX;

    early = disturbed;
    while (now < end) {
        int64_t next;

        wake_sleepers();
        if (next_disturbance <= now) {
            disturb();
            next_disturbance = now + (int64_t)rnd(3000000);
        }
        machine_settle();
        quiet_check();
        next = next_event();
        next = next < next_disturbance ? next : next_disturbance;
        next = next < end ? next : end;
        advance(next < now ? now : next);
    }
}

static void start_cpu(unsigned int i)
{
    struct cpu *c = &cpus[i];

    c->id = i;
    c->online = true;
    host_cpu = c;
    machine[i].kick = INT64_MAX;
    machine[i].deadline = INT64_MAX;
    timer_init_cpu(c);
}

static struct domain *get_domain(unsigned int id)
{
    struct domain *d = &domains[id];

    if (d->vcpu == NULL) {
        d->id = (domid_t)id;
        d->vcpu = calloc(MAX_VCPUS, sizeof(*d->vcpu));
        d->max_vcpus = MAX_VCPUS;
        d->poll_mask = calloc(1, 8);
        d->shared_info = calloc(1, 4096);
        spin_init(&d->lock, LOCK_DOMAIN);
        host_cpu = &cpus[0]; /* whose timers it will use */
        if (cpupool_join(d, 0) != 0 || sched_domain_init(d) != 0) {
            fail("domain");
        }
        host_cpu = OUTSIDE;
    }
    return d;
}

static void add_vcpu(const char *spec)
{
    unsigned int id, weight, cap, run_us, sleep_us;
    char affinity[16], last = 0;
    struct behaviour *b = &behaviour[nr_vcpus];
    struct domain *d;
    struct vcpu *v;
    unsigned int slot = 0;
    cpumask_t hard;
    int rc;

    if (sscanf(spec, "%u:%u:%u:%15[^:]:%u:%u:%c", &id, &weight, &cap, affinity, &run_us, &sleep_us,
               &last) < 6) {
        fail("bad vCPU");
    }
    d = get_domain(id);
    while (d->vcpu[slot] != NULL) {
        slot++;
    }
    v = vcpu_create(d, slot, &rc);
    if (v == NULL) {
        printf("refused %d\n", rc);
        exit(0);
    }
    *b = (struct behaviour){.run = run_us * 1000ll,
                            .sleep = sleep_us * 1000ll,
                            .yields = last == 'y',
                            .pauses = last == 'p',
                            .moves = last == 'm',
                            .left = run_us * 1000ll,
                            .wake_at = INT64_MAX,
                            .woken = -1};
    vcpus[nr_vcpus++] = v;
    hard = (cpumask_t)strtoul(affinity, NULL, 0);
    if (sched_set_affinity(v, &hard, NULL) != 0) {
        fail("affinity");
    }
    spin_lock(&sched_lock);
    fair_domain_changed(d, (uint16_t)weight, (uint16_t)cap);
    spin_unlock(&sched_lock);
}

int main(int argc, char **argv)
{
    unsigned int i;

    if (argc < 6) {
        fail("usage");
    }
    machine_init();
    opt.sched_ratelimit_us = 1000;
    nr_cpus = nr_cpus_online = (unsigned int)atoi(argv[1]);
    seed = strtoull(argv[3], NULL, 0) * 0x9e3779b97f4a7c15ull + 1;
    for (i = 0; i < nr_cpus; i++) {
        start_cpu(i);
    }
    sched_init(argv[2]);
    for (i = 0; i < nr_cpus; i++) {
        host_cpu = &cpus[i];
        sched_init_cpu(host_cpu);
    }
    host_cpu = OUTSIDE;
    for (i = 5; i < (unsigned int)argc; i++) {
        add_vcpu(argv[i]);
    }
    for (i = 0; i < nr_cpus; i++) {
        machine_start(i);
    }
    for (i = 0; i < nr_vcpus; i++) {
        vcpus[i]->initialised = true;
        vcpu_up(vcpus[i]);
    }
    if (getenv("SIM_POOLS") != NULL) {
        make_pools();
        pooled = true;
    }
    run(atoll(argv[4]) * 1000000, getenv("SIM_DISTURB") != NULL);
    for (i = 0; i < nr_vcpus; i++) {
        struct vcpu_runstate_info info;

        vcpu_runstate_get(vcpus[i], &info);
        printf("%lld %llu %llu %lld\n", (long long)behaviour[i].ran,
               (unsigned long long)info.time[RUNSTATE_runnable],
               (unsigned long long)behaviour[i].wakes, (long long)behaviour[i].worst);
        if ((int64_t)info.time[RUNSTATE_running] < behaviour[i].ran) {
            fail("run state says less than it ran");
        }
    }
    return 0;
}
