/*
 * A machine for the scheduler alone: the real scheduler, gate, timers and vCPU states on simulated
 * CPUs and time. Each CPU is a coroutine that runs guest_exit() and "the guest"; which CPU moves
 * next is random, so that requests arrive early and late.
 *
 * usage: sim CPUS CLASS SEED MILLISECONDS VCPU...
 * VCPU is domain:weight:cap:affinity:run_us:sleep_us[:yield], run_us 0: never stops, sleep_us 0: is
 * woken at random. Prints for each vCPU: ns run, ns runnable, times it woke, longest wait from wake
 * to run in ns.
 */
#include <arch/cpu.h>
#include <arch/irq.h>
#include <arch/vcpu.h>
#include <public/domctl.h>
#include <xen/cmdline.h>
#include <xen/cpu.h>
#include <xen/cpupool.h>
#include <xen/domain.h>
#include <xen/errno.h>
#include <xen/page_alloc.h>
#include <xen/printk.h>
#include <xen/sched.h>
#include <xen/trap.h>

#include <stdio.h>
#include <stdlib.h>
#include <ucontext.h>
#include <unistd.h>

#define MAX_VCPUS 32u
#define STACK     (256u << 10)
#define IPI_NS    2000 /* an interrupt from another CPU arrives within this */

enum where {
    IN_GUEST,
    IN_IDLE,
    IN_WAIT
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
    int64_t left;    /* ns to run before the next block */
    int64_t wake_at; /* when it sleeps */
    int64_t woken;   /* when it was woken and has not run since, else -1 */
    int64_t ran, worst;
    uint64_t wakes;
    struct cpu *loaded; /* where its state is */
};

uint64_t host_counter;
uint8_t *host_directmap;
#define OUTSIDE (&cpus[MAX_CPUS - 1u]) /* what nobody of the machine does: devices, the user */

struct cpu *host_cpu = OUTSIDE;
struct xen_options opt = {.sched_ratelimit_us = 1000};
struct domain *hardware_domain;
spinlock_t domain_list_lock = SPINLOCK_INIT(LOCK_DOMAIN_LIST);

static struct machine_cpu machine[MAX_CPUS];
static ucontext_t simulator;
static struct domain domains[8];
static struct vcpu *vcpus[MAX_VCPUS];
static struct behaviour behaviour[MAX_VCPUS];
static unsigned int nr_vcpus;
static int64_t now;
static uint64_t seed = 1;

static void __noreturn fail(const char *why)
{
    printf("FAIL at %lld: %s\n", (long long)now, why);
    fflush(stdout);
    _exit(1); /* not exit: this may be a coroutine's stack */
}

static uint64_t rnd(uint64_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed % below;
}

static struct behaviour *behaviour_of(const struct vcpu *v)
{
    unsigned int i;

    for (i = 0; i < nr_vcpus; i++) {
        if (vcpus[i] == v) {
            return &behaviour[i];
        }
    }
    fail("unknown vCPU");
}

/* What the scheduler's surroundings are made of. */

s_time_t time_now(void)
{
    return now;
}

uint64_t time_to_ticks(s_time_t ns)
{
    return (uint64_t)ns;
}

void host_timer_program(uint64_t ticks)
{
    machine[host_cpu->id].deadline = ticks > INT64_MAX ? INT64_MAX : (int64_t)ticks;
}

bool host_irq_pending(void)
{
    return false;
}

void arch_cpu_kick(const struct cpu *c)
{
    int64_t at = now + (int64_t)rnd(IPI_NS);

    if (at < machine[c->id].kick) {
        machine[c->id].kick = at;
    }
}

int arch_cpu_start(struct cpu *c __unused)
{
    return 0;
}

static void to_simulator(enum where where)
{
    struct machine_cpu *m = &machine[host_cpu->id];

    m->where = where;
    swapcontext(&m->context, &simulator);
}

void host_wait_while_equal(const uint32_t *p, uint32_t old)
{
    struct machine_cpu *m = &machine[host_cpu->id];

    m->wait = p;
    m->wait_old = old;
    to_simulator(IN_WAIT);
}

void arch_cpu_idle(void)
{
    to_simulator(IN_IDLE);
}

static void take_interrupts(void)
{
    struct machine_cpu *m = &machine[host_cpu->id];

    if (m->kick <= now) {
        m->kick = INT64_MAX;
        ipi_dispatch();
    }
    if (m->deadline <= now) {
        timer_interrupt();
    }
}

void arch_cpu_poll_irqs(void)
{
    take_interrupts();
}

void arch_vcpu_save(struct vcpu *v)
{
    if (behaviour_of(v)->loaded != host_cpu || !v->running) {
        fail("saved where it is not loaded");
    }
    behaviour_of(v)->loaded = NULL;
}

void arch_vcpu_load(struct vcpu *v)
{
    if (behaviour_of(v)->loaded != NULL || v->cpu != host_cpu || !v->running) {
        fail("loaded twice, or not where it belongs");
    }
    behaviour_of(v)->loaded = host_cpu;
}

bool arch_vcpu_wakeup_pending(struct vcpu *v __unused)
{
    return false;
}

void arch_virq_flush(struct vcpu *v __unused)
{
}

int arch_vcpu_create(struct vcpu *v __unused)
{
    return 0;
}

void arch_vcpu_destroy(struct vcpu *v __unused)
{
}

void arch_cpu_halt(void)
{
    fail("halt");
}

void *heap_alloc(size_t size)
{
    return calloc(1, size);
}

void heap_free(void *p)
{
    free(p);
}

bool page_scrub_idle(void)
{
    return false;
}

void panic(const char *fmt, ...)
{
    fail(fmt);
}

