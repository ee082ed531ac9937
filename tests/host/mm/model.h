/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the models of tests/host/mm share: the third port's machine with RAM in two banks, which runs
 * nothing but memory management; random numbers, and how a failure ends the run.
 */
#pragma once

#include "../arch/port/state.h"

#include <xen/domain.h>
#include <xen/page.h>
#include <xen/page_alloc.h>
#include <xen/page_domain.h>

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

/* First: variables of the program are as at its start after it. */
void model_start(uint64_t seed, uint64_t kept_size);
void random_start(uint64_t seed); /* of this thread */
uint64_t random_below(uint64_t n);
/* A domain of at most max_pages; ids count up. */
struct domain *model_domain(uint64_t max_pages);
/* CPUs 0 ... n - 1 run a vCPU of d each and call fn in a thread of their own, each late at times. */
void model_threads(struct domain *d, unsigned int n, void (*fn)(unsigned int cpu));
/* Say what did not hold, with two values, and stop. */
void model_fail(const char *what, uint64_t a, uint64_t b) __attribute__((noreturn));
#define CHECK(condition, a, b) \
    do { \
        if (!(condition)) { \
            model_fail(#condition, (uint64_t)(a), (uint64_t)(b)); \
        } \
    } while (0)

bool model_is_ram(uint64_t frame);
/* d's p2m has the tables that its mappings need, and one that is empty at most. */
void model_check_tables(const struct domain *d);
