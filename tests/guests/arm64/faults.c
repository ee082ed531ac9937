/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a guest must not do comes back to it as an exception of its own: accesses outside its
 * memory, unknown instructions and calls; and its own mistakes stay its own.
 */
#include <guest/dt.h>
#include <guest/event.h>
#include <guest/memory.h>
#include <guest/print.h>
#include <guest/test.h>
#include <port/arm64.h>

#define EC(cause)            ((cause) >> 26)
#define EC_UNKNOWN           0
#define EC_INSTRUCTION_ABORT 0x21
#define EC_DATA_ABORT        0x25
#define FSC(cause)           ((cause) & 0x3f)
#define FSC_EXTERNAL         0x10

static const volatile struct port_fault *fault = &port_fault[0];

static void test_holes(void)
{
    /* Below the devices of QEMU's virt machine, behind its RAM, far away. */
    static const uint64_t holes[] = {0x1000000000, 0x3fffff0000, 0x40100000, 0x7ff0000000 >> 4};
    for (unsigned int i = 0; i < sizeof(holes) / sizeof(holes[0]); i++) {
        uint64_t value = 0;
        print("# address 0x%lx\n", holes[i]);
        check("read: an abort", !port_try_read(holes[i], 8, &value));
        check_eq("of data", (int64_t)EC(fault->cause), EC_DATA_ABORT);
        check_known("external", (int64_t)FSC(fault->cause), FSC_EXTERNAL, 0,
                    "what a bus that nobody answers on gives; Xen says address size fault");
        check_eq("at that address", (int64_t)fault->address, (int64_t)holes[i]);
        check("write: an abort", !port_try_write(holes[i], 4, 1));
        check_eq("of a write", (int64_t)(fault->cause >> 6 & 1), 0);
    }
}

static void test_fetch(void)
{
    void *page = port_map(3, 0x1000000000, true);
    (void)page;
    check("our own unmapped page: an abort", !port_try_call(port_unmapped));
    check_eq("of an instruction", (int64_t)EC(fault->cause), EC_INSTRUCTION_ABORT);
    check("our own translation fault", FSC(fault->cause) != FSC_EXTERNAL);
}

/* A page of the hypervisor's in our memory: there is nothing to execute, as often as we try. */
static void test_fetch_shared(void)
{
    uint64_t address = (uint64_t)(uintptr_t)event_shared();
    for (unsigned int i = 0; i < 2; i++) {
        check("the shared page: an abort", !port_try_call(address));
        check_eq("of an instruction", (int64_t)EC(fault->cause), EC_INSTRUCTION_ABORT);
        check_eq("external", (int64_t)FSC(fault->cause), FSC_EXTERNAL);
        check_eq("at that address", (int64_t)fault->address, (int64_t)address);
    }
}

/* The frames of the hypervisor and of its GIC are not ours. */
static void test_hypervisor(void)
{
    uint64_t value;
    unsigned int readable = 0;
    /* QEMU loads the hypervisor here. */
    for (uint64_t address = 0x40200000; address < 0x40600000; address += 0x10000) {
        readable += port_try_read(address, 8, &value);
    }
    check_eq("the hypervisor's memory", readable, 0);
    check("its GIC interface", !port_try_read(0x8030000, 4, &value));
}

/* Loads and stores that give the hypervisor no syndrome to work with. */
static void test_no_syndrome(void)
{
    uint64_t gicd = gic_distributor();
    uint64_t before = fault->count;
    uint64_t address = gicd + 0x100;
    trap_expect(true);
    __asm__ volatile("ldp w10, w11, [%0]" : : "r"(address) : "x10", "x11", "memory");
    check_eq("LDP from a device", (int64_t)(fault->count - before), 1);
    before = fault->count;
    __asm__ volatile("ldr w10, [%0], #4" : "+r"(address) : : "x10", "memory");
    uint64_t unaligned = fault->count - before;
    before = fault->count;
    __asm__ volatile("dc civac, %0" : : "r"(gicd) : "memory");
    __asm__ volatile("dc zva, %0" : : "r"(gicd) : "memory");
    __asm__ volatile("ldxr w10, [%0]" : : "r"(gicd + 0x100) : "x10", "memory");
    trap_expect(false);
    print("# post-index: %lu exceptions; dc civac, dc zva, ldxr: %lu\n", unaligned,
          fault->count - before);
    check("alive", true);
}

/* Maintenance by set and way is done, as U-Boot needs it: first set and way of the first level. */
static void test_set_way(void)
{
    uint64_t before = fault->count;
    trap_expect(true);
    __asm__ volatile("dc csw, %0\n\tdc cisw, %0\n\tdc isw, %0\n\tdsb sy" : : "r"(0UL) : "memory");
    trap_expect(false);
    check_eq("set and way", (int64_t)(fault->count - before), 0);
}

static void test_unknown(void)
{
    uint64_t before = fault->count;
    trap_expect(true);
    __asm__ volatile(".inst 0x00000000");
    check_eq("UDF", (int64_t)(fault->count - before), 1);
    check_eq("unknown", (int64_t)EC(fault->cause), EC_UNKNOWN);
    before = fault->count;
    __asm__ volatile("hvc #1\n\tnop" : : : "x0", "x1", "x2", "x3", "x16", "memory");
    uint64_t hvc = fault->count - before;
    before = fault->count;
    __asm__ volatile("smc #1\n\tnop" : : : "x0", "x1", "x2", "x3", "x16", "memory");
    uint64_t smc = fault->count - before;
    before = fault->count;
    __asm__ volatile("hvc #0xea2\n\tnop" : : : "x0", "x1", "x2", "x3", "x16", "memory");
    print("# hvc #1: %lu, smc #1: %lu, hvc #0xea2: %lu\n", hvc, smc, fault->count - before);
    trap_expect(false);
    check("alive", true);
}

static void test_many(void)
{
    uint64_t before = fault->count;
    uint64_t value;
    for (unsigned int i = 0; i < 10000; i++) {
        port_try_read(0x1000000000 + i * 4096UL, 4, &value);
    }
    check_eq("ten thousand aborts", (int64_t)(fault->count - before), 10000);
}

void guest_main(void)
{
    test_holes();
    test_fetch();
    test_fetch_shared();
    test_hypervisor();
    test_no_syndrome();
    test_set_way();
    test_unknown();
    test_many();
}
