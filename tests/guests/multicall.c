/* SPDX-License-Identifier: Apache-2.0 */
/*
 * multicall: results, errors of single entries, long lists, bad lists.
 */
#include <guest/hypercall.h>
#include <guest/memory.h>
#include <guest/port.h>
#include <guest/test.h>
#include <public/errno.h>
#include <public/memory.h>
#include <public/version.h>

static void *const bad = (void *)(uintptr_t)0x7000000000UL;

static void test_entries(void)
{
    struct multicall_entry list[4] = {
        {.op = __HYPERVISOR_xen_version, .args = {XENVER_version}},
        {.op = 63},
        {.op = __HYPERVISOR_xen_version, .args = {XENVER_extraversion, port_unmapped}},
        {.op = __HYPERVISOR_memory_op, .args = {XENMEM_maximum_ram_page}},
    };
    check_eq("multicall", multicall(list, 4), 0);
    check_eq("entry 0", (int64_t)list[0].result, 4 << 16 | 20);
    check_eq("entry 1", (int64_t)list[1].result, -XEN_ENOSYS);
    check_eq("entry 2", (int64_t)list[2].result, -XEN_EFAULT);
    check_eq("entry 3", (int64_t)list[3].result, memory_op(XENMEM_maximum_ram_page, NULL));
    check_eq("the call itself is kept", (int64_t)list[0].op, __HYPERVISOR_xen_version);
    check_eq("none", multicall(list, 0), 0);
    check_eq("none, nowhere", multicall(bad, 0), 0);
    check_eq("one, nowhere", multicall(bad, 1), -XEN_EFAULT);
}

static void test_numbers(void)
{
    static const uint64_t numbers[] = {64, 1UL << 32, ~0UL, 1UL << 63 | 17, 0, 11};
    struct multicall_entry one;
    for (unsigned int i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        one = (struct multicall_entry){.op = numbers[i]};
        check_eq("an odd number", multicall(&one, 1), 0);
        check_eq("an odd number: result", (int64_t)one.result, -XEN_ENOSYS);
    }
    one = (struct multicall_entry){.op = __HYPERVISOR_multicall, .args = {port_unmapped, 1}};
    check_eq("inside another", multicall(&one, 1), 0);
    check_eq("inside another: result", (int64_t)one.result, -XEN_EINVAL);
}

/* More than one slice of work: the call is made again by itself and ends where it should. */
static void test_long(void)
{
    enum {
        COUNT = 50
    };
    struct multicall_entry *list = page_alloc();
    for (unsigned int i = 0; i < COUNT; i++) {
        list[i] =
            (struct multicall_entry){.op = __HYPERVISOR_xen_version, .args = {XENVER_pagesize}};
    }
    check_eq("fifty", multicall(list, COUNT), 0);
    unsigned int right = 0;
    for (unsigned int i = 0; i < COUNT; i++) {
        right += list[i].result == 4096;
    }
    check_eq("fifty results", right, COUNT);
}

static void test_edges(void)
{
    uint8_t *page = port_map(0, port_physical(page_alloc()), true);
    struct multicall_entry *last = (struct multicall_entry *)(void *)(page + PAGE_SIZE) - 1;
    *last = (struct multicall_entry){.op = __HYPERVISOR_xen_version, .args = {XENVER_version}};
    check_eq("runs into the unmapped", multicall(last, 2), -XEN_EFAULT);
    check_eq("the first was made", (int64_t)last->result, 4 << 16 | 20);
    check_eq("2^40 entries", multicall(last, 1UL << 40), -XEN_EFAULT);
    struct multicall_entry *constant = port_map(2, port_physical(page_alloc()), false);
    check_eq("a list that cannot be written", multicall(constant, 1), -XEN_EFAULT);
}

void guest_main(void)
{
    test_entries();
    test_numbers();
    test_long();
    test_edges();
}
