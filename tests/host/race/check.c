/* SPDX-License-Identifier: Apache-2.0 */
/* What must hold when nobody makes a call. */
#include <stdio.h>

#include "../fuzz/core/scene.h"
#include "race.h"

#include <xen/cpu.h>
#include <xen/debug.h>
#include <xen/errno.h>
#include <xen/heap.h>
#include <xen/page_alloc.h>
#include <xen/page_domain.h>

#define REAP_PASSES 2000u /* of the gate, in which the rest of a domain goes */
#define HEAP_SPARE  4096u /* bytes: queues of timers have grown to the most there were at once */
/* Pages that the hypervisor may have more or less of: one for each size of small objects, ports and
 * handles of dom0. */
#define SPARE       24u

uint32_t guest_steps[GUESTS][VCPUS];

void check_invariants(unsigned int cpu)
{
    uint64_t end = host_seconds() + HOST_WAIT_MAX;
    int found = debug_check_machine();

    while (found == -ERESTART) {
        CHECK(host_seconds() < end, cpu, 0);
        host_yield();
        pass_gate(cpu);
        found = debug_check_machine();
    }
    CHECK(found == 0, found, cpu);
}

/* Each vCPU that may run does so in time. */
void check_wakes(void)
{
    for (unsigned int i = 0; i < GUESTS * VCPUS; i++) {
        uint32_t *steps = &guest_steps[i / VCPUS][i % VCPUS], before = atomic_load(steps);
        struct domain *d = domain_get_by_id((domid_t)guest_ids[i / VCPUS]);
        const struct vcpu *v = d != NULL && d->id != 0 ? domain_vcpu(d, i % VCPUS) : NULL;

        uint64_t end = host_seconds() + HOST_WAIT_MAX;

        while (v != NULL && vcpu_runnable(v) && atomic_load(steps) == before) {
            CHECK(host_seconds() < end, d->id, v->id);
            pass_gate(0);
        }
        if (d != NULL) {
            domain_put(d);
        }
    }
}

/* What is left of a domain whose number is free again goes in slices. */
void check_drift(unsigned int round)
{
    static uint64_t pages, bytes;
    uint64_t end = host_seconds() + HOST_WAIT_MAX;

    for (unsigned int n = 0; round < 2 && n < REAP_PASSES; n++) {
        pass_gate(0);
    }
    while (round >= 2 && host_seconds() < end &&
           (heap_used() > bytes + HEAP_SPARE || page_free_count() + SPARE < pages)) {
        pass_gate(0);
    }
    if (round == 1) { /* the first round has left what dom0 keeps */
        pages = page_free_count();
        bytes = heap_used();
    }
    CHECK(round < 2 || page_free_count() + SPARE >= pages, page_free_count(), pages);
    CHECK(round < 2 || heap_used() <= bytes + HEAP_SPARE, heap_used(), bytes);
    CHECK(page_claimed() == 0, page_claimed(), round);
}
