/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All hypercall numbers: which exist, and that no argument of those that exist stops anybody.
 */
#include <guest/hypercall.h>
#include <guest/memory.h>
#include <guest/port.h>
#include <guest/print.h>
#include <guest/test.h>
#include <public/errno.h>
#include <public/sched.h>

/* Numbers that are something else than -ENOSYS. */
static bool exists(unsigned int number)
{
    switch (number) {
    case __HYPERVISOR_platform_op:
    case __HYPERVISOR_memory_op:
    case __HYPERVISOR_multicall:
    case __HYPERVISOR_event_channel_op_compat:
    case __HYPERVISOR_xen_version:
    case __HYPERVISOR_console_io:
    case __HYPERVISOR_physdev_op_compat:
    case __HYPERVISOR_grant_table_op:
    case __HYPERVISOR_vm_assist:
    case __HYPERVISOR_vcpu_op:
    case __HYPERVISOR_xsm_op:
    case __HYPERVISOR_sched_op:
    case __HYPERVISOR_event_channel_op:
    case __HYPERVISOR_physdev_op:
    case __HYPERVISOR_hvm_op:
    case __HYPERVISOR_sysctl:
    case __HYPERVISOR_domctl:
    case __HYPERVISOR_argo_op:
    case __HYPERVISOR_dm_op:
    case __HYPERVISOR_hypfs_op: return true;
    default: return false;
    }
}

static void test_absent(void)
{
    for (unsigned int number = 0; number < 64; number++) {
        if (!exists(number)) {
            print("# number %u\n", number);
            check_eq("absent", port_hypercall(number, 0, 0, 0, 0, 0), -XEN_ENOSYS);
        }
    }
    check_eq("number 64", port_hypercall(64, 0, 0, 0, 0, 0), -XEN_ENOSYS);
    check_eq("number 1000", port_hypercall(1000, 0, 0, 0, 0, 0), -XEN_ENOSYS);
    check_eq("number -1", port_hypercall(~0UL, 0, 0, 0, 0, 0), -XEN_ENOSYS);
}

static void test_empty(void)
{
    check_eq("xsm_op", hypercall2(__HYPERVISOR_xsm_op, 0, 0), -XEN_ENOSYS);
    check_eq("argo_op", hypercall2(__HYPERVISOR_argo_op, 0, 0), -XEN_ENOSYS);
    check_eq("dm_op", hypercall3(__HYPERVISOR_dm_op, 77, 0, 0), -XEN_ENOSYS);
    check_eq("hypfs_op", port_hypercall(__HYPERVISOR_hypfs_op, 0, 0, 0, 0, 0), 1);
}

/* xorshift64: the same run every time. */
static uint64_t next_random(void)
{
    static uint64_t state = 0x9e3779b97f4a7c15UL;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static uint64_t odd_value(void *page)
{
    static const uint64_t lattice[] = {0,         1,         2,          ~0UL,      1UL << 31,
                                       1UL << 32, 1UL << 63, 0x7ff0,     0x7fff,    4095,
                                       4096,      0xffff,    0xffffffff, ~0UL >> 1, 77};
    uint64_t pick = next_random();
    switch (pick % 8) {
    case 0: return port_unmapped + (pick >> 32) % 4096;
    case 1: return (uint64_t)(uintptr_t)page + (pick >> 32) % 4096;
    case 2: return (uint64_t)(uintptr_t)page + 4096 - (pick >> 32) % 16;
    default: return lattice[(pick >> 32) % (sizeof(lattice) / sizeof(lattice[0]))];
    }
}

/* Calls that would end the test when they do what they are told. */
static bool harmful(uint64_t number, uint64_t cmd)
{
    return (number == __HYPERVISOR_sched_op &&
            (cmd == SCHEDOP_shutdown || cmd == SCHEDOP_block || cmd == SCHEDOP_poll ||
             cmd == SCHEDOP_watchdog || cmd == SCHEDOP_remote_shutdown ||
             cmd == SCHEDOP_shutdown_code)) ||
           number == __HYPERVISOR_memory_op || number == __HYPERVISOR_sysctl ||
           number == __HYPERVISOR_domctl || number == __HYPERVISOR_vcpu_op ||
           number == __HYPERVISOR_console_io || number == __HYPERVISOR_multicall;
}

static void test_random(void)
{
    uint8_t *page = page_alloc();
    unsigned int calls = 0;
    uint64_t rounds = 20000;
    option("rounds", &rounds);
    for (uint64_t i = 0; i < rounds; i++) {
        uint64_t number = next_random() % 43;
        uint64_t cmd = next_random() % 16;
        for (unsigned int word = 0; word < 512; word += 37) {
            ((uint64_t *)(void *)page)[word] = odd_value(page);
        }
        if (!harmful(number, cmd)) {
            port_hypercall(number, cmd, odd_value(page), odd_value(page), odd_value(page),
                           odd_value(page));
            calls++;
        }
    }
    print("# %u random calls\n", calls);
    check("alive after random calls", calls > rounds / 2);
}

void guest_main(void)
{
    test_absent();
    test_empty();
    test_random();
}
