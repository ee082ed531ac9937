/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vCPUs that start each other and turn themselves off as fast as they can, while a third one tries
 * to turn both off. Nobody may wait in the hypervisor for another one: as long as vCPU 0 looks, all
 * go on. Run with three CPUs.
 */
#include <guest/hypercall.h>
#include <guest/port.h>
#include <guest/print.h>
#include <guest/test.h>
#include <public/errno.h>
#include <public/vcpu.h>

enum {
    ROUNDS = 500,    /* starts of each of the two */
    STUCK_AFTER = 30 /* seconds without any start */
};

static volatile unsigned int starts[PORT_MAX_CPUS]; /* of this vCPU, by whomever */
static volatile unsigned int stop;

/* Started: start the other one, whatever it does just now, and go. */
static void bounce(void)
{
    unsigned int me = port_cpu();
    starts[me]++;
    if (!stop) {
        (void)port_cpu_start(3 - me, bounce);
    }
    port_cpu_stop();
}

/* How many of the two calls were not refused. */
static unsigned int turn_off_both(void)
{
    struct multicall_entry list[2] = {
        {.op = __HYPERVISOR_vcpu_op, .args = {VCPUOP_down, 1, 0}},
        {.op = __HYPERVISOR_vcpu_op, .args = {VCPUOP_down, 2, 0}},
    };
    unsigned int taken = 0;
    (void)multicall(list, 2);
    for (unsigned int i = 0; i < 2; i++) {
        taken += (int64_t)list[i].result != -XEN_EINVAL;
    }
    return taken;
}

static unsigned int total(void)
{
    return starts[1] + starts[2];
}

void guest_main(void)
{
    uint64_t patience = STUCK_AFTER * port_frequency(), deadline = port_counter() + patience;
    unsigned int seen = 0, taken = turn_off_both();
    check_eq("nobody turns off another vCPU", taken, 0);
    if (on_xen()) {
        return; /* Xen says that a CPU is off before it has saved its registers */
    }
    while ((starts[1] < ROUNDS || starts[2] < ROUNDS) && port_counter() < deadline) {
        taken += turn_off_both();
        (void)port_cpu_start(1, bounce);
        (void)port_cpu_start(2, bounce);
        if (total() != seen) {
            seen = total();
            deadline = port_counter() + patience;
        }
    }
    stop = 1;
    print("# vCPU 1 was started %u times, vCPU 2 %u times\n", starts[1], starts[2]);
    check_eq("nor under way", taken, 0);
    check("vCPU 1 was never stuck", starts[1] >= ROUNDS);
    check("vCPU 2 was never stuck", starts[2] >= ROUNDS);
}