void evtchn_raise_virq(struct vcpu *v __unused, unsigned int virq __unused)
{
}

void domain_reap(void)
{
}

void domain_shutdown(struct domain *d __unused, uint8_t reason __unused)
{
    fail("shutdown");
}

struct vcpu *domain_vcpu(const struct domain *d, uint64_t id)
{
    return id < d->max_vcpus ? d->vcpu[id] : NULL;
}

struct page *guest_page_of_gva(uint64_t gva __unused, bool write __unused)
{
    return NULL;
}

mfn_t page_mfn(const struct page *pg __unused)
{
    return mfn(0);
}

void page_put(struct page *pg __unused)
{
}

/* A CPU's life. */

static void cpu_main(void)
{
    struct machine_cpu *m = &machine[host_cpu->id];

    m->guest = guest_exit(NULL);
    for (;;) {
        struct vcpu *v = m->guest;
        struct behaviour *b = behaviour_of(v);

        if (b->loaded != host_cpu || v->sched.state != SCHED_RUNNING || !vcpu_runnable(v)) {
            fail("runs, but should not");
        }
        if ((sched_allowed(v) & cpumask_of(host_cpu)) == 0 && host_cpu->pending == 0) {
            fail("runs where it must not");
        }
        if (b->woken >= 0) {
            b->worst = now - b->woken > b->worst ? now - b->woken : b->worst;
            b->woken = -1;
        }
        to_simulator(IN_GUEST);
        take_interrupts();
        if (b->run != 0 && b->left <= 0) {
            b->left = b->run;
            if (b->yields) {
                sched_yield(v);
            } else {
                b->wake_at = now + (b->sleep != 0 ? b->sleep : (int64_t)rnd(5000000));
                vcpu_block(v);
            }
        }
        if (host_cpu->pending != 0) {
            m->guest = guest_exit(v);
        }
    }
}

static bool cpu_has_work(const struct machine_cpu *m)
{
    if (m->where == IN_WAIT) {
        return __atomic_load_n(m->wait, __ATOMIC_RELAXED) != m->wait_old;
    }
    if (m->kick <= now || m->deadline <= now) {
        return true;
    }
    return m->where == IN_GUEST && behaviour_of(m->guest)->run != 0 &&
           behaviour_of(m->guest)->left <= 0;
}

static void cpu_resume(unsigned int i)
{
    host_cpu = &cpus[i];
    swapcontext(&simulator, &machine[i].context);
    host_cpu = OUTSIDE;
}

/* Let CPUs that have work do it, in random order, until none has. */
static void settle(void)
{
    bool any = true;

    while (any) {
        unsigned int first = (unsigned int)rnd(nr_cpus), i;

        any = false;
        for (i = 0; i < nr_cpus; i++) {
            unsigned int id = (first + i) % nr_cpus;

            if (cpu_has_work(&machine[id])) {
                any = true;
                cpu_resume(id);
            }
        }
    }
}

/* Time of the next thing that happens. */
static int64_t next_event(void)
{
    int64_t next = INT64_MAX;
    unsigned int i;

    for (i = 0; i < nr_cpus; i++) {
        struct machine_cpu *m = &machine[i];
        int64_t at = m->kick < m->deadline ? m->kick : m->deadline;

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

/* Wake who has slept enough. */
static void wake_sleepers(void)
{
    unsigned int i;

    for (i = 0; i < nr_vcpus; i++) {
        struct behaviour *b = &behaviour[i];

        if (b->wake_at <= now) {
            b->wake_at = INT64_MAX;
            b->woken = now;
            b->wakes++;
            vcpu_kick(vcpus[i]);
        }
    }
}

/* A tool pauses, unpauses, pins. */
static void disturb(void)
{
    struct vcpu *v = vcpus[rnd(nr_vcpus)];
    cpumask_t mask = (cpumask_t)rnd(1ull << nr_cpus);

    switch (rnd(3)) {
    case 0:
        if (v->pause_count == 0) {
            atomic_fetch_add(&v->pause_count, 1u);
            sched_sleep(v);
        }
        break;
    case 1:
        if (v->pause_count != 0) {
            vcpu_unpause(v);
        }
        break;
    default:
        if (sched_set_affinity(v, &mask, NULL) == -EINVAL && (mask & cpupool0.cpus) != 0) {
            fail("affinity refused");
        }
        break;
    }
}

/* After everything has settled: what must hold at any time. */
static void check(void)
{
    unsigned int i, c;

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

    while (now < end) {
        int64_t next;

        wake_sleepers();
        if (next_disturbance <= now) {
            disturb();
            next_disturbance = now + (int64_t)rnd(3000000);
        }
        settle();
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

static void start_context(unsigned int i)
{
    ucontext_t *context = &machine[i].context;

    getcontext(context);
    context->uc_stack.ss_sp = malloc(STACK);
    context->uc_stack.ss_size = STACK;
    context->uc_link = NULL;
    makecontext(context, cpu_main, 0);
    cpu_resume(i);
}

static struct domain *get_domain(unsigned int id)
{
    struct domain *d = &domains[id];

    if (d->vcpu == NULL) {
        d->id = (domid_t)id;
        d->pool = &cpupool0;
        d->vcpu = calloc(MAX_VCPUS, sizeof(*d->vcpu));
        d->max_vcpus = MAX_VCPUS;
        d->poll_mask = calloc(1, 8);
        d->shared_info = calloc(1, 4096);
        spin_init(&d->lock, LOCK_DOMAIN);
        host_cpu = &cpus[0]; /* whose timers it will use */
        if (sched_domain_init(d) != 0) {
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
        start_context(i);
    }
    for (i = 0; i < nr_vcpus; i++) {
        vcpus[i]->initialised = true;
        vcpu_up(vcpus[i]);
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
