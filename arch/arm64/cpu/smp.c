/* SPDX-License-Identifier: Apache-2.0 */
/* Finding the CPUs in the device tree and starting them, by PSCI or by spin-table [DTSpec 3.8,
 * Linux booting.rst]. */
#include <arch/cpu.h>
#include <arch/mm.h>
#include <arch/time.h>
#include <asm/cpu.h>
#include <asm/platform.h>
#include <xen/cpu.h>
#include <xen/dt.h>
#include <xen/errno.h>
#include <xen/hyp_map.h>
#include <xen/printk.h>
#include <xen/string.h>

extern char secondary_entry[];

#define START_SECONDS 2u

void arch_cpu_discover(void)
{
    uint64_t self = READ_SYSREG(mpidr_el1) & MPIDR_AFFINITY;
    unsigned int left_out = 0, n = 1;
    struct dt_cpu cpu;

    psci_init();
    platform_init();
    cpus[0].arch.mpidr = self;
    for (uint32_t i = 0; dt_cpu(&dt_host, i, &cpu) == 0; i++) {
        if ((cpu.id & MPIDR_AFFINITY) == self) {
            continue;
        }
        if (n == MAX_CPUS) {
            left_out++;
            continue;
        }
        cpus[n].arch.mpidr = cpu.id & MPIDR_AFFINITY;
        if (cpu.enable_method != NULL && strcmp(cpu.enable_method, "spin-table") == 0) {
            cpus[n].arch.release_address = cpu.release_address;
        }
        n++;
    }
    nr_cpus = n;
    if (left_out != 0) {
        printk(XENLOG_WARNING "%u CPUs are left out: at most %u are supported\n", left_out,
               MAX_CPUS);
    }
}

/* The word is read by a CPU that has its caches off [Linux booting.rst]. */
static int smp_release(paddr_t word, paddr_t entry)
{
    uint64_t *p = hyp_map_uncached(word, sizeof(*p));

    if (p == NULL || (word & 7u) != 0) {
        return -ENODEV;
    }
    WRITE_ONCE(*p, entry);
    dsb(sy); /* the word is in memory before the waiting CPU is woken */
    __asm__ volatile("sev" ::: "memory");
    return 0;
}

int arch_cpu_start(struct cpu *c)
{
    paddr_t entry = arch_va_to_pa(secondary_entry);
    uint64_t limit;
    int rc;

    /* The secondary reads its descriptor with the MMU on, but the tables with the walker before
     * that. */
    rc = c->arch.release_address != 0 ? smp_release(c->arch.release_address, entry)
                                      : psci_cpu_on(c->arch.mpidr, entry, c->id);
    if (rc != 0) {
        return rc;
    }
    limit = arch_counter() + START_SECONDS * arch_counter_hz();
    while (atomic_load_acquire(&c->arch.up) == 0) {
        if (arch_counter() > limit) {
            c->arch.mpidr = UINT64_MAX; /* should it come after all, it finds no descriptor and
                                           parks */
            return -ETIMEDOUT;
        }
        __asm__ volatile("yield" ::: "memory");
    }
    return 0;
}
