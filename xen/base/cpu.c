/* SPDX-License-Identifier: Apache-2.0 */
/* Physical CPUs: descriptors, bring-up, and requests from one CPU to another. What a CPU is made of
 * belongs to the port. */
#include <xen/cpu.h>
#include <xen/lib.h>
#include <xen/opt.h>
#include <xen/printk.h>
#include <xen/time.h>
#include <xen/trap.h>

#define STOP_PATIENCE MILLISECS(100)

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

static uint32_t stop_round;      /* odd: all but one CPU shall stand still */
static uint32_t stood[MAX_CPUS]; /* the last round in which each CPU did */

static bool cpu_others_stand(uint32_t round)
{
    for (unsigned int i = 0; i < nr_cpus; i++) {
        if (&cpus[i] != this_cpu() && cpus[i].online && atomic_load_acquire(&stood[i]) != round) {
            return false;
        }
    }
    return true;
}

void cpu_start_others(void)
{
    /* Release: who goes on sees what was done meanwhile. */
    atomic_store_release(&stop_round, stop_round + 1u);
}

bool cpu_stop_others(void)
{
    uint32_t round = atomic_load(&stop_round);
    s_time_t end = time_now() + STOP_PATIENCE;

    if (round % 2u != 0 || !atomic_compare_exchange(&stop_round, &round, round + 1u)) {
        return false; /* another CPU has begun: this one stands still first */
    }
    for (unsigned int i = 0; i < nr_cpus; i++) {
        if (&cpus[i] != this_cpu() && cpus[i].online) {
            cpu_request(&cpus[i], CPU_PENDING_STAND);
        }
    }
    while (!cpu_others_stand(round + 1u)) {
        if (time_now() > end) {
            cpu_start_others();
            return false;
        }
    }
    return true;
}

void cpu_stand_still(void)
{
    uint32_t round = atomic_load_acquire(&stop_round);

    if (round % 2u == 0) {
        return; /* it did not wait so long */
    }
    /* Release: all that this CPU has done is visible to who looks. */
    atomic_store_release(&stood[this_cpu()->id], round);
    while (atomic_load_acquire(&stop_round) == round) {
        arch_wait_while_equal(&stop_round, round);
    }
}
