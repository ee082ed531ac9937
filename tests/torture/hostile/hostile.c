/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who we are (dom0 or a clone), the rows, and what is checked after each of them.
 */
#include <guest/event.h>
#include <public/debug.h>
#include <public/sched.h>
#include <public/sysctl.h>
#include <torture/hostile.h>

const struct row hostile_rows[] = {
    {"T1", calls_dom0, calls_clone},
    {"T2", pointers_dom0, NULL},
    {"T3", devices_dom0, devices_clone},
    {"T4", registers_dom0, registers_clone},
    {"T8", leak_dom0, leak_clone},
    {"T9", deaths_dom0, deaths_clone},
    {"T11", share_dom0, share_clone},
    {"T12", mix_dom0, mix_clone},
    {NULL, NULL, NULL},
};

struct control *control;
uint64_t hostile_seed;
unsigned int hostile_index;
static uint64_t hostile_percent;

uint64_t hostile_scaled(uint64_t count)
{
    uint64_t scaled = count * hostile_percent / 100;
    return scaled == 0 && hostile_percent != 0 ? 1 : scaled;
}

void hostile_yield(void)
{
    (void)sched_op(SCHEDOP_yield, NULL);
    port_relax();
}

/* QEMU, with one thread and instructions for a clock, goes to the next CPU at the next timer: ours
 * makes the turns short, and of all lengths. */
void hostile_turn(void)
{
    static struct chance chance;
    if (chance.state == 0) {
        chance_seed(&chance, hostile_seed, 99);
    }
    uint64_t longest = port_frequency() / 1000000 << chance_below(&chance, 10);
    port_timer_set(port_counter() + 1 + chance_below(&chance, longest + 1));
    hostile_yield();
}

static struct xen_sysctl_physinfo *hostile_physinfo(void)
{
    static struct xen_sysctl call;
    memset(&call, 0, sizeof(call));
    call.cmd = XEN_SYSCTL_physinfo;
    call.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    if (sysctl(&call) != 0) {
        give_up("physinfo");
    }
    return &call.u.physinfo;
}

uint64_t hostile_free(uint64_t wanted)
{
    uint64_t now = port_counter();
    uint64_t end = now + port_frequency();
    uint64_t since = now;
    uint64_t pages = hostile_physinfo()->free_pages;
    /* What domains had is scrubbed, and what they were is freed, when there is time. */
    while (pages != wanted && now - since < port_frequency() / 20 && now < end) {
        hostile_turn();
        uint64_t more = hostile_physinfo()->free_pages;
        now = port_counter();
        since = more != pages ? now : since;
        pages = more;
    }
    return pages;
}

enum {
    SLACK = 4 /* pages of a release build: those that small objects share are now full, now not */
};

static int64_t hostile_debug(unsigned int op, uint64_t counter)
{
    return port_hypercall(__HYPERVISOR_debug_op, op, counter, 0, 0, 0);
}

/* Pages that nobody has, and those of small objects, if the build counts them. */
static uint64_t hostile_unused(uint64_t wanted)
{
    int64_t slabs = hostile_debug(DEBUGOP_counter, DEBUG_COUNTER_SLAB_PAGES);
    return slabs < 0 ? hostile_free(wanted) : hostile_free(0) + (uint64_t)slabs;
}

static void hostile_check(const struct row *row, const char *what, bool holds)
{
    char name[80];
    print_to(name, sizeof(name), "%s: %s", row->name, what);
    check(name, holds);
}

/* Runs it; true: what it took from the machine is there again. */
static bool hostile_once(const struct row *row)
{
    uint64_t begin = port_counter();
    uint64_t before = hostile_unused(0);
    int64_t heap = hostile_debug(DEBUGOP_counter, DEBUG_COUNTER_HEAP_BYTES);
    print("BEGIN %s seed %lu\n", row->name, hostile_seed);
    row->dom0();
    int64_t drift = (int64_t)(before - hostile_unused(before));
    print("DRIFT %s %ld\n", row->name, drift);
    int64_t broken = hostile_debug(DEBUGOP_check, 0);
    int64_t more = hostile_debug(DEBUGOP_counter, DEBUG_COUNTER_HEAP_BYTES) - heap;
    int64_t slack = broken == -XEN_ENOSYS ? SLACK : 0;
    if (broken != -XEN_ENOSYS) {
        print("INFO %s heap %ld bytes, broken invariants %ld\n", row->name, more, broken);
        hostile_check(row, "no invariant is broken", broken == 0);
    }
    print("END %s %lu ms\n", row->name, (port_counter() - begin) * 1000 / port_frequency());
    return on_xen() || (more == 0 && drift >= -slack && drift <= slack);
}

/* Lists of the hypervisor that grew stay so: a row that took something runs again, and must not. */
static void hostile_row(unsigned int index)
{
    const struct row *row = &hostile_rows[index];
    hostile_index = index;
    bool back = hostile_once(row) || hostile_once(row);
    hostile_check(row, "every page and byte came back", back);
}

static void hostile_dom0(void)
{
    uint64_t rows = ~0UL;
    hostile_seed = 1;
    hostile_percent = 100;
    (void)option("rows", &rows);
    (void)option("seed", &hostile_seed);
    (void)option("percent", &hostile_percent);
    /* What stays, once it is there: our shared page and ports, and what the first clones make for
     * later ones, tables of our window and the hypervisor's own. */
    (void)event_shared();
    (void)event_close((evtchn_port_t)event_alloc_unbound(DOMID_SELF, DOMID_SELF));
    for (unsigned int i = 0; i < 2; i++) {
        struct clone first;
        struct control order = {.vcpus = 1, .mode = MODE_NOTHING};
        clone_make(&first, 0, &order);
        clone_start(&first);
        check("a clone runs to its end", clone_watch(&first));
        clone_destroy(&first);
    }
    for (unsigned int i = 0; hostile_rows[i].name; i++) {
        if ((rows >> i & 1) != 0) {
            hostile_row(i);
        }
    }
}

void guest_main(void)
{
    uint64_t role = 0;
    (void)option("role", &role);
    if (role == 0) {
        hostile_dom0();
        return;
    }
    control = (struct control *)(uintptr_t)GUEST_RAM0_BASE;
    hostile_seed = control->seed;
    if (control->mode != MODE_NOTHING) {
        hostile_rows[control->row].clone();
    }
    __atomic_store_n(&control->done, 1, __ATOMIC_RELEASE);
    for (;;) {
        (void)sched_op(SCHEDOP_shutdown, &(struct sched_shutdown){SHUTDOWN_poweroff});
    }
}
