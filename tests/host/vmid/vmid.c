/*
 * VMIDs of a port as CPUs load domains: its own source, without its instructions. Two CPUs that
 * have the same domain loaded run it under one number, the domain's; two with different ones never
 * share a number. `vmid SEED STEPS`.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define MAX_CPUS 4u
#define DOMAINS  600u

#define atomic_load(p)        (*(p))
#define atomic_store(p, v)    (*(p) = (v))
#define smp_mb()              ((void)0)
#define unlikely(x)           (x)
#define __noinline            __attribute__((noinline))
#define SPINLOCK_INIT(rank)   0
#define spin_lock(lock)       ((void)(lock))
#define spin_unlock(lock)     ((void)(lock))
#define dsb(scope)            ((void)0)
#define isb()                 ((void)0)
#define csr_write(csr, value) ((void)(value))
#define csr_read(csr)         0ul
#define HGATP_VMID(value)     (value)
#define ATP_MODE_39           8
#define ATP_MODE_SHIFT        60
#define PAGE_SHIFT            12
#define ctz64                 (unsigned int)__builtin_ctzl
#define hfence_gvma_all()     ((void)0)
#define hfence_gvma_vmid(v)   ((void)(v))
#define hfence_vvma_all()     ((void)0)
#define rfence_all()          ((void)0)

typedef int spinlock_t;

struct cpu {
    unsigned int id;
};

struct arch_p2m {
    uint64_t root, vmid;
    uint32_t running, stale, where[1];
    PORT_LAST last[MAX_CPUS];
};

static struct cpu all_cpus[MAX_CPUS], *self;
static unsigned int nr_cpus = MAX_CPUS;

static struct cpu *this_cpu(void)
{
    return self;
}

static uint64_t exchange(uint64_t *p, uint64_t value)
{
    uint64_t old = *p;

    *p = value;
    return old;
}

static uint32_t exchange32(uint32_t *p, uint32_t value)
{
    uint32_t old = *p;

    *p = value;
    return old;
}

#define atomic_exchange(p, v)  _Generic((p), uint32_t *: exchange32, default: exchange)(p, v)
#define atomic_fetch_or(p, v)  (*(p) |= (v))
#define atomic_fetch_and(p, v) (*(p) &= (v))

#include "body.h"

static struct arch_p2m domain[DOMAINS];
static struct arch_p2m *loaded[MAX_CPUS];
static uint64_t number[MAX_CPUS];

static uint64_t load(unsigned int cpu, struct arch_p2m *hw)
{
    self = &all_cpus[cpu];
    return PORT_NUMBER(hw, self);
}

static void check(unsigned long step)
{
    for (unsigned int a = 0; a < MAX_CPUS; a++) {
        for (unsigned int b = 0; loaded[a] != NULL && b < MAX_CPUS; b++) {
            if (loaded[b] != NULL && (loaded[a] == loaded[b]) != (number[a] == number[b])) {
                printf("step %lu: CPU%u runs domain %ld as %lu, CPU%u runs %ld as %lu\n", step, a,
                       (long)(loaded[a] - domain), number[a], b, (long)(loaded[b] - domain),
                       number[b]);
                exit(1);
            }
        }
        if (loaded[a] != NULL && (loaded[a]->vmid & 0xffu) != number[a]) {
            printf("step %lu: domain %ld is %lu, CPU%u runs it as %lu\n", step,
                   (long)(loaded[a] - domain), loaded[a]->vmid & 0xffu, a, number[a]);
            exit(1);
        }
    }
}

int main(int argc, char **argv)
{
    unsigned long steps = argc > 2 ? strtoul(argv[2], NULL, 0) : 100000;

    srand(argc > 1 ? (unsigned int)atoi(argv[1]) : 1);
    PORT_START();
    for (unsigned int i = 0; i < MAX_CPUS; i++) {
        all_cpus[i].id = i;
    }
    for (unsigned long n = 0; n < steps; n++) {
        /* The last CPU changes its domain rarely, as one with a pinned vCPU; domain 0 is
         * everywhere. */
        unsigned int cpu =
            rand() % 2000 == 0 ? MAX_CPUS - 1u : (unsigned int)rand() % (MAX_CPUS - 1u);

        loaded[cpu] = &domain[rand() % 3 == 0 ? 0 : (unsigned int)rand() % DOMAINS];
        number[cpu] = load(cpu, loaded[cpu]);
        check(n);
    }
    puts("ok");
    return nr_cpus == MAX_CPUS && argc > 0 ? 0 : 1;
}
