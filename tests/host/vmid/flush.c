/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flushes of RISC-V's second stage while CPUs load domains and leave them: the sources of core and
 * port, without instructions. Each CPU is a context, and another may go on at each access to shared
 * memory. No CPU uses what it remembers from before a flush that is over, and no CPU is interrupted
 * for a domain that was not loaded there meanwhile. `flush SEED STEPS`.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <ucontext.h>

#define MAX_CPUS 4u
#define DOMAINS  40u
#define PAGES    2u  /* of each domain */
#define VMIDS_4  16u /* of BITS bits */
#define BITS     4u
#define STACK    (256u << 10)

#define atomic_load(p)         (other_cpus(), *(p))
#define atomic_load_acquire(p) atomic_load(p)
#define atomic_store(p, v)     (other_cpus(), (void)(*(p) = (v)))
#define atomic_exchange(p, v) \
    ({ \
        __auto_type _p = (p); \
        __typeof__(*_p) _new = (v), _old; \
        other_cpus(); \
        _old = *_p; \
        *_p = _new; \
        _old; \
    })
#define atomic_fetch_or(p, v)  (other_cpus(), *(p) |= (v))
#define atomic_fetch_and(p, v) (other_cpus(), *(p) &= (v))
#define smp_mb()               ((void)0)
#define likely(x)              (x)
#define unlikely(x)            (x)
#define ARRAY_SIZE(a)          (sizeof(a) / sizeof((a)[0]))
#define __must_check
#define SPINLOCK_INIT(rank)         0
#define ctz64                       (unsigned int)__builtin_ctzl
#define min_u32(a, b)               ((a) < (b) ? (a) : (b))
#define arch_vmid_taken()           ((void)0)
#define isa_has(bit)                false
#define panic(...)                  abort()
#define printk(...)                 ((void)0)
#define hfence_gvma_all()           drop_all()
#define hfence_gvma_vmid(vmid)      drop(vmid)
#define hfence_gvma_page(gpa, vmid) drop_page((gpa) >> PAGE_SHIFT, vmid)
#define hfence_vvma_all()           ((void)0)
#define PAGE_SHIFT                  12
#define ARCH_P2M_ROOT_ORDER         2u
#define ATP_MODE_BARE               0
#define ATP_MODE_39                 8
#define ATP_MODE_48                 9
#define ATP_MODE_57                 10
#define ATP_MODE_SHIFT              60
#define GPTE_PBMT_IO                0
#define HGATP_VMID_SHIFT            44
#define HGATP_VMID(value)           ((value) >> HGATP_VMID_SHIFT & 0x3fffu)
#define CSR_VSATP                   0
#define CSR_HGATP                   1
#define SBI_EXT_RFENCE              2

typedef int spinlock_t;
typedef uint64_t paddr_t;
typedef struct {
    uint64_t n;
} gfn_t;

struct cpu {
    unsigned int id;
    bool online;
    struct {
        uint64_t hartid;
    } arch;
};

struct arch_p2m {
    uint64_t root, vmid;
    uint32_t running, stale, where[1];
    uint16_t last[MAX_CPUS];
};

struct sbi_result {
    long error;
    uint64_t value;
};

static struct cpu cpus[MAX_CPUS];
static unsigned int nr_cpus = MAX_CPUS, self;
static ucontext_t context[MAX_CPUS], end;
static unsigned long steps;
static uint64_t csr[MAX_CPUS][2];

static struct domain {
    struct arch_p2m hw;
    spinlock_t lock;
    unsigned long table[PAGES], flushed[PAGES]; /* versions */
} domain[DOMAINS];

static struct tlb_entry {
    const struct domain *d;
    unsigned long version; /* 0: none */
} tlb[MAX_CPUS][VMIDS_4][PAGES];

static const struct domain *inside[MAX_CPUS]; /* from before it is loaded until it has left */
static unsigned long loads[MAX_CPUS], fences;

static void other_cpus(void)
{
    unsigned int from = self;

    if (steps == 0) {
        setcontext(&end);
    }
    steps--;
    if (rand() % 2 == 0) {
        self = (unsigned int)rand() % MAX_CPUS;
        swapcontext(&context[from], &context[self]);
    }
}

static struct cpu *this_cpu(void)
{
    return &cpus[self];
}

static void spin_lock(spinlock_t *lock)
{
    do {
        other_cpus();
    } while (*lock != 0);
    *lock = 1;
}

static void spin_unlock(spinlock_t *lock)
{
    *lock = 0;
    other_cpus();
}

static void csr_write(unsigned int number, uint64_t value)
{
    other_cpus();
    csr[self][number] = value;
}

static uint64_t csr_read(unsigned int number)
{
    return csr[self][number];
}

static void drop_page(uint64_t page, uint64_t vmid)
{
    tlb[self][vmid][page].version = 0;
}

static void drop(uint64_t vmid)
{
    for (unsigned int i = 0; i < PAGES; i++) {
        drop_page(i, vmid);
    }
}

