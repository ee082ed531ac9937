/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ticket locks. Interrupts are always masked in the hypervisor, so there is one kind. A lock has a
 * rank; a CPU may only acquire a lock of higher rank than the ones it holds (checked in debug
 * builds). Ranks are listed here and explained in docs/LOCKS.md.
 */
#pragma once

#include <arch/cpu.h>
#include <xen/atomic.h>
#include <xen/types.h>

enum lock_rank {
    LOCK_DOMAIN_LIST = 1,
    LOCK_DOMAIN,    /* struct domain.lock */
    LOCK_GRANT_MAP, /* what a domain has mapped */
    LOCK_GRANT,     /* what a domain grants */
    LOCK_P2M,
    LOCK_HEAP,
    LOCK_EVENT,      /* bindings of event channels */
    LOCK_EVENT_PORT, /* struct evtchn.lock */
    LOCK_EVENT_QUEUE,
    LOCK_VUART,
    LOCK_IRQ,  /* struct irq_desc.lock */
    LOCK_VIRQ, /* a port's virtual interrupt controller */
    LOCK_SCHED,
    LOCK_TIMER,
    LOCK_WALLCLOCK,
    LOCK_CONSOLE, /* last: anybody may print */
};

typedef struct {
    uint32_t next;  /* ticket of the next one to come */
    uint32_t owner; /* ticket of the holder */
    uint8_t rank;   /* enum lock_rank */
} spinlock_t;

#define SPINLOCK_INIT(r) {.next = 0, .owner = 0, .rank = (r)}

void spin_rank_acquire(const spinlock_t *lock);
void spin_rank_release(const spinlock_t *lock);
#ifndef XEN_DEBUG
#define XEN_DEBUG 0
#endif

static inline void spin_init(spinlock_t *lock, enum lock_rank rank)
{
    *lock = (spinlock_t)SPINLOCK_INIT((uint8_t)rank);
}

/* At this moment; by whomever. */
static inline bool spin_is_locked(const spinlock_t *lock)
{
    return atomic_load(&lock->next) != atomic_load(&lock->owner);
}

static inline void spin_lock(spinlock_t *lock)
{
    uint32_t ticket, owner;

    if (XEN_DEBUG) {
        spin_rank_acquire(lock);
    }
    ticket = __atomic_fetch_add(&lock->next, 1u, __ATOMIC_RELAXED);
    while ((owner = atomic_load_acquire(&lock->owner)) != ticket) {
        arch_wait_while_equal(&lock->owner, owner);
    }
}

/* The store to owner is what waiters in arch_wait_while_equal wake up from. */
static inline void spin_unlock(spinlock_t *lock)
{
    if (XEN_DEBUG) {
        spin_rank_release(lock);
    }
    atomic_store_release(&lock->owner, lock->owner + 1u);
}

/* Wait until all who hold the lock, or wait for it, at this moment have been through. Takes no
 * lock: tickets are served in order. */
static inline void spin_wait_others(const spinlock_t *lock)
{
    uint32_t next = atomic_load_acquire(&lock->next), owner = atomic_load_acquire(&lock->owner);

    while ((int32_t)(next - owner) > 0) {
        arch_wait_while_equal(&lock->owner, owner);
        owner = atomic_load_acquire(&lock->owner);
    }
}

/* Acquire two locks of one rank in address order. */
static inline void spin_lock_pair(spinlock_t *a, spinlock_t *b)
{
    /* Pointers into different objects have no order in C, addresses do. */
    bool a_first = (uintptr_t)a < (uintptr_t)b;

    spin_lock(a_first ? a : b);
    if (a != b) {
        spin_lock(a_first ? b : a);
    }
}

static inline void spin_unlock_pair(spinlock_t *a, spinlock_t *b)
{
    if (a != b) {
        spin_unlock(b);
    }
    spin_unlock(a);
}
