/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the models of tests/host/mm share: a small machine with RAM in two banks, random numbers,
 * and how a failure ends the run.
 */
#pragma once

/* The C library has a function of this name, too. */
#define sched_yield core_sched_yield
#include <xen/domain.h>
#include <xen/page.h>
#include <xen/page_alloc.h>
#include <xen/page_domain.h>
#undef sched_yield

#define BANK0      0x40000000ul /* 64 MiB, with a hole of 64 KiB in the middle */
#define BANK0_SIZE (64ul << 20)
#define HOLE       (BANK0 + (17ul << 20))
#define HOLE_SIZE  (64ul << 10)
#define BANK1      0x7e000000ul /* 96 MiB across 2 GiB, the border of two zones */
#define BANK1_SIZE (96ul << 20)
#define REACH      (2ul << 30) /* some devices reach so far */
#define KEPT       REACH       /* the first kept_size bytes here are not the allocator's at first */

/* Called once, when a CPU that holds no lock is about to take one: what another CPU does then. */
extern void (*before_lock)(void);
extern uint64_t kept_size;          /* 0 unless set before model_start */
extern unsigned int preempt_one_in; /* an interrupt is pending once in so many looks, 0: never */

void model_start(uint64_t seed);
void random_start(uint64_t seed); /* of this thread */
uint64_t random_below(uint64_t n);
/* A domain of at most max_pages; ids count up. */
struct domain *model_domain(uint64_t max_pages);
/* Say what did not hold, with two values, and stop. */
void model_fail(const char *what, uint64_t a, uint64_t b) __attribute__((noreturn));
#define CHECK(condition, a, b) \
    do { \
        if (!(condition)) { \
            model_fail(#condition, (uint64_t)(a), (uint64_t)(b)); \
        } \
    } while (0)

/* Entries that were cleared and not flushed yet. */
unsigned int watch_unflushed(void);
bool model_is_ram(uint64_t frame);
/* d's p2m has the tables that its mappings need, and one that is empty at most. */
void model_check_tables(const struct domain *d);