static void drop_all(void)
{
    for (unsigned int i = 0; i < VMIDS_4; i++) {
        drop(i);
    }
}

/* What the flush under way on a CPU may interrupt. */
static struct flush {
    const struct domain *d; /* NULL: a rollover, which is everybody's */
    bool there[MAX_CPUS];
    unsigned long loads[MAX_CPUS];
} flush[MAX_CPUS];

static void firmware_fence(unsigned int cpu, bool all, uint64_t start, uint64_t size, uint64_t vmid)
{
    const struct flush *f = &flush[self];

    if (!all && !f->there[cpu] && f->loads[cpu] == loads[cpu]) {
        printf("CPU%u is interrupted for domain %ld, which is not there\n", cpu,
               (long)(f->d - domain));
        exit(1);
    }
    fences++;
    for (unsigned int i = 0; i < VMIDS_4 * PAGES; i++) {
        uint64_t at = (uint64_t)(i % PAGES) << PAGE_SHIFT;

        if (all || (i / PAGES == vmid && at - start < size)) {
            tlb[cpu][i / PAGES][i % PAGES].version = 0;
        }
    }
}

static struct sbi_result sbi_call(uint64_t extension, uint64_t function, uint64_t mask,
                                  uint64_t base, uint64_t start, uint64_t size, uint64_t vmid)
{
    (void)extension;
    for (unsigned int i = 0; i < MAX_CPUS; i++) {
        uint64_t distance = cpus[i].arch.hartid - base;

        if (distance < 64 && (mask >> distance & 1u) != 0) {
            other_cpus();
            firmware_fence(i, function == 4, start, size, vmid);
        }
    }
    return (struct sbi_result){0};
}

void arch_p2m_flush_all(void);

#include "body.h"

static void flush_domain(struct domain *d)
{
    struct flush *f = &flush[self];
    unsigned int first = (unsigned int)rand() % PAGES, nr = rand() % 2 == 0 ? PAGES - first : 1;

    spin_lock(&d->lock);
    for (unsigned int i = first; i < first + nr; i++) {
        d->table[i]++;
    }
    f->d = d;
    for (unsigned int i = 0; i < MAX_CPUS; i++) {
        f->there[i] = inside[i] == d;
        f->loads[i] = loads[i];
    }
    if (rand() % 2 == 0) {
        arch_p2m_flush(&d->hw);
    } else {
        arch_p2m_flush_range(&d->hw, (gfn_t){first}, nr);
    }
    for (unsigned int i = first; i < first + nr; i++) {
        d->flushed[i] = d->table[i];
    }
    spin_unlock(&d->lock);
}

/* The guest accesses its memory. */
static void access(const struct domain *d)
{
    unsigned int page = (unsigned int)rand() % PAGES;
    struct tlb_entry *e = &tlb[self][HGATP_VMID(csr[self][CSR_HGATP])][page];

    other_cpus();
    if (e->version == 0) {
        *e = (struct tlb_entry){.d = d, .version = d->table[page]};
    }
    if (e->d != d || e->version < d->flushed[page]) {
        printf("CPU%u runs domain %ld by version %lu of the table of %ld; flushed: %lu\n", self,
               (long)(d - domain), e->version, (long)(e->d - domain), d->flushed[page]);
        exit(1);
    }
}

static void run(void)
{
    for (;;) {
        struct domain *d = &domain[rand() % 2 == 0 ? 0 : rand() % DOMAINS];

        inside[self] = d;
        loads[self]++;
        p2m_load(&d->hw, 0);
        for (unsigned int n = (unsigned int)rand() % 8; n != 0; n--) {
            access(d);
            if (rand() % 4 == 0) {
                flush_domain(&domain[rand() % 2 == 0 ? 0 : rand() % DOMAINS]);
            }
        }
        p2m_unload(&d->hw);
        inside[self] = NULL;
    }
}

int main(int argc, char **argv)
{
    static uint8_t stack[MAX_CPUS][STACK];

    srand(argc > 1 ? (unsigned int)atoi(argv[1]) : 1);
    steps = argc > 2 ? strtoul(argv[2], NULL, 0) : 100000;
    p2m_has_vmids = vmid_init(BITS);
    for (unsigned int i = 0; i < DOMAINS; i++) {
        for (unsigned int page = 0; page < PAGES; page++) {
            domain[i].table[page] = 1;
        }
    }
    for (unsigned int i = 0; i < MAX_CPUS; i++) {
        cpus[i] = (struct cpu){.id = i, .online = true, .arch = {.hartid = 1 + 50ul * i}};
        getcontext(&context[i]);
        context[i].uc_stack.ss_sp = stack[i];
        context[i].uc_stack.ss_size = STACK;
        makecontext(&context[i], run, 0);
    }
    if (steps != 0) {
        getcontext(&end);
        if (steps != 0) {
            setcontext(&context[0]);
        }
    }
    printf(fences != 0 ? "ok\n" : "no fence was needed\n");
    return 0;
}
