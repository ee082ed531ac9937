/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A vCPU's life, and the reasons why it does not run: down, blocked, paused. Each change of a
 * reason tells the scheduler.
 */
#include <arch/vcpu.h>
#include <xen/cpu.h>
#include <xen/domain.h>
#include <xen/errno.h>
#include <xen/heap.h>

static void vcpu_poll_timeout(void *data)
{
    struct vcpu *v = data;

    if (atomic_load(&v->poll_port) != 0) {
        vcpu_unblock(v);
    }
}

static int vcpu_init_timer(struct vcpu *v)
{
    return timer_init(&v->poll_timer, v->cpu, vcpu_poll_timeout, v);
}

static void vcpu_destroy_timer(struct vcpu *v)
{
    timer_destroy(&v->poll_timer);
}

static int vcpu_init_info(struct vcpu *v)
{
    if (v->id < XEN_LEGACY_MAX_VCPUS) {
        v->info = &v->d->shared_info->vcpu_info[v->id];
        return 0;
    }
    v->dummy_info = heap_new(struct vcpu_info);
    v->info = v->dummy_info;
    return v->info != NULL ? 0 : -ENOMEM;
}

static void vcpu_destroy_info(struct vcpu *v)
{
    heap_delete(v->dummy_info);
}

static const struct vcpu_part {
    int (*init)(struct vcpu *v);
    void (*destroy)(struct vcpu *v);
} parts[] = {
    {vcpu_init_info, vcpu_destroy_info},
    {sched_vcpu_init, sched_vcpu_destroy},
    {vcpu_init_timer, vcpu_destroy_timer},
    {arch_vcpu_create, arch_vcpu_destroy},
};

static void vcpu_destroy_parts(struct vcpu *v, unsigned int n)
{
    while (n-- != 0) {
        parts[n].destroy(v);
    }
    heap_delete(v);
}

struct vcpu *vcpu_create(struct domain *d, unsigned int id, int *rc)
{
    struct vcpu *v;

    if (id >= d->max_vcpus || d->vcpu[id] != NULL) {
        *rc = id >= d->max_vcpus ? -EINVAL : -EEXIST;
        return NULL;
    }
    v = heap_new(struct vcpu);
    if (v == NULL) {
        *rc = -ENOMEM;
        return NULL;
    }
    v->d = d;
    v->id = id;
    v->pause_flags = VPF_DOWN;
    for (unsigned int i = 0; i < ARRAY_SIZE(parts); i++) {
        *rc = parts[i].init(v);
        if (*rc != 0) {
            vcpu_destroy_parts(v, i);
            return NULL;
        }
    }
    /* Release: who finds it finds it complete (domain_vcpu). */
    atomic_store_release(&d->vcpu[id], v);
    return v;
}

void vcpu_destroy(struct vcpu *v)
{
    atomic_store(&v->d->vcpu[v->id], (struct vcpu *)NULL); /* a timer of the scheduler may look */
    vcpu_destroy_parts(v, ARRAY_SIZE(parts));
}

/* Every vCPU that d has at this moment. */
static void vcpu_for_all(struct domain *d, void (*fn)(struct vcpu *v))
{
    struct vcpu *v;

    for_each_vcpu(d, v) {
        fn(v);
    }
}

void domain_pause_nowait(struct domain *d)
{
    atomic_fetch_add(&d->pause_count, 1u);
    vcpu_for_all(d, sched_sleep);
}

void domain_pause(struct domain *d)
{
    domain_pause_nowait(d);
    vcpu_for_all(d, sched_sleep_wait);
}

void domain_unpause(struct domain *d)
{
    if (atomic_fetch_sub(&d->pause_count, 1u) == 1) {
        vcpu_for_all(d, sched_wake);
    }
}

