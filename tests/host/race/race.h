/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole core with a thread for each physical CPU. dom0 has CPUs 0 and 1, one vCPU each, bound
 * to them: tools and backends, which make one call after the other. Two ordinary domains have three
 * vCPUs each on the other CPUs; each makes one random call after the other, whoever runs it.
 */
#pragma once

#include "machine.h"

struct xen_domctl;

#include <xen/domain.h>

#define CPUS      4u
#define RACE_RAM  (128ul << 20) /* bytes */
#define TOOLS     2u            /* CPUs of dom0 */
#define GUESTS    2u
#define VCPUS     3u
#define SCRATCH   0x10000ul /* bytes of dom0's memory for a tool's arguments */
#define GUEST_GFN (SCENE_GUEST >> PAGE_SHIFT)
#define SLOTS     8u /* frames of a tool for mappings of one kind */

/* A guest's frames, from GUEST_GFN: arguments of each vCPU, what it shares, what it plays with. */
#define FRAME_GRANTS  8u
#define FRAME_SHARED  9u
#define FRAME_CONTROL 10u /* FIFO control blocks, one frame for each vCPU, then event words */
#define FRAME_WORDS   13u
#define FRAME_FIRST   16u     /* may come and go */
#define FRAME_END     520u    /* some are behind the end of the first table */
#define DEVICE_GFN    0x9000u /* dom0 is allowed these, and may lose all but the first four */
#define DEVICE_PAGES  256u
#define FRAMES_BEGUN  48u /* populated at first */

#define FRAMES_SPARE 512u /* for those that it loses sight of */

/* Who makes calls: a tool, or the vCPU of a guest that this CPU runs now. */
struct actor {
    unsigned int cpu;
    bool tool;
    unsigned int vcpu;
    uint64_t args; /* address of its page for arguments */
};

/* Names of the domains, 0: not there. They may end at any time. */
extern uint32_t guest_ids[GUESTS];
extern uint32_t guest_steps[GUESTS][VCPUS]; /* calls that each vCPU has begun */

void fail(const char *what, uint64_t a, uint64_t b) __attribute__((noreturn));
/* Say what does not hold, with two values and the core's last messages, and stop. */
#define CHECK(condition, a, b) \
    do { \
        if (!(condition)) { \
            fail(#condition, (uint64_t)(a), (uint64_t)(b)); \
        } \
    } while (0)

/* actor.c */
void random_start(uint64_t seed); /* of this thread */
uint64_t random_below(uint64_t n);
void delays_start(void); /* CPUs are late for locks from now on */
/* A hypercall: a tool's until it is done; a guest's once, *done tells whether it is. */
long call(const struct actor *a, unsigned int nr, uint64_t a0, uint64_t a1, uint64_t a2);
/* The call of a guest's vCPU that was not done goes on. */
void call_again(const struct actor *a);
/* A command on a structure, which is updated for a tool. */
long call_with(const struct actor *a, unsigned int nr, uint64_t a0, void *op, size_t size);
/* Bytes to an address of the actor's; whole words are written as a guest does beside others. */
bool put(uint64_t gva, const void *from, size_t size);
bool put_word(uint64_t gva, uint64_t value);
void pass_gate(unsigned int cpu);
domid_t some_guest(void); /* the id of one; of none, sometimes */
domid_t some_domain(void);
uint64_t some_frame(void); /* that may come and go, of a guest */

/* tools.c */
void guest_create(const struct actor *a, unsigned int slot, unsigned int tables);
void guest_destroy(const struct actor *a, unsigned int slot);
/* Waits until it is. */
void guest_gone(const struct actor *a, domid_t id);
long domctl(const struct actor *a, uint32_t command, domid_t id, struct xen_domctl *op);
/* Gives back what the tool has of others. */
void tool_forget(const struct actor *a);

/* check.c */

/* All that the core says must hold; other CPUs stand still meanwhile. */
void check_invariants(unsigned int cpu);
/* Nobody but the caller changes anything. */
void check_wakes(void);
void check_drift(unsigned int round);

/* What a random actor does once. */
typedef void act_fn(const struct actor *a);
act_fn act_memory, act_grant, act_event, act_vcpu, act_control;
/* End a tool's mappings. */
void grants_forget(const struct actor *a);
void memory_forget(const struct actor *a);
/* A tool maps a page of a device. */
void map_device(const struct actor *a);
/* The hypervisor has a page for a while, which nobody else may write. */
void use_page(void);
