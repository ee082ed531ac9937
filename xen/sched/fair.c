/*
 * Class fair: one queue for all CPUs, ordered by weighted run time ("virtual time"); whoever has had least runs next. Domains
 * may have a cap, a budget of run time for each period. The tools know this class as credit2, whose parameters it has.
 *
 * Virtual times are only comparable among vCPUs that compete. Who comes from sleep or from other CPUs is therefore moved to
 * the virtual time of the CPUs that it comes to (fair_reference); so neither a long sleep nor a hog elsewhere is a credit.
 */
#include <public/domctl.h>
#include <xen/cmdline.h>
#include <xen/cpu.h>
#include <xen/domain.h>
#include <xen/lib.h>
#include <xen/sched.h>

#define SLICE MILLISECS(10)        /* longest run while others wait */
#define SLEEPER_BONUS 3000000ull /* virtual time: head start of who wakes up; bounds what waking often can gain */
#define LEAD_MAX 3000000000ull     /* virtual time that a vCPU may be ahead of those it comes to */
#define MARGIN 500000ull           /* less virtual time than that is not worth a switch */
#define CAP_PERIOD MILLISECS(10)
#define CAP_SLICE_MIN MICROSECS(200)

uint32_t sched_ratelimit_us;
uint32_t sched_nr_waiting;

static struct list queue = LIST_INIT(queue); /* vCPUs in SCHED_QUEUED, by rising virtual time */

static uint64_t fair_scale(const struct vcpu *v, s_time_t ran)
{
    return (uint64_t)ran * SCHED_WEIGHT_DEFAULT / v->d->sched.weight;
}

/* Virtual time that the vCPUs competing for v's CPUs have reached. An idle CPU stands for the whole machine. */
static uint64_t fair_reference(const struct vcpu *v)
{
    cpumask_t allowed = sched_allowed(v);
    uint64_t machine = 0, mine = 0;
    unsigned int i;

    for (i = 0; i < nr_cpus; i++) {
        const struct sched_cpu *s = &cpus[i].sched;

        machine = max_u64(machine, s->clock);
        if ((allowed & cpumask_of(&cpus[i])) != 0) {
            mine = max_u64(mine, s->curr != NULL ? s->clock : UINT64_MAX);
        }
    }
    return mine == UINT64_MAX ? machine : mine;
}

/* Bring a vCPU that did not run just now to the virtual time of its competitors. */
static void fair_catch_up(struct vcpu *v)
{
    uint64_t now = fair_reference(v);

    v->sched.vtime = max_u64(v->sched.vtime, now - min_u64(now, SLEEPER_BONUS));
    v->sched.vtime = min_u64(v->sched.vtime, now + LEAD_MAX);
}

/*
 * c runs, or ran, a vCPU with this virtual time. The clock does not follow a head start back, or many sleepers' bonuses would
 * add up; it does follow competitors who are really elsewhere.
 */
static void fair_set_clock(struct cpu *c, uint64_t vtime)
{
    if (vtime > c->sched.clock || vtime + 2 * SLEEPER_BONUS < c->sched.clock) {
        c->sched.clock = vtime;
    }
}

static int fair_admit(struct vcpu *v)
{
    v->sched.vtime = fair_reference(v);
    return 0;
}

static void fair_remove(struct vcpu *v __unused)
{
}

static bool fair_spent(const struct domain *d)
{
    return d->sched.cap != 0 && d->sched.budget <= 0;
}

static void fair_insert(struct vcpu *v)
{
    struct vcpu *other;

    list_for_each(other, &queue, sched.node) {
        if (other->sched.vtime > v->sched.vtime) {
            break;
        }
    }
    list_add_before(&other->sched.node, &v->sched.node);
    sched_nr_waiting++;
}

static void fair_enqueue(struct vcpu *v, s_time_t now __unused, bool woken)
{
    if (woken) {
        fair_catch_up(v);
    }
    if (fair_spent(v->d)) {
        v->sched.state = SCHED_PARKED;
    } else {
        fair_insert(v);
    }
}

static void fair_dequeue(struct vcpu *v)
{
    list_del(&v->sched.node);
    sched_nr_waiting--;
}

/* First in the queue that c may run. One that yields comes only when there is no other. Parks who has spent its budget. */
static struct vcpu *fair_first(struct cpu *c)
{
    struct vcpu *v, *after, *yielding = NULL;

    list_for_each_safe(v, after, &queue, sched.node) {
        if (fair_spent(v->d)) {
            fair_dequeue(v);
            v->sched.state = SCHED_PARKED;
        } else if (sched_eligible(v, c)) {
            if (!v->sched.yielding) {
                return v;
            }
            yielding = v;
        }
    }
    return yielding;
}

/* Does anybody wait who may run on c by affinity? */
static bool fair_wanted(const struct cpu *c)
{
    struct vcpu *v;

    list_for_each(v, &queue, sched.node) {
        if ((sched_allowed(v) & cpumask_of(c)) != 0) {
            return true;
        }
    }
    return false;
}

static struct vcpu *fair_pick(struct cpu *c, s_time_t now, s_time_t *until)
{
    struct vcpu *v = fair_first(c);

