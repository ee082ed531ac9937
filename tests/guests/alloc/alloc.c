/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each allocation of each operation fails once, on a debug build of the hypervisor: the caller gets an
 * error that tells so or the operation is done nevertheless, the hypervisor's invariants hold, and
 * what is left after the operation was undone is what was there before.
 */
#include <guest/hypercall.h>
#include <guest/print.h>
#include <guest/test.h>
#include <public/debug.h>
#include <public/errno.h>
#include <public/sysctl.h>

#include "operations.h"

enum {
    SETTLE = 1000,   /* calls in which what a domain leaves is gone */
    TRIES_MAX = 1000 /* allocations that an operation makes at most */
};

static int64_t debug_op(uint64_t cmd, uint64_t a, uint64_t b)
{
    return hypercall3(__HYPERVISOR_debug_op, cmd, a, b);
}

static int64_t counter(unsigned int which)
{
    return debug_op(DEBUGOP_counter, which, 0);
}

struct stock {
    int64_t pages, bytes, timers, domains, claimed;
};

static struct stock stock(void)
{
    /* An empty page of small objects may be kept, or not. */
    int64_t pages = counter(DEBUG_COUNTER_FREE_PAGES) + counter(DEBUG_COUNTER_SLAB_PAGES);
    return (struct stock){pages, counter(DEBUG_COUNTER_HEAP_BYTES), counter(DEBUG_COUNTER_TIMERS),
                          counter(DEBUG_COUNTER_DOMAINS), counter(DEBUG_COUNTER_CLAIMED)};
}

static bool same(const struct stock *a, const struct stock *b)
{
    return a->pages == b->pages && a->bytes == b->bytes && a->timers == b->timers &&
           a->domains == b->domains && a->claimed == b->claimed;
}

/* The hypervisor takes domains apart in the gate, a slice after each call. */
static bool settle(const struct stock *before)
{
    struct stock now = stock();
    for (unsigned int i = 0; i < SETTLE && !same(&now, before); i++) {
        now = stock();
    }
    if (!same(&now, before)) {
        print("# pages %ld, were %ld; bytes %ld, were %ld; timers %ld, were %ld; domains %ld, "
              "were %ld; claimed %ld, were %ld\n",
              now.pages, before->pages, now.bytes, before->bytes, now.timers, before->timers,
              now.domains, before->domains, now.claimed, before->claimed);
    }
    return same(&now, before);
}

static int64_t broken(void)
{
    return debug_op(DEBUGOP_check, 0, 0);
}

/* The k-th allocation fails; true: there was one. */
static bool fail_one(const struct step *step, uint64_t k, const struct stock *before)
{
    step->begin();
    must(debug_op(DEBUGOP_fail, k, DEBUG_FAIL_MY_CPU) == 0, "nothing to be left to fail");
    int64_t rc = step->act();
    bool failed = debug_op(DEBUGOP_fail, 0, 0) == 0;
    bool fine = rc == 0 || (failed && rc == -XEN_ENOMEM);
    int64_t wrong = broken();
    if (rc == 0 || !step->made) {
        step->undo();
    }
    bool back = settle(before);
    int64_t later = broken();
    if (!fine || wrong != 0 || later != 0 || !back) {
        print("# %s, allocation %lu: answer %ld, broken %ld and %ld\n", step->name, k, rc, wrong,
              later);
        check(step->name, false);
    }
    return failed;
}

static void test(const struct step *step)
{
    /* The first time may leave a page of small objects of a size that was not there before. */
    step->begin();
    check_eq(step->name, step->act(), 0);
    step->undo();
    for (unsigned int i = 0; i < SETTLE; i++) {
        (void)counter(DEBUG_COUNTER_FREE_PAGES);
    }
    struct stock before = stock();
    uint64_t k = 1;
    while (k < TRIES_MAX && fail_one(step, k, &before)) {
        k++;
    }
    print("# %s: %lu allocations failed\n", step->name, k - 1);
    check("all allocations of it", k < TRIES_MAX && (k > 1 || !step->always));
}

/* The debug key that says what does not hold; the test reads the answer. */
static void press_key(void)
{
    static const char key = 'i';
    struct xen_sysctl op = {.cmd = XEN_SYSCTL_debug_keys,
                            .interface_version = XEN_SYSCTL_INTERFACE_VERSION};
    op.u.debug_keys.keys = hypercall_pointer(&key);
    op.u.debug_keys.nr_keys = 1;
    check_eq("debug key", sysctl(&op), 0);
}

void guest_main(void)
{
    operations_init();
    check_eq("invariants at first", broken(), 0);
    for (unsigned int i = 0; i < nr_steps; i++) {
        test(&steps[i]);
    }
    print("# %ld allocations in all\n", counter(DEBUG_COUNTER_ALLOCATIONS));
    press_key();
}
