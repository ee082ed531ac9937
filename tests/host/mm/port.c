/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine under the models: RAM as one mapping of the process, one CPU, and a port that watches
 * how second-stage entries are replaced [Arm ARM D8.14.1: break before make].
 */
#include "model.h"

#include <arch/mm.h>
#include <arch/p2m.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xen/cpu.h>
#include <xen/errno.h>
#include <xen/memmap.h>
#include <xen/opt.h>
#include <xen/printk.h>
#include <xen/rangeset.h>

#define SPACE     (4ul << 30)
#define MAX_STALE 4096u

static struct range model_ram[] = {{BANK0, BANK0 + BANK0_SIZE}, {BANK1, BANK1 + BANK1_SIZE}};
struct memmap host_memmap = {
    .ram = {.ranges = model_ram, .count = 2, .capacity = 2},
    .reach = {{.end = REACH}},
    .nr_reach = 1,
};
struct xen_options opt;
struct cpu cpus[MAX_CPUS];
_Thread_local struct cpu *host_cpu = &cpus[0];
unsigned int nr_cpus = 1;
uint8_t *host_directmap;
uint64_t host_counter;
unsigned int preempt_one_in;
uint64_t kept_size;
void (*before_lock)(void);

__thread uint64_t watch_looks;

static __thread uint64_t state;
static __thread pte_t *stale[MAX_STALE]; /* who clears an entry flushes it before the lock is
                                          * free */
static __thread unsigned int nr_stale;

void model_fail(const char *what, uint64_t a, uint64_t b)
{
    fprintf(stderr, "failed: %s (%#lx, %#lx)\n", what, a, b);
    abort();
}

void random_start(uint64_t seed)
{
    state = seed * 2654435769u + 1;
}

static void model_take(struct rangeset *free)
{
    CHECK(rangeset_remove(free, KEPT, KEPT + kept_size) == 0, 0, 0);
}

