/* SPDX-License-Identifier: Apache-2.0 */
/* For evtchn.c: two domains with their ports and vCPUs, and contracts of what is below. */
#pragma once

#define NR_DOMAINS 2u
#define NR_PORTS   4u
#define NR_VCPUS   2u

static struct domain domain0, domain1;
static struct domain *const domains[] = {&domain0, &domain1};
static struct evtchn p00, p01, p02, p03, p10, p11, p12, p13;
static struct evtchn *buckets0[] = {&p00, &p01, &p02, &p03};
static struct evtchn *buckets1[] = {&p10, &p11, &p12, &p13};
static struct evtchn *const ports[NR_DOMAINS][NR_PORTS] = {{&p00, &p01, &p02, &p03},
                                                           {&p10, &p11, &p12, &p13}};
static struct vcpu vcpu00, vcpu01, vcpu10, vcpu11;
static struct vcpu *vcpus0[] = {&vcpu00, &vcpu01}, *vcpus1[] = {&vcpu10, &vcpu11};
static struct vcpu *const vcpus[NR_DOMAINS][NR_VCPUS] = {{&vcpu00, &vcpu01}, {&vcpu10, &vcpu11}};

static const struct evtchn *raised, *cleared, *unmasked, *heard;  /* the last one */
static unsigned int nr_raised, nr_cleared, nr_unmasked, nr_heard; /* in this operation */
static unsigned int rank_held;                                    /* locks that are held */

static struct cpu cpu;
struct cpu *proof_cpu = &cpu;
struct domain *hardware_domain = &domain0;

static bool is_locked(const struct evtchn *e)
{
    return e->lock.next != e->lock.owner;
}

/* A lock is held that keeps e bound as it is. */
static bool is_pinned(const struct evtchn *e)
{
    return is_locked(e) || spin_is_locked(&evtchn_bind_lock) ||
           (evtchn_other_end(e) != NULL && is_locked(e->u.peer));
}

/* The hypervisor hears of an event: its end is e. */
static void proof_heard(const struct evtchn *e)
{
    CHECK(is_pinned(e) && e->state == EVTCHN_OWN);
    heard = e;
    nr_heard++;
}

/* The form in which ports are told to guests, called only as its contract lets. */

static void form_set_pending(struct vcpu *v, struct evtchn *e)
{
    CHECK(is_pinned(e) && evtchn_usable(e) && v == vcpus[e->d->id][e->vcpu]);
    raised = e;
    nr_raised++;
}

static void form_clear_pending(struct evtchn *e)
{
    CHECK(is_locked(e) && spin_is_locked(&evtchn_bind_lock));
    cleared = e;
    nr_cleared++;
}

static void form_unmask(struct vcpu *v, struct evtchn *e)
{
    CHECK(is_pinned(e) && evtchn_usable(e) && v == vcpus[e->d->id][e->vcpu]);
    unmasked = e;
    nr_unmasked++;
}

static bool form_says(const struct evtchn *e __unused)
{
    return nondet_bool();
}

static int form_set_priority(struct evtchn *e, uint32_t priority __unused)
{
    CHECK(is_pinned(e));
    return nondet_bool() ? 0 : -EINVAL;
}

const struct evtchn_ops proof_form = {
    .max_ports = NR_PORTS,
    .set_pending = form_set_pending,
    .clear_pending = form_clear_pending,
    .unmask = form_unmask,
    .is_pending = form_says,
    .is_masked = form_says,
    .is_busy = form_says,
    .set_priority = form_set_priority,
};

/* Contracts of what is below. */

void spin_rank_acquire(const spinlock_t *lock)
{
    rank_held++;
    CHECK(lock->rank != LOCK_EVENT || rank_held == 1);
}

void spin_rank_release(const spinlock_t *lock __unused)
{
    rank_held--;
}

/* Heap and p2m have locks that come before those of ports. */
void *page_alloc(unsigned int order __unused)
{
    CHECK(rank_held == 0 && p03.d == NULL);
    return nondet_bool() ? &p03 : NULL;
}

void page_free(void *page __unused, unsigned int order __unused)
{
    CHECK(!"a page of ports is freed");
}

void vcpu_unblock(struct vcpu *v __unused)
{
}

struct evtchn_fifo *evtchn_fifo_uninstall(struct domain *d __unused)
{
    return NULL;
}

void evtchn_fifo_free(struct evtchn_fifo *f)
{
    CHECK(f == NULL);
}
