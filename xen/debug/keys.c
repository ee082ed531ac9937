/* SPDX-License-Identifier: Apache-2.0 */
/* Debug keys, as in Xen: what the hypervisor knows, on the console. */
#include <xen/cpu.h>
#include <xen/cpupool.h>
#include <xen/debug.h>
#include <xen/domain.h>
#include <xen/evtchn.h>
#include <xen/grant.h>
#include <xen/heap.h>
#include <xen/keys.h>
#include <xen/memmap.h>
#include <xen/page_alloc.h>
#include <xen/printk.h>
#include <xen/time.h>

static void keys_show_help(void);

/* Run fn for every domain. */
static void keys_each_domain(void (*fn)(struct domain *d))
{
    struct domain *d;

    spin_lock(&domain_list_lock);
    list_for_each(d, &domain_list, all) {
        fn(d);
    }
    spin_unlock(&domain_list_lock);
}

static void keys_dump_registers(struct domain *d)
{
    struct vcpu *v;

    for_each_vcpu(d, v) {
        arch_dump_vcpu(v);
    }
}

static void keys_show_registers(void)
{
    arch_dump_stack();
    keys_each_domain(keys_dump_registers);
}

static void keys_dump_domain(struct domain *d)
{
    const struct vcpu *v;

    printk("Domain %u: refcnt=%u dying=%d pause_count=%u vcpus=%u pages=%lu max_pages=%lu\n", d->id,
           d->ref.count, d->is_dying, d->pause_count, d->max_vcpus, d->tot_pages, d->max_pages);
    for_each_vcpu(d, v) {
        printk("  VCPU%u: CPU%u %s flags=%#x pause=%u upcall_pend=%02x\n", v->id, v->cpu->id,
               sched_is_running(v) ? "running" : "not running", v->pause_flags, v->pause_count,
               v->info->evtchn_upcall_pending);
    }
}

static void keys_show_domains(void)
{
    keys_each_domain(keys_dump_domain);
}

static void keys_show_events(void)
{
    keys_each_domain(evtchn_dump);
}

static void keys_show_grants(void)
{
    keys_each_domain(grant_dump);
}

static void keys_show_memory(void)
{
    printk("Memory: %lu pages, %lu free; heap objects: %lu bytes\n", memmap_ram_pages(),
           page_free_count(), heap_used());
}

static void keys_show_scheduler(void)
{
    const struct cpupool *found = &cpupool0;

    printk("Scheduler: now %ld ns\n", time_now());
    for (uint32_t id = 0; found != NULL;) {
        struct cpupool pool = {.cpus = 0};

        spin_lock(&sched_lock); /* a tool may destroy it */
        found = cpupool_at(id);
        pool = found != NULL ? *found : pool;
        spin_unlock(&sched_lock);
        if (found != NULL) {
            printk("  pool %u: %s, CPUs %#x, %u domains, %u waiting\n", pool.id, pool.class->name,
                   pool.cpus, pool.nr_domains, pool.nr_waiting);
        }
        id = pool.id + 1u;
    }
    for (unsigned int i = 0; i < nr_cpus_online; i++) {
        const struct vcpu *v;
        int domain = -1;
        unsigned int vcpu = 0;

        spin_lock(&sched_lock); /* keeps v, but not for as long as printing takes */
        v = cpus[i].sched.curr;
        if (v != NULL) {
            domain = v->d->id;
            vcpu = v->id;
        }
        spin_unlock(&sched_lock);
        if (domain >= 0) {
            printk("  CPU%u: d%dv%u\n", i, domain, vcpu);
        } else {
            printk("  CPU%u: idle\n", i);
        }
    }
}

static void keys_show_timers(void)
{
    for (unsigned int i = 0; i < nr_cpus_online; i++) {
        unsigned int count;
        s_time_t first = timer_first(&cpus[i], &count);

        printk("  CPU%u: %u timers, first in %ld ns\n", i, count,
               count != 0 ? first - time_now() : 0);
    }
}

static void keys_restart(void)
{
    printk("'R' pressed -> rebooting machine\n");
    arch_machine_reset();
    printk(XENLOG_ERR "No way to reset this machine is known\n");
}

static void keys_crash(void)
{
    panic("'C' pressed: crash on request\n");
}

/* Debug builds only. */
static void keys_check(void)
{
    int found = debug_check_machine();

    if (found < 0) {
        printk("Not checked (%d): a CPU is busy, or there is no memory; press it again\n", found);
    } else {
        printk("Invariants: %d do not hold\n", found);
    }
}

static const struct {
    char key;
    void (*fn)(void);
    const char *what;
} keys[] = {
    {'h', keys_show_help, "show this help"},
    {'d', keys_show_registers, "dump registers"},
    {'q', keys_show_domains, "dump domains and vCPUs"},
    {'e', keys_show_events, "dump event channels"},
    {'g', keys_show_grants, "dump grant tables"},
    {'m', keys_show_memory, "memory in use"},
    {'r', keys_show_scheduler, "dump run queues"},
    {'a', keys_show_timers, "dump timer queues"},
    {'C', keys_crash, "crash the hypervisor"},
    {'R', keys_restart, "reboot the machine"},
};

static void keys_show_help(void)
{
    for (unsigned int i = 0; i < ARRAY_SIZE(keys); i++) {
        printk(" key '%c': %s\n", keys[i].key, keys[i].what);
    }
    if (XEN_DEBUG) {
        printk(" key 'i': check the invariants\n");
    }
}

void keys_handle(char key)
{
    if (XEN_DEBUG && key == 'i') {
        keys_check();
        return;
    }
    for (unsigned int i = 0; i < ARRAY_SIZE(keys); i++) {
        if (keys[i].key == key) {
            printk("'%c' pressed -> %s\n", key, keys[i].what);
            keys[i].fn();
            return;
        }
    }
    if (key > ' ' && key <= '~') {
        printk("'%c' pressed: no such key; 'h' shows those there are\n", key);
    }
}
