/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Event channels, 2-level form: one pending and one mask bit per port in the shared_info page, and
 * per vCPU a selector of words that have something. The page is the guest's to scribble on; nothing
 * is believed that is read from it.
 */
#include <xen/errno.h>
#include <xen/evtchn_port.h>
#include <xen/guest_atomic.h>

static __noinline void evtchn_2l_select_contended(struct vcpu *v, const struct evtchn *e)
{
    if (!guest_test_and_set_bit(v->d, e->port / 64, &atomic_load(&v->info)->evtchn_pending_sel)) {
        evtchn_mark_pending(v);
    }
}

/*
 * Set the selector bit of e's word and, if that is news, interrupt v. Here and in set_pending the
 * first try is written out, so that no event saves registers for a second one.
 */
static void evtchn_2l_select(struct vcpu *v, const struct evtchn *e)
{
    uint64_t bit = 1ull << (e->port / 64), before;

    if (unlikely(!arch_try_or64(&atomic_load(&v->info)->evtchn_pending_sel, bit, &before))) {
        evtchn_2l_select_contended(v, e);
    } else if ((before & bit) == 0) {
        evtchn_mark_pending(v);
    }
}

/* The pending bit has just been set. */
static __always_inline void evtchn_2l_pending(struct vcpu *v, struct evtchn *e)
{
    /* The guest clears the mask and then looks at pending; here pending is set and then the mask is
     * looked at. One of them sees. */
    smp_mb();
    if (!atomic_test_bit(e->port, e->d->shared_info->evtchn_mask)) {
        evtchn_2l_select(v, e);
    }
    evtchn_wake_pollers(e->d, e->port);
}

static __noinline void evtchn_2l_set_contended(struct vcpu *v, struct evtchn *e)
{
    if (!guest_test_and_set_bit(e->d, e->port, e->d->shared_info->evtchn_pending)) {
        evtchn_2l_pending(v, e);
    }
}

static void evtchn_2l_set_pending(struct vcpu *v, struct evtchn *e)
{
    uint64_t bit = 1ull << (e->port % 64u), before;

    if (unlikely(!arch_try_or64(&e->d->shared_info->evtchn_pending[e->port / 64u], bit, &before))) {
        evtchn_2l_set_contended(v, e);
    } else if ((before & bit) == 0) {
        evtchn_2l_pending(v, e);
    }
}

bool evtchn_2l_take(struct evtchn *e)
{
    return e->port < EVTCHN_2L_NR_CHANNELS &&
           guest_test_and_clear_bit(e->d, e->port, e->d->shared_info->evtchn_pending);
}

static void evtchn_2l_clear_pending(struct evtchn *e)
{
    (void)evtchn_2l_take(e);
}

static void evtchn_2l_unmask(struct vcpu *v, struct evtchn *e)
{
    struct shared_info *s = e->d->shared_info;

    if (!guest_test_and_clear_bit(e->d, e->port, s->evtchn_mask)) {
        return;
    }
    smp_mb(); /* the counterpart of the one in evtchn_2l_set_pending */
    if (atomic_test_bit(e->port, s->evtchn_pending)) {
        evtchn_2l_select(v, e);
    }
}

static bool evtchn_2l_is_pending(const struct evtchn *e)
{
    return atomic_test_bit(e->port, e->d->shared_info->evtchn_pending);
}

static bool evtchn_2l_is_masked(const struct evtchn *e)
{
    return atomic_test_bit(e->port, e->d->shared_info->evtchn_mask);
}

static bool evtchn_2l_is_busy(const struct evtchn *e __unused)
{
    return false;
}

static int evtchn_2l_set_priority(struct evtchn *e __unused, uint32_t priority __unused)
{
    return -ENOSYS;
}

const struct evtchn_ops evtchn_2l_ops = {
    .max_ports = EVTCHN_2L_NR_CHANNELS,
    .set_pending = evtchn_2l_set_pending,
    .clear_pending = evtchn_2l_clear_pending,
    .unmask = evtchn_2l_unmask,
    .is_pending = evtchn_2l_is_pending,
    .is_masked = evtchn_2l_is_masked,
    .is_busy = evtchn_2l_is_busy,
    .set_priority = evtchn_2l_set_priority,
};