int domain_pause_by_control(struct domain *d)
{
    /* An arbitrary limit, Xen's: the sum of all pauses must not overflow. */
    if (d->controller_pause_count >= 255) {
        return -EOVERFLOW;
    }
    d->controller_pause_count++;
    domain_pause(d);
    return 0;
}

int domain_unpause_by_control(struct domain *d)
{
    if (d->controller_pause_count == 0) {
        return -EINVAL;
    }
    if (--d->controller_pause_count == 0) {
        d->is_built = true;
    }
    domain_unpause(d);
    return 0;
}

void vcpu_pause_wait(struct vcpu *v)
{
    atomic_fetch_add(&v->pause_count, 1u);
    sched_sleep_wait(v);
}

void vcpu_unpause(struct vcpu *v)
{
    if (atomic_fetch_sub(&v->pause_count, 1u) == 1) {
        sched_wake(v);
    }
}

static void vcpu_wait(struct vcpu *v, bool suspended)
{
    atomic_store(&v->suspended, suspended);
    atomic_fetch_or(&v->pause_flags, VPF_BLOCKED);
    smp_mb(); /* the flag is visible before we look for events: pairs with vcpu_kick */
    if (arch_vcpu_wakeup_pending(v)) {
        atomic_fetch_and(&v->pause_flags, ~VPF_BLOCKED);
    } else {
        cpu_request(this_cpu(), CPU_PENDING_RESCHED);
    }
}

void vcpu_block(struct vcpu *v)
{
    vcpu_wait(v, false);
}

void vcpu_suspend(struct vcpu *v)
{
    vcpu_wait(v, true);
}

void vcpu_unblock(struct vcpu *v)
{
    if (atomic_load(&v->poll_port) != 0) {
        atomic_store(&v->poll_port, 0u);
        (void)atomic_test_and_clear_bit(v->id, v->d->poll_mask);
    }
    atomic_fetch_and(&v->pause_flags, ~VPF_BLOCKED);
    sched_wake(v);
}

void vcpu_kick(struct vcpu *v)
{
    smp_mb(); /* what arrived is visible before we look whether v sleeps or runs: pairs with
                 vcpu_block and the gate */
    if ((atomic_load(&v->pause_flags) & VPF_BLOCKED) != 0) {
        vcpu_unblock(v);
    }
    /* The one that is loaded here has been given its interrupt by the port already. */
    if (atomic_load_acquire(&v->running) != 0 && v != current_vcpu()) {
        cpu_request(atomic_load(&v->cpu), CPU_PENDING_VIRQ);
    }
}

void vcpu_up(struct vcpu *v)
{
    atomic_fetch_and(&v->pause_flags, ~VPF_DOWN);
    sched_wake(v);
}

int vcpu_start(struct vcpu *v, uint64_t pc, uint64_t arg)
{
    int rc = 0;

    spin_lock(&v->d->lock); /* of two that start it at once, one finds it up */
    if (vcpu_is_up(v)) {
        rc = -EBUSY;
    } else if (atomic_load_acquire(&v->running) != 0) {
        rc = -ERESTART;
    } else {
        arch_vcpu_set_entry(v, pc, arg);
        v->initialised = true;
        vcpu_up(v);
    }
    spin_unlock(&v->d->lock);
    return rc;
}

/* With d->lock held: is any vCPU but v up? */
static bool vcpu_others_up(const struct vcpu *v)
{
    const struct vcpu *other;

    for_each_vcpu(v->d, other) {
        if (other != v && vcpu_is_up(other)) {
            return true;
        }
    }
    return false;
}

void vcpu_down(struct vcpu *v)
{
    bool last;

    spin_lock(&v->d->lock); /* two that go down at once must not both see the other up */
    last = !vcpu_others_up(v);
    if (!last) {
        atomic_fetch_or(&v->pause_flags, VPF_DOWN);
    }
    spin_unlock(&v->d->lock);
    if (last) {
        domain_shutdown(v->d, SHUTDOWN_poweroff);
    } else {
        sched_sleep(v);
    }
}