void model_start(uint64_t seed)
{
    random_start(seed);
    host_directmap = mmap(NULL, SPACE, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    CHECK(host_directmap != MAP_FAILED, 0, 0);
    /* struct page arrays are aligned to their size; the direct map keeps that only if it begins
     * aligned. */
    host_directmap += -(uintptr_t)host_directmap & (CHUNK_SIZE - 1);
    /* RAM is not zero at boot. */
    for (uint64_t frame = 0; frame < SPACE >> PAGE_SHIFT; frame++) {
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

bool model_is_ram(uint64_t frame)
{
    paddr_t pa = frame << PAGE_SHIFT;

    return (pa >= BANK0 && pa < BANK0 + BANK0_SIZE && (pa < HOLE || pa >= HOLE + HOLE_SIZE)) ||
           (pa >= BANK1 && pa < BANK1 + BANK1_SIZE);
}

int memmap_free(struct rangeset *set)
{
    return rangeset_add(set, BANK0, HOLE) |
           rangeset_add(set, HOLE + HOLE_SIZE, BANK0 + BANK0_SIZE) |
           rangeset_add(set, BANK1, BANK1 + BANK1_SIZE);
}

bool memmap_unreserve(paddr_t start, paddr_t end)
{
    return start >= HOLE && end <= HOLE + HOLE_SIZE;
}

bool memmap_is_ram(paddr_t start, paddr_t end)
{
    return start >= BANK0 && end <= BANK0 + BANK0_SIZE;
}

/* The rest of the core. */

void printk(const char *fmt, ...)
{
    fprintf(stderr, "printk: %s", fmt);
}

void panic(const char *fmt, ...)
{
    fprintf(stderr, "panic: %s", fmt);
    abort();
}

/* Each time a CPU is about to take its first lock, the others may get time for whole calls: what it
 * remembers from before is old then. */
void spin_rank_acquire(const spinlock_t *lock)
{
    if (host_cpu->locks_held == 0 && nr_cpus > 1 && random_below(8) == 0) {
        usleep(20);
    }
    if (host_cpu->locks_held == 0 && before_lock != NULL) {
        void (*call)(void) = before_lock;

        before_lock = NULL;
        call();
    }
    CHECK((host_cpu->locks_held >> lock->rank) == 0, lock->rank, host_cpu->locks_held);
    host_cpu->locks_held |= 1u << lock->rank;
}

void spin_rank_release(const spinlock_t *lock)
{
    host_cpu->locks_held &= ~(1u << lock->rank);
}

void host_wait_while_equal(const uint32_t *p, uint32_t old)
{
    CHECK(nr_cpus > 1, *p, old);
    sched_yield();
}

bool control_begin(struct vcpu *v __unused)
{
    return true;
}

void control_end(struct vcpu *v __unused)
{
}

struct domain *domain_by_id_or_self(domid_t id)
{
    struct domain *self = host_cpu->current->d;

    CHECK(id == DOMID_SELF, id, self->id);
    CHECK(domain_get(self), id, self->id);
    return self;
}

struct domain *domain_get_by_id(domid_t id __unused)
{
    return NULL;
}

int grant_table_frame(struct domain *d __unused, uint64_t index __unused, mfn_t *mfn __unused)
{
    return -EINVAL;
}

uint32_t grant_table_max_frames(const struct domain *d __unused)
{
    return 0;
}

uint64_t memmap_max_frame(void)
{
    return (BANK1 + BANK1_SIZE) >> PAGE_SHIFT;
}

void cpu_request(struct cpu *c, uint32_t bits)
{
    CHECK(false, c->id, bits); /* the last reference to a domain is never put here */
}

bool host_irq_pending(void)
{
    return preempt_one_in != 0 && random_below(preempt_one_in) == 0;
}

/* The core's memcpy in these programs: time for the others between the translation and the
 * access. */
void *host_memcpy(void *restrict to, const void *restrict from, size_t size)
{
    if ((host_cpu->copying & 1u) == 1 && nr_cpus > 1 && random_below(32) == 0) {
        usleep(100);
    }
    return __builtin_memmove(to, from, size);
}

/* The port. */

void arch_page_zero(void *va)
{
    __builtin_memset(va, 0, PAGE_SIZE);
}

void arch_cache_clean(const void *va, size_t size)
{
    (void)va;
    (void)size;
}

void arch_cache_clean_invalidate(const void *va, size_t size)
{
    (void)va;
    (void)size;
}

unsigned int arch_p2m_root_order(void)
{
    return 1;
}

unsigned int arch_p2m_ipa_bits(void)
{
    return 40;
}

void arch_p2m_setup(struct arch_p2m *hw, paddr_t root)
{
    hw->root = root;
}

static bool same_entry(pte_t a, pte_t b)
{
    return a.valid == b.valid && a.table == b.table && a.kind == b.kind && a.flags == b.flags &&
           a.frame == b.frame;
}

void watch_pte_write(pte_t *slot, pte_t pte)
{
    if (arch_pte_valid(*slot)) {
        CHECK(!arch_pte_valid(pte) || same_entry(*slot, pte), slot, pte.frame);
        CHECK(nr_stale < MAX_STALE, nr_stale, 0);
        stale[nr_stale++] = slot;
    } else if (arch_pte_valid(pte)) {
        for (unsigned int i = 0; i < nr_stale; i++) {
            CHECK(stale[i] != slot, slot, pte.frame);
        }
    }
    __atomic_store(slot, &pte, __ATOMIC_RELEASE);
}

unsigned int watch_unflushed(void)
{
    return nr_stale;
}

void arch_p2m_flush(struct arch_p2m *hw)
{
    CHECK(hw->root != 0, 0, 0);
    nr_stale = 0;
}

void arch_p2m_flush_range(struct arch_p2m *hw, gfn_t gfn, uint64_t nr)
{
    CHECK(nr != 0 && gfn.n + nr <= 1ul << 28, gfn.n, nr);
    arch_p2m_flush(hw);
}

/* Entries are read and written whole, as hardware does. */
static pte_t entry_load(const pte_t *slot)
{
    pte_t pte;

    __atomic_load(slot, &pte, __ATOMIC_ACQUIRE);
    return pte;
}

/* Guests of the models have no tables of their own. */
bool host_gva_to_pa(uint64_t gva, bool write, paddr_t *pa)
{
    const struct arch_p2m *hw = &host_cpu->current->d->p2m.arch;
    const pte_t *table = arch_pa_to_va(hw->root);
    uint32_t read_only;

    CHECK((host_cpu->copying & 1u) == 1, gva, host_cpu->copying);
    smp_mb(); /* the contract: earlier stores are visible before the translation begins */
    read_only = READ_ONCE(hw->read_only);
    if (nr_cpus > 1 && random_below(16) == 0) {
        usleep(50);
    }
    for (unsigned int level = 0; gva >> 40 == 0; level++) {
        pte_t pte = entry_load(&table[arch_p2m_index((gfn_t){gva >> PAGE_SHIFT}, level)]);

        if (!arch_pte_valid(pte) || !arch_pte_is_table(pte, level)) {
            uint64_t size = PAGE_SIZE << arch_p2m_order(level);
            bool writable = (pte.flags & P2M_WRITE) != 0;

            CHECK(!arch_pte_valid(pte) || writable || read_only == 1, gva, read_only);
            *pa = ((paddr_t)pte.frame << PAGE_SHIFT) + (gva & (size - 1));
            return arch_pte_valid(pte) && (!write || writable);
        }
        table = arch_pa_to_va(arch_pte_table_pa(pte));
    }
    return false;
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
