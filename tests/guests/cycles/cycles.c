/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Domains that are made, and destroyed at a random point of their way, again and again, on a debug
 * build of the hypervisor: the machine has afterwards what it had before, its invariants hold, and the
 * last cycle costs what the same one cost at first. With more CPUs another one gives and takes the
 * domain's memory all the time.
 */
#include <guest/domain.h>
#include <guest/hypercall.h>
#include <guest/memory.h>
#include <guest/port.h>
#include <guest/print.h>
#include <guest/test.h>
#include <public/debug.h>
#include <public/domctl.h>
#include <public/memory.h>

#include "stages.h"

#define RANDOM 0x9e3779b97f4a7c15UL /* odd: each cycle has a state of its own, and none is 0 */

enum {
    CYCLES = 500,
    EARLY = 10,    /* the cycle that the last one is compared with */
    CHECKS = 25,   /* cycles between looks at the invariants */
    SETTLE = 2000, /* calls of each CPU after which nobody takes a domain apart any more */
    BATCH = 64     /* pages that the other CPU gives and takes at once */
};

static volatile domid_t victim; /* of the other CPU; DOMID_INVALID: nobody */
static bool other_cpu;
static volatile bool stop, stopped;
static volatile uint64_t rounds; /* of the other CPU */

static int64_t debug_op(uint64_t cmd, uint64_t a)
{
    return hypercall3(__HYPERVISOR_debug_op, cmd, a, 0);
}

static void created(domid_t domain)
{
    victim = domain;
}

struct stock {
    int64_t value[DEBUG_COUNTER_SLAB_PAGES + 1];
};

static struct stock stock(void)
{
    struct stock now;
    for (unsigned int i = 0; i <= DEBUG_COUNTER_SLAB_PAGES; i++) {
        now.value[i] = debug_op(DEBUGOP_counter, i);
    }
    /* An empty page of small objects may be kept, or not; and allocations come and go. */
    now.value[DEBUG_COUNTER_FREE_PAGES] += now.value[DEBUG_COUNTER_SLAB_PAGES];
    now.value[DEBUG_COUNTER_SLAB_PAGES] = 0;
    now.value[DEBUG_COUNTER_ALLOCATIONS] = 0;
    return now;
}

static bool settle(const struct stock *before)
{
    struct stock now = stock();
    /* The other CPU may hold the last reference, and its thread may wait for the host. */
    uint64_t end = other_cpu ? port_give_up() : port_counter() + port_frequency() / 10;
    while (memcmp(&now, before, sizeof(now)) != 0 && port_counter() < end) {
        now = stock();
    }
    for (unsigned int i = 0; i <= DEBUG_COUNTER_SLAB_PAGES; i++) {
        if (now.value[i] != before->value[i]) {
            print("# counter %u: %ld, was %ld\n", i, now.value[i], before->value[i]);
        }
    }
    return memcmp(&now, before, sizeof(now)) == 0;
}

static bool sound(void)
{
    return debug_op(DEBUGOP_check, 0) == 0;
}

/* One domain's life; how long, in ticks of the counter. `before` NULL: nothing is compared. */
static uint64_t cycle(uint64_t number, enum stage stage, const struct stock *before)
{
    uint64_t start, ticks;
    bool look = number % CHECKS == 0, fine = true;
    start = port_counter();
    go_to(stage, created);
    ticks = port_counter() - start;
    fine = !look || sound();
    start = port_counter();
    must(domain_op(XEN_DOMCTL_destroydomain, made) == 0, "destroydomain");
    ticks += port_counter() - start;
    victim = DOMID_INVALID;
    fine = fine && (!look || sound());
    start = port_counter();
    let_go();
    fine = fine && (before == NULL || settle(before));
    ticks += port_counter() - start;
    if (!fine || (look && !sound())) {
        print("# cycle %lu, stage %u\n", number, stage);
        give_up("something is left, or not sound");
    }
    return ticks;
}

/* The other CPU: memory of whatever domain is there comes and goes while it is destroyed. */
static void disturb(void)
{
    static const uint64_t first = (GUEST_RAM0_BASE >> PAGE_SHIFT) + 2048;
    static uint64_t list[BATCH];
    while (!stop) {
        domid_t domain = victim;
        (void)reservation(XENMEM_populate_physmap, domain, list, first, BATCH, 0);
        (void)reservation(XENMEM_decrease_reservation, domain, list, first, BATCH, 0);
        rounds++;
    }
    stopped = true;
    port_cpu_stop();
}

void guest_main(void)
{
    uint64_t cycles = CYCLES, seed = 1, cpus = 1, early = 0, last = 0;
    option("cycles", &cycles);
    option("seed", &seed);
    option("cpus", &cpus);
    print("# seed %lu\n", seed);
    victim = DOMID_INVALID;
    prepare();
    check("all is sound at first", sound()); /* the first look takes memory, which it keeps */
    other_cpu = cpus > 1;
    if (other_cpu) {
        must(port_cpu_start(1, disturb) == 0, "the other CPU");
    }
    for (unsigned int i = 0; i < 4 * STAGES; i++) { /* what is kept after the first times */
        random_state = (seed + i) * RANDOM;
        (void)cycle(1, (enum stage)(i % STAGES), NULL);
    }
    for (unsigned int i = 0; i < SETTLE; i++) {
        (void)stock();
    }
    uint64_t give_up_at = port_give_up(), first = rounds;
    while (other_cpu && rounds - first < SETTLE) {
        must(port_counter() < give_up_at, "the other CPU goes on");
    }
    struct stock before = stock();
    for (uint64_t i = 1; i <= cycles; i++) {
        bool compared = i == EARLY || i == cycles;
        random_state = (seed + (compared ? 0 : i)) * RANDOM;
        last = cycle(i, compared ? HOLDING_OURS : (enum stage)random_below(STAGES), &before);
        early = i == EARLY ? last : early;
    }
    if (other_cpu) {
        uint64_t end = port_give_up();
        for (stop = true; !stopped && port_counter() < end;) {
            port_relax();
        }
        check("the other CPU ends", stopped);
    }
    print("# %lu cycles; cycle %u took %lu ticks, the last one %lu\n", cycles, EARLY, early, last);
    check("pages, heap, timers, domains, claims are what they were", settle(&before));
    check("all is sound", sound());
}