    if (v == NULL) {
        return NULL;
    }
    fair_dequeue(v);
    fair_set_clock(c, v->sched.vtime);
    if (fair_wanted(c)) {
        *until = now + SLICE;
    }
    if (v->d->sched.cap != 0) {
        *until = time_min(*until, now + time_max(v->d->sched.budget, CAP_SLICE_MIN));
    }
    return v;
}

static void fair_charge(struct cpu *c, struct vcpu *v, s_time_t ran)
{
    v->sched.vtime += fair_scale(v, ran);
    fair_set_clock(c, v->sched.vtime);
    if (v->d->sched.cap != 0) {
        v->d->sched.budget -= ran;
    }
}

/* Virtual time of what runs on c, up to now. */
static uint64_t fair_running_vtime(const struct cpu *c, s_time_t now)
{
    const struct vcpu *v = c->sched.curr;

    return v->sched.vtime + fair_scale(v, now - c->sched.since);
}

/* A vCPU keeps its CPU for the rate limit before another one takes it. */
static void fair_preempt(struct cpu *c, s_time_t now)
{
    s_time_t when = c->sched.started + MICROSECS(sched_ratelimit_us);

    if (when <= now) {
        cpu_request(c, CPU_PENDING_RESCHED);
    } else {
        sched_retry_at(c, when);
    }
}

/*
 * All CPUs that v may use are busy. Take the one whose vCPU is furthest ahead, if that is far enough. In any case no CPU that v
 * may use goes on for longer than a slice.
 */
static void fair_contend(struct vcpu *v, s_time_t now)
{
    cpumask_t allowed = sched_allowed(v);
    struct cpu *victim = NULL;
    uint64_t most = v->sched.vtime + MARGIN;
    unsigned int i;

    for (i = 0; i < nr_cpus; i++) {
        struct cpu *c = &cpus[i];
        uint64_t vtime;

        if ((allowed & cpumask_of(c)) == 0 || c->sched.curr == NULL) {
            continue;
        }
        vtime = fair_running_vtime(c, now);
        if (vtime > most) {
            most = vtime;
            victim = c;
        }
        sched_retry_at(c, now + SLICE);
    }
    if (victim != NULL) {
        fair_preempt(victim, now);
    }
}

/* Let the parked vCPUs of d run again. */
static void fair_unpark(struct domain *d, s_time_t now)
{
    unsigned int i;

    for (i = 0; i < d->max_vcpus; i++) {
        struct vcpu *v = d->vcpu[i];

        if (v != NULL && v->sched.state == SCHED_PARKED) {
            v->sched.state = SCHED_QUEUED;
            fair_enqueue(v, now, true);
            sched_place(v, now);
        }
    }
}

static s_time_t fair_quota(const struct domain *d)
{
    return CAP_PERIOD / 100 * d->sched.cap;
}

/* A new period. What was overdrawn in the last one is paid back; what was left is lost. */
static void fair_refill(struct domain *d, s_time_t now)
{
    s_time_t quota = fair_quota(d);

    d->sched.budget = quota + time_min(d->sched.budget, 0);
    d->sched.next_refill = time_max(d->sched.next_refill + CAP_PERIOD, now);
    timer_set(&d->sched.refill, d->sched.next_refill);
    if (!fair_spent(d)) {
        fair_unpark(d, now);
    }
}

static void fair_refill_timer(void *data)
{
    struct domain *d = data;

    spin_lock(&sched_lock);
    if (d->sched.cap != 0) {
        fair_refill(d, time_now());
    }
    spin_unlock(&sched_lock);
}

void fair_domain_changed(struct domain *d, uint16_t weight, uint16_t cap)
{
    s_time_t now = time_now();
    unsigned int i;

    d->sched.weight = weight;
    d->sched.cap = cap;
    d->sched.budget = 0;
    if (cap != 0) {
        d->sched.next_refill = now;
        fair_refill(d, now);
    } else {
        timer_stop(&d->sched.refill);
        fair_unpark(d, now);
    }
    for (i = 0; i < d->max_vcpus; i++) {
        struct vcpu *v = d->vcpu[i];

        /* Its old virtual time was weighted otherwise. Who runs gets its new limits when it is chosen again. */
        if (v != NULL && v->sched.state == SCHED_RUNNING) {
            v->sched.vtime = fair_reference(v);
            cpu_request(v->cpu, CPU_PENDING_RESCHED);
        }
    }
}

int sched_domain_init(struct domain *d)
{
    d->sched.weight = SCHED_WEIGHT_DEFAULT;
    return timer_init(&d->sched.refill, this_cpu(), fair_refill_timer, d);
}

void sched_domain_destroy(struct domain *d)
{
    timer_destroy(&d->sched.refill);
}

const struct sched_class sched_fair = {
    .name = "fair",
    .id = XEN_SCHEDULER_CREDIT2,
    .admit = fair_admit,
    .remove = fair_remove,
    .enqueue = fair_enqueue,
    .dequeue = fair_dequeue,
    .pick = fair_pick,
    .charge = fair_charge,
    .contend = fair_contend,
};
