/* SPDX-License-Identifier: Apache-2.0 */
/* Calls of tools and guests, random numbers, and delays. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../fuzz/core/scene.h"
#include "host.h"
#include "race.h"

#include <xen/cpu.h>
#include <xen/errno.h>
#include <xen/guest_copy.h>
#include <xen/guest_direct.h>

#define NOBODY 0x7fefu /* the last domain id, which no round comes to */

static _Thread_local uint64_t state;
static bool delays;

void fail(const char *what, uint64_t a, uint64_t b)
{
    const char *log = host_log();
    size_t length = 0;

    for (const char *p = log; *p != '\0'; p++) {
        length++;
    }
    fprintf(stderr, "failed: %s (%#lx, %#lx)\n%s", what, a, b,
            log + (length > 2000 ? length - 2000 : 0));
    abort();
}

void random_start(uint64_t seed)
{
    state = seed * 2654435769u + 1;
}

uint64_t random_below(uint64_t n)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (state >> 11) % n;
}

void delays_start(void)
{
    delays = true;
}

void __real_spin_rank_acquire(const spinlock_t *lock);
void __wrap_spin_rank_acquire(const spinlock_t *lock);

/*
 * In front of the core's function: when a CPU is about to take its first lock the others may get
 * time for whole calls, so that what it remembers from before is old.
 */
void __wrap_spin_rank_acquire(const spinlock_t *lock)
{
    if (delays && host_cpu->locks_held == 0 && random_below(8) == 0) {
        usleep(random_below(16) == 0 ? 400 : 20);
    }
    __real_spin_rank_acquire(lock);
}

static enum host_state alive(enum host_state now, uint64_t nr)
{
    CHECK(now <= HOST_IDLE || now == HOST_RUNAWAY || now == HOST_AGAIN, now, nr);
    return now;
}

void pass_gate(unsigned int cpu)
{
    (void)time_now(); /* turns the clock */
    (void)alive(host_gate(cpu), cpu);
    host_yield();
}

/* A tool's call, until it is done; whatever pauses its vCPU ends. */
static long call_all(unsigned int cpu, unsigned int nr, uint64_t *arg)
{
    int64_t result = 0;

    for (;;) {
        while (host_running(cpu) < 0) {
            pass_gate(cpu);
        }
        if (alive(host_hypercall(cpu, nr, arg, &result), nr) <= HOST_IDLE) {
            return result;
        }
        host_yield();
    }
}

long call(const struct actor *a, unsigned int nr, uint64_t a0, uint64_t a1, uint64_t a2)
{
    uint64_t arg[5] = {a0, a1, a2};
    int64_t result = -ERESTART;

    if (a->tool) {
        return call_all(a->cpu, nr, arg);
    }
    (void)alive(host_hypercall(a->cpu, nr, arg, &result), nr);
    return result;
}

void call_again(const struct actor *a)
{
    struct vcpu *v = cpus[a->cpu].current;
    uint64_t arg[5];
    int64_t result;

    for (unsigned int i = 0; i < 5; i++) {
        arg[i] = v->arch.arg[i];
    }
    (void)alive(host_hypercall(a->cpu, v->arch.nr, arg, &result), v->arch.nr);
}

long call_with(const struct actor *a, unsigned int nr, uint64_t a0, void *op, size_t size)
{
    uint64_t a2 = nr == __HYPERVISOR_grant_table_op ? 1 : 0;
    long rc;

    if (!put(a->args, op, size)) {
        return -EFAULT;
    }
    rc = nr == __HYPERVISOR_vcpu_op ? call(a, nr, a0, random_below(VCPUS), a->args)
                                    : call(a, nr, a0, a->args, a2);
    if (a->tool) {
        CHECK(guest_copy_from(op, a->args, size) == 0, nr, a0);
    }
    return rc;
}

bool put(uint64_t gva, const void *from, size_t size)
{
    return guest_copy_to(gva, from, size) == 0;
}

bool put_word(uint64_t gva, uint64_t value)
{
    struct cpu *c = guest_direct_begin();
    void *at;
    bool good = guest_direct_translate(c, gva, true, &at);

    if (good) {
        __atomic_store_n((uint64_t *)at, value, __ATOMIC_RELEASE);
    }
    guest_direct_end(c);
    return good;
}

domid_t some_guest(void)
{
    uint32_t id = __atomic_load_n(&guest_ids[random_below(GUESTS)], __ATOMIC_RELAXED);

    return id != 0 ? (domid_t)id : NOBODY;
}

domid_t some_domain(void)
{
    return random_below(3) == 0 ? 0 : some_guest();
}

uint64_t some_frame(void)
{
    uint64_t edge = 512u - FRAME_FIRST;

    switch (random_below(4)) {
    case 0: return GUEST_GFN + FRAME_FIRST + random_below(FRAME_END - FRAME_FIRST);
    case 1: return GUEST_GFN + FRAME_FIRST + edge - 8u + random_below(16);
    default: return GUEST_GFN + FRAME_FIRST + random_below(FRAMES_BEGUN - FRAME_FIRST);
    }
}
