/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The 2-level form of event channels (xen/event/evtchn_2l.c, xen/domain/guest_atomic.c), with two
 * words for 128 ports: for any port, with any bits in the pages that the guest shares. At any
 * moments in an operation the other side does the two steps of its own:
 *
 * - while an event is raised, the guest clears the port's mask, and then looks whether it is
 *   pending;
 * - while the port is unmasked, another CPU makes it pending, and then, if that is news, looks
 *   whether it is masked, and if not selects its word.
 *
 * Whatever the moments, an event that is news is found: when both are done the port is pending, and
 * its word is selected, or its guest has seen it, or it is masked. The vCPU is told just if the
 * selector is news. No other bit changes. Attempts of atomic operations fail at will until the
 * guest is stopped, and it is let go again.
 *
 * Steps are taken one after the other: what orders them on two CPUs is not proved here, nor are
 * pollers, and what a guest may lose that clears bits which it does not own.
 */
#include "proof.h"

#include <xen/evtchn_port.h>
#include <xen/guest_atomic.h>
#define atomic_test_bit(nr, map) (proof_guest_runs(), atomic_test_bit(nr, map))

#include "xen/domain/guest_atomic.c"
#include "xen/event/evtchn_2l.c"

static struct domain self;
static struct vcpu vcpu, *vcpus[] = {&vcpu};
static struct vcpu_info info;
static struct shared_info shared;
static struct evtchn port;
static uint64_t polled;
static unsigned int told;
struct cpu *proof_cpu;

/* What was before, at the port and at any other bit. */
static bool was_pending, was_masked, was_selected, other_before;
static unsigned int other_kind, other_bit;

/* The other side: how many of its steps it has made, and what it saw. */
static enum {
    GUEST_UNMASKS,
    SENDER
} side;
static unsigned int step;
static bool seen, news;

static bool bit(const uint64_t *map, unsigned int nr)
{
    return (map[nr / 64u] >> nr % 64u & 1u) != 0;
}

static void side_step(void)
{
    uint64_t mask = 1ull << port.port % 64u;
    unsigned int word = port.port / 64u;

    step++;
    if (side == GUEST_UNMASKS && step == 1) {
        shared.evtchn_mask[word] &= ~mask;
    } else if (side == GUEST_UNMASKS) {
        seen = bit(shared.evtchn_pending, port.port);
    } else if (step == 1) {
        news = !bit(shared.evtchn_pending, port.port);
        shared.evtchn_pending[word] |= mask;
    } else if (news && !bit(shared.evtchn_mask, port.port)) {
        info.evtchn_pending_sel |= 1ull << word;
    }
}

void proof_guest_runs(void)
{
    if (step < 2 && nondet_bool()) {
        side_step();
    }
}

bool proof_attempt_fails(void)
{
    return self.pause_count == 0 && nondet_bool();
}

void proof_claimed(const uint32_t *word __unused, uint32_t old __unused, uint32_t now __unused)
{
}

/* Contracts of what is below. */

void domain_pause_nowait(struct domain *d)
{
    d->pause_count++;
}

void domain_unpause(struct domain *d)
{
    d->pause_count--;
}

void evtchn_mark_pending(struct vcpu *v)
{
    CHECK(v == &vcpu && (info.evtchn_pending_sel >> port.port / 64u & 1u) != 0);
    told++;
}

void evtchn_wake_pollers_slow(struct domain *d, evtchn_port_t at)
{
    CHECK(d == &self && at == port.port);
}

void spin_rank_acquire(const spinlock_t *lock __unused)
{
}

void spin_rank_release(const spinlock_t *lock __unused)
{
}

static bool other(void)
{
    return other_kind == 0   ? bit(shared.evtchn_pending, other_bit)
           : other_kind == 1 ? bit(shared.evtchn_mask, other_bit)
                             : (info.evtchn_pending_sel >> other_bit % 64u & 1u) != 0;
}

static void any_state(void)
{
    unsigned int word;

    port = (struct evtchn){.d = &self, .port = any_below(EVTCHN_2L_NR_CHANNELS)};
    self.max_vcpus = 1;
    self.vcpu = vcpus;
    self.shared_info = &shared;
    self.poll_mask = &polled;
    polled = nondet_u64();
    vcpu.d = &self;
    vcpu.info = &info;
    other_kind = any_below(3);
    other_bit = any_below(EVTCHN_2L_NR_CHANNELS);
    ASSUME(other_kind == 2 ? other_bit % 64u != port.port / 64u : other_bit != port.port);
    word = port.port / 64u;
    shared.evtchn_pending[other_bit / 64u] = nondet_u64();
    shared.evtchn_mask[other_bit / 64u] = nondet_u64();
    shared.evtchn_pending[word] = nondet_u64();
    shared.evtchn_mask[word] = nondet_u64();
    info.evtchn_pending_sel = nondet_u64();
    was_pending = bit(shared.evtchn_pending, port.port);
    was_masked = bit(shared.evtchn_mask, port.port);
    was_selected = (info.evtchn_pending_sel >> word & 1u) != 0;
    other_before = other();
}

static bool is_selected(void)
{
    return (info.evtchn_pending_sel >> port.port / 64u & 1u) != 0;
}

/* The other side begins, perhaps, and ends what it has begun. */
static void check_end(void)
{
    proof_guest_runs();
    if (step == 1) {
        side_step();
    }
    CHECK(other() == other_before && self.pause_count == 0 && told <= 1);
    CHECK(told == 0 || !was_selected);
    REACHED("the end");
}

void prove_set_pending(void)
{
    any_state();
    side = GUEST_UNMASKS;
    evtchn_2l_set_pending(&vcpu, &port);
    check_end();
    CHECK(bit(shared.evtchn_pending, port.port));
    CHECK(was_pending || bit(shared.evtchn_mask, port.port) || is_selected() || seen);
    CHECK(told == (is_selected() && !was_selected));
    if (was_masked && told != 0) {
        REACHED("unmasked in time");
    }
    if (!was_pending && !is_selected() && step == 2) {
        REACHED("the guest has seen it");
    }
}

void prove_unmask(void)
{
    any_state();
    side = SENDER;
    evtchn_2l_unmask(&vcpu, &port);
    check_end();
    CHECK(!bit(shared.evtchn_mask, port.port));
    CHECK(!was_masked || !bit(shared.evtchn_pending, port.port) || is_selected());
    CHECK(is_selected() || told == 0);
    if (was_masked && !was_pending && told != 0) {
        REACHED("the event of another CPU is told");
    }
}

void prove_take(void)
{
    bool there;

    any_state();
    step = 2;
    there = evtchn_2l_take(&port);
    check_end();
    CHECK(there == was_pending && !bit(shared.evtchn_pending, port.port) && told == 0);
    CHECK(bit(shared.evtchn_mask, port.port) == was_masked && is_selected() == was_selected);
}
