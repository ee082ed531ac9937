/* SPDX-License-Identifier: Apache-2.0 */
/* The machine under the models. */
#include "model.h"

#include "../arch/host.h"

#include <arch/mm.h>
#include <arch/p2m.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <xen/memmap.h>
#include <xen/opt.h>
#include <xen/uart.h>

static const struct range banks[] = {{BANK0, BANK0 + BANK0_SIZE}, {BANK1, BANK1 + BANK1_SIZE}};
void (*before_lock)(void);

static uint64_t kept;
static _Thread_local uint64_t state;

void model_fail(const char *what, uint64_t a, uint64_t b)
{
    fprintf(stderr, "failed: %s (%#lx, %#lx)\n%s", what, a, b, host_log());
    abort();
}

void random_start(uint64_t seed)
{
    state = seed * 2654435769u + 1;
}

static void model_take(struct rangeset *free)
{
    CHECK(rangeset_remove(free, KEPT, KEPT + kept) == 0, 0, 0);
}

void model_start(uint64_t seed, uint64_t kept_size)
{
    host_machine_at(BANK0, BANK1 + BANK1_SIZE - BANK0, HOST_IMAGE);
    opt.loglvl.print = UINT8_MAX;
    console_early_putc = host_early_putc;
    uart_init_early();
    random_start(seed);
    kept = kept_size;
    for (unsigned int i = 0; i < sizeof(banks) / sizeof(banks[0]); i++) {
        CHECK(rangeset_add(&host_memmap.ram, banks[i].start, banks[i].end) == 0, i, 0);
    }
    CHECK(rangeset_add(&host_memmap.reserved, HOLE, HOLE + HOLE_SIZE) == 0, 0, 0);
    host_memmap.reach[0].end = REACH;
    host_memmap.nr_reach = 1;
    /* RAM is not zero at boot. */
    for (uint64_t frame = BANK0 >> PAGE_SHIFT; frame < memmap_max_frame(); frame++) {
        if (model_is_ram(frame)) {
            *(uint64_t *)arch_pa_to_va((frame << PAGE_SHIFT) + 2048) = frame;
        }
    }
    page_alloc_init(model_take);
    buddy_scrub_start();
}

uint64_t random_below(uint64_t n)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (state >> 11) % n;
}

struct domain *model_domain(uint64_t max_pages)
{
    static domid_t id;
    struct domain *d = calloc(1, sizeof(*d));

    CHECK(d != NULL, 0, 0);
    d->id = id++;
    d->ref.count = 1;
    d->max_pages = max_pages;
    return d;
}

void model_threads(struct domain *d, unsigned int n, void (*fn)(unsigned int cpu))
{
    nr_cpus = n;
    for (unsigned int i = 0; i < n; i++) {
        struct vcpu *v = calloc(1, sizeof(*v));

        CHECK(v != NULL, i, n);
        v->d = d;
        cpus[i].current = v;
        cpus[i].online = true;
    }
    host_state.late = true;
    host_threads(n, fn);
    host_state.late = false;
}

bool model_is_ram(uint64_t frame)
{
    paddr_t pa = frame << PAGE_SHIFT;

    return (pa >= BANK0 && pa < BANK0 + BANK0_SIZE && (pa < HOLE || pa >= HOLE + HOLE_SIZE)) ||
           (pa >= BANK1 && pa < BANK1 + BANK1_SIZE);
}

/* What the models stand in front of (test_mm.py). */
void __real_spin_rank_acquire(const spinlock_t *lock);
void __wrap_spin_rank_acquire(const spinlock_t *lock);
void *__real_xen_memcpy(void *restrict to, const void *restrict from, size_t size);
void *__wrap_xen_memcpy(void *restrict to, const void *restrict from, size_t size);

/* Each time a CPU is about to take its first lock, the others may get time for whole calls: what it
 * remembers from before is old then. */
void __wrap_spin_rank_acquire(const spinlock_t *lock)
{
    if (host_cpu->locks_held == 0 && host_state.late && random_below(8) == 0) {
        usleep(20);
    }
    if (host_cpu->locks_held == 0 && before_lock != NULL) {
        void (*call)(void) = before_lock;

        before_lock = NULL;
        call();
    }
    __real_spin_rank_acquire(lock);
}

/* Time for the others between the translation of a guest's address and the access. */
void *__wrap_xen_memcpy(void *restrict to, const void *restrict from, size_t size)
{
    if ((host_cpu->copying & 1u) == 1 && host_state.late) {
        host_wait_a_while();
    }
    return __real_xen_memcpy(to, from, size);
}

/* Tables below `table`; *empty: of these, those that map nothing. */
static uint64_t count_tables(const pte_t *table, unsigned int entries, unsigned int level,
                             uint64_t *empty)
{
    uint64_t n = 0, used = 0;

    for (unsigned int i = 0; i < entries; i++) {
        used += table[i].valid;
        if (arch_pte_is_table(table[i], level)) {
            n +=
                1 + count_tables(arch_pa_to_va(arch_pte_table_pa(table[i])), 512, level + 1, empty);
        }
    }
    *empty += used == 0;
    return n;
}

void model_check_tables(const struct domain *d)
{
    uint64_t empty = 0, n = count_tables(d->p2m.root, 1024, 0, &empty);

    CHECK(n == d->p2m.table_pages, n, d->p2m.table_pages);
    CHECK(empty <= 1, empty, n);
}
