/* SPDX-License-Identifier: Apache-2.0 */
/* Physical CPUs: descriptors, bring-up, and requests from one CPU to another. What a CPU is made of
 * belongs to the port. */
#include <xen/cpu.h>
#include <xen/lib.h>
#include <xen/opt.h>
#include <xen/printk.h>
#include <xen/trap.h>

struct cpu cpus[MAX_CPUS];
unsigned int nr_cpus = 1;
unsigned int nr_cpus_online;

void cpu_start_all(void)
{
    unsigned int wanted = opt.maxcpus != 0 && opt.maxcpus < nr_cpus ? opt.maxcpus : nr_cpus;

    nr_cpus_online = 1;
    for (unsigned int i = 1; i < wanted; i++) {
        /* The descriptors of running CPUs stay dense: one that did not come goes behind the next
         * candidate. */
        struct arch_cpu candidate = cpus[i].arch;
        struct cpu *c = &cpus[nr_cpus_online];
        int rc;

        cpus[i].arch = c->arch;
        c->arch = candidate;
        rc = arch_cpu_start(c);
        if (rc != 0) {
            printk(XENLOG_ERR "A CPU does not start (%d): going on without it; check its "
                              "enable-method in the device tree\n",
                   rc);
            continue;
        }
        nr_cpus_online++;
    }
    nr_cpus = nr_cpus_online;
    printk("Brought up %u CPU%s\n", nr_cpus, nr_cpus == 1 ? "" : "s");
}

bool cpu_mark(struct cpu *c, uint32_t bits)
{
    /* The release half orders the caller's data before the bit; the gate's exchange acquires it. */
    return (atomic_fetch_or(&c->pending, bits) & bits) != bits && c != this_cpu();
}

void cpu_request(struct cpu *c, uint32_t bits)
{
    if (cpu_mark(c, bits)) {
        arch_cpu_kick(c);
    }
}

void ipi_dispatch(void)
{
    /* The work is in cpu.pending; being here means that the gate comes next. */
}

void cpu_halt_others(void)
{
    for (unsigned int i = 0; i < nr_cpus; i++) {
        if (&cpus[i] != this_cpu() && cpus[i].online) {
            cpu_request(&cpus[i], CPU_PENDING_HALT);
        }
    }
}
