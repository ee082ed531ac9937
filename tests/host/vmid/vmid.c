/* SPDX-License-Identifier: Apache-2.0 */
/*
 * VMIDs as CPUs of the third port load domains. Two CPUs that have the same domain loaded run it
 * under one number, the domain's; two with different ones never share a number; and between two
 * domains that have a number one after the other, all TLBs are cleared. `vmid SEED STEPS BITS`.
 */
#include "../arch/port/state.h"

#include <arch/p2m.h>
#include <stdio.h>
#include <stdlib.h>
#include <xen/vmid.h>

#define CPUS    4u
#define DOMAINS 600u
#define NUMBERS 256u

static struct arch_p2m domain[DOMAINS];
static struct arch_p2m *loaded[CPUS];
static uint64_t number[CPUS];

/* Whose translations there may be under a number. */
static struct {
    const struct arch_p2m *owner;
    uint64_t flushes;
} cached[NUMBERS];

static void fail(unsigned long step, const char *what, unsigned int cpu)
{
    printf("step %lu: %s: CPU%u, domain %ld as %lu\n", step, what, cpu,
           (long)(loaded[cpu] - domain), number[cpu]);
    exit(1);
}

static void check_owner(unsigned long step, unsigned int cpu)
{
    uint64_t n = number[cpu];

    if (cached[n].owner != NULL && cached[n].owner != loaded[cpu] &&
        cached[n].flushes == host_state.flushes_of_all) {
        fail(step, "translations of the number's last owner are left", cpu);
    }
    cached[n].owner = loaded[cpu];
    cached[n].flushes = host_state.flushes_of_all;
}

static void check(unsigned long step, unsigned int cpu, unsigned int bits)
{
    if (number[cpu] == 0 || number[cpu] >> bits != 0) {
        fail(step, "no such number", cpu);
    }
    if ((loaded[cpu]->vmid & VMID_MASK) != number[cpu]) {
        fail(step, "not the domain's number", cpu);
    }
    for (unsigned int i = 0; i < CPUS; i++) {
        if (loaded[i] != NULL && (loaded[i] == loaded[cpu]) != (number[i] == number[cpu])) {
            fail(step, "another CPU disagrees", cpu);
        }
        if (loaded[i] != NULL) {
            check_owner(step, i);
        }
    }
}

int main(int argc, char **argv)
{
    unsigned long steps = argc > 2 ? strtoul(argv[2], NULL, 0) : 100000;
    unsigned int bits = argc > 3 ? (unsigned int)atoi(argv[3]) : 8;

    srand(argc > 1 ? (unsigned int)atoi(argv[1]) : 1);
    nr_cpus = CPUS;
    for (unsigned int i = 0; i < CPUS; i++) {
        cpus[i].id = i;
    }
    if (!vmid_init(bits)) {
        puts("too few");
        return 0;
    }
    for (unsigned long n = 0; n < steps; n++) {
        /* The last CPU changes its domain rarely, as one with a pinned vCPU; domain 0 is
         * everywhere. */
        unsigned int cpu = rand() % 2000 == 0 ? CPUS - 1u : (unsigned int)rand() % (CPUS - 1u);

        host_cpu = &cpus[cpu];
        loaded[cpu] = &domain[rand() % 3 == 0 ? 0 : (unsigned int)rand() % DOMAINS];
        number[cpu] = vmid_use(loaded[cpu], host_cpu);
        check(n, cpu, bits);
    }
    puts(host_state.flushes_of_all != 0 ? "ok" : "no rollover");
    return 0;
}
