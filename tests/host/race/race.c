/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `race NAME SEED ROUNDS`: rounds of random calls of one kind (memory, grants, events, vcpus,
 * control), by all vCPUs at once. In a round two guests are made, run, are looked at while they are
 * paused, and are destroyed, sometimes one of them while all others go on.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../fuzz/core/scene.h"
#include "race.h"

#include <public/domctl.h>
#include <xen/cpu.h>
#include <xen/lib.h>
#include <xen/string.h>

#define LINE \
    "dom0_mem=32M dom0_max_vcpus=2 dom0_vcpus_pin noreboot xsm=dummy loglvl=error " \
    "guest_loglvl=none"
#define CALLS 60u /* of the first tool between the stations of a round */

enum phase {
    RUN,   /* all make calls */
    STAND, /* the second tool makes none */
    END,   /* ... and has given back what it had */
    OVER,
};

static const struct {
    const char *name;
    act_fn *fn;
} acts[] = {{"memory", act_memory},
            {"grants", act_grant},
            {"events", act_event},
            {"vcpus", act_vcpu},
            {"control", act_control}};

static act_fn *act;
static uint64_t seed, rounds;
static uint32_t phase, reached = RUN; /* by the first tool; by the second one */

static struct actor tool(unsigned int cpu)
{
    return (struct actor){.cpu = cpu, .tool = true, .args = scene_scratch + cpu * SCRATCH};
}

/* The first tool waits until the second one has come to where it is itself. */
static void go_to(enum phase where)
{
    __atomic_store_n(&phase, where, __ATOMIC_RELEASE);
    while (__atomic_load_n(&reached, __ATOMIC_ACQUIRE) != (uint32_t)where) {
        pass_gate(0);
    }
}

static void run_calls(const struct actor *a)
{
    for (unsigned int i = 0; i < CALLS; i++) {
        act(a);
        pass_gate(a->cpu);
    }
}

/* Everybody stands still. */
static void look(const struct actor *a)
{
    struct xen_domctl op = {0};

    go_to(STAND);
    for (unsigned int i = 0; i < GUESTS; i++) {
        (void)domctl(a, XEN_DOMCTL_pausedomain, (domid_t)guest_ids[i], &op);
    }
    check_invariants(a->cpu);
    for (unsigned int i = 0; i < GUESTS; i++) {
        (void)domctl(a, XEN_DOMCTL_unpausedomain, (domid_t)guest_ids[i], &op);
    }
    check_wakes();
    go_to(RUN);
}

static void play_round(const struct actor *a, unsigned int round)
{
    domid_t ids[GUESTS];

    for (unsigned int i = 0; i < GUESTS; i++) {
        guest_create(a, i, random_below(4) == 0 ? 3u : 2u);
        ids[i] = (domid_t)guest_ids[i];
    }
    run_calls(a);
    check_invariants(a->cpu);
    look(a);
    run_calls(a);
    if (random_below(2) == 0) {
        guest_destroy(a, 0);
        run_calls(a);
    }
    look(a);
    for (unsigned int i = 0; i < GUESTS; i++) {
        guest_destroy(a, i);
    }
    go_to(END);
    tool_forget(a);
    for (unsigned int i = 0; i < GUESTS; i++) {
        guest_gone(a, ids[i]);
    }
    check_drift(round);
    go_to(RUN);
}

static void play_first_tool(void)
{
    struct actor a = tool(0);

    for (unsigned int n = 0; n < rounds; n++) {
        play_round(&a, n);
    }
    __atomic_store_n(&phase, OVER, __ATOMIC_RELEASE);
}

static void play_second_tool(void)
{
    struct actor a = tool(1);

    for (;;) {
        uint32_t now = __atomic_load_n(&phase, __ATOMIC_ACQUIRE);

        if (now == OVER) {
            return;
        }
        if (now == RUN) {
            act(&a);
        } else if (now == END && reached != END) {
            tool_forget(&a);
        }
        __atomic_store_n(&reached, now, __ATOMIC_RELEASE);
        pass_gate(1);
    }
}

static void guest_step(unsigned int cpu, struct vcpu *v)
{
    struct actor a = {.cpu = cpu, .vcpu = v->id, .args = (GUEST_GFN + v->id) << PAGE_SHIFT};

    for (unsigned int i = 0; i < GUESTS; i++) {
        if (__atomic_load_n(&guest_ids[i], __ATOMIC_ACQUIRE) == v->d->id) {
            __atomic_fetch_add(&guest_steps[i][v->id], 1u, __ATOMIC_RELAXED);
        }
    }
    if (v->arch.repeat) {
        call_again(&a);
    } else {
        act(&a);
    }
}

static void play(unsigned int cpu)
{
    random_start(seed * CPUS + cpu);
    if (cpu == 0) {
        play_first_tool();
    } else if (cpu == 1) {
        play_second_tool();
    }
    while (cpu >= TOOLS && __atomic_load_n(&phase, __ATOMIC_ACQUIRE) != OVER) {
        if (host_running(cpu) >= 0) {
            guest_step(cpu, cpus[cpu].current);
        }
        pass_gate(cpu);
    }
}

int main(int argc, char **argv)
{
    int rc;

    scene_boot_dom0(RACE_RAM, CPUS, LINE); /* first: it makes all variables new */
    for (unsigned int i = 0; argc > 1 && i < ARRAY_SIZE(acts); i++) {
        act = strcmp(argv[1], acts[i].name) == 0 ? acts[i].fn : act;
    }
    if (act == NULL || argc < 4) {
        fprintf(stderr, "usage: race memory|grants|events|vcpus|control SEED ROUNDS\n");
        return 2;
    }
    seed = strtoul(argv[2], NULL, 0);
    rounds = strtoul(argv[3], NULL, 0);
    host_cpu = &cpus[0];
    CHECK(host_vcpu_on(0, 1, 0, 0, &rc) == HOST_GUEST && rc == 0, rc, 0);
    CHECK(host_gate(1) == HOST_GUEST, 1, 0);
    CHECK(rangeset_add(hardware_domain->iomem, DEVICE_GFN, DEVICE_GFN + DEVICE_PAGES) == 0, 0, 0);
    host_clock_step(500);
    host_preempt(16);
    host_repeats(20);
    delays_start();
    host_threads(CPUS, play);
    printf("ok: %s, %lu rounds\n", argv[1], rounds);
    return 0;
}
