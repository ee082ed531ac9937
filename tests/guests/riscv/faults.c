/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a guest must not do comes back to it as an exception of its own, with the cause of a machine
 * on which nobody answers and the address that it used: accesses and fetches outside its memory,
 * page tables there, devices by the wrong width, unknown and privileged instructions.
 */
#include <guest/dt.h>
#include <guest/event.h>
#include <guest/memory.h>
#include <guest/print.h>
#include <guest/test.h>
#include <port/riscv.h>

#define HOLE     0x1000000000UL
#define FAR_AWAY (1UL << 41) /* the first address that the guest stage cannot have */

static const volatile struct port_fault *const fault = &port_fault[0];

static void expect_fault(const char *what, bool worked, uint64_t cause, uint64_t address)
{
    print("# %s\n", what);
    check("an exception", !worked);
    check_eq("its cause", (int64_t)fault->cause, (int64_t)cause);
    check_eq("its address", (int64_t)fault->address, (int64_t)address);
}

static void try_all(const char *what, uint64_t address)
{
    uint64_t value;
    print("# %s, 0x%lx\n", what, address);
    for (unsigned int size = 1; size <= 8; size *= 2) {
        expect_fault("load", port_try_read(address, size, &value), CAUSE_LOAD_ACCESS, address);
        expect_fault("store", port_try_write(address, size, 1), CAUSE_STORE_ACCESS, address);
    }
    expect_fault("fetch", port_try_call(address), CAUSE_FETCH_ACCESS, address);
}

static void test_holes(void)
{
    try_all("far above RAM", HOLE);
    try_all("behind RAM", port_ram_base + (1UL << 30));
    try_all("between devices", 0x8000000);
    try_all("the firmware", port_ram_base);
    if (!cpu_native()) {
        try_all("the hypervisor", port_ram_base + 0x200000);
    }
    try_all("beyond the guest stage", (uint64_t)(uintptr_t)port_map(2, FAR_AWAY, true));
    try_all("at the end of the table's addresses",
            (uint64_t)(uintptr_t)port_map(2, (1UL << 56) - PAGE_SIZE, true));
}

/*
 * A page table where nothing is: the fault is that of the access which needed it. QEMU's own harts
 * say page fault there.
 */
static void test_tables(void)
{
    uint64_t value;
    uint64_t address = table_map(port_physical(page_alloc()));
    expect_fault("load by an empty table", port_try_read(address, 8, &value), CAUSE_LOAD_PAGE,
                 address);
    expect_fault("fetch", port_try_call(address), CAUSE_FETCH_PAGE, address);
    if (cpu_native()) {
        return;
    }
    address = table_map(HOLE);
    expect_fault("load by a table in a hole", port_try_read(address, 8, &value), CAUSE_LOAD_ACCESS,
                 address);
    expect_fault("store", port_try_write(address + 8, 8, 1), CAUSE_STORE_ACCESS, address + 8);
    expect_fault("fetch", port_try_call(address + 16), CAUSE_FETCH_ACCESS, address + 16);
    address = table_map(port_ram_base);
    expect_fault("load by a table of the firmware's", port_try_read(address, 8, &value),
                 CAUSE_LOAD_ACCESS, address);
    address = table_map(FAR_AWAY);
    expect_fault("load by a table beyond", port_try_read(address, 8, &value), CAUSE_LOAD_ACCESS,
                 address);
}

/* The second half is where nothing is. */
static void test_crossing(void)
{
    uint8_t *first = port_map(4, port_physical(page_alloc()), true);
    uint64_t second = (uint64_t)(uintptr_t)port_map(5, HOLE, true);
    uint64_t value;
    check_eq("the windows are neighbours", (int64_t)(second - (uint64_t)(uintptr_t)first),
             PAGE_SIZE);
    expect_fault("load across pages", port_try_read(second - 4, 8, &value), CAUSE_LOAD_ACCESS,
                 second);
    expect_fault("store across pages", port_try_write(second - 2, 4, 1), CAUSE_STORE_ACCESS,
                 second);
    /* The first half of `addi a0, a0, 0`. */
    first[PAGE_SIZE - 2] = 0x13;
    first[PAGE_SIZE - 1] = 0x05;
    /* The instruction is fetched as it was written. */
    __asm__ volatile("fence.i" ::: "memory");
    expect_fault("fetch across pages", port_try_call(second - 2), CAUSE_FETCH_ACCESS, second);
}

static void test_misaligned(void)
{
    static uint8_t bytes[16] __attribute__((aligned(16))) = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    uint64_t value = 0;
    check("misaligned load", port_try_read((uint64_t)(uintptr_t)bytes + 1, 8, &value));
    check_eq("its value", (int64_t)value, 0x0908070605040302);
    check("misaligned load from a hole", !port_try_read(HOLE + 1, 8, &value));
    check("is an access fault or misaligned",
          fault->cause == CAUSE_LOAD_ACCESS || fault->cause == CAUSE_LOAD_MISALIGNED);
    check_eq("its address", (int64_t)fault->address, (int64_t)HOLE + 1);
    check("misaligned store to a hole", !port_try_write(HOLE + 2, 4, 0));
    check("is an access fault or misaligned",
          fault->cause == CAUSE_STORE_ACCESS || fault->cause == CAUSE_STORE_MISALIGNED);
}

/* Its registers are words: anything else is an access fault [RVPLIC 3, RVAIA 4.5]. */
static void test_device(void)
{
    uint64_t base;
    uint64_t size;
    uint64_t value;
    dt_node node = dt_compatible(NULL, "riscv,plic0");
    node = node ? node : dt_compatible(NULL, "riscv,aplic");
    if (!node || !dt_reg(node, 0, &base, &size)) {
        give_up("no interrupt controller in the device tree");
    }
    uint64_t at = base + 4;
    check("a word", port_try_read(at, 4, &value));
    for (unsigned int width = 1; width <= 8; width *= 2) {
        if (width != 4) {
            uint64_t address = width == 8 ? at + 4 : at;
            expect_fault("load", port_try_read(address, width, &value), CAUSE_LOAD_ACCESS, address);
            expect_fault("store", port_try_write(address, width, 0), CAUSE_STORE_ACCESS, address);
        }
    }
    check("a misaligned load", !port_try_read(at + 2, 4, &value));
    check("a misaligned store", !port_try_write(at + 1, 4, 0));
    expect_fault("fetch", port_try_call(at), CAUSE_FETCH_ACCESS, at);
    unsigned int answered = 0;
    for (uint64_t offset = 0; offset < size; offset += size > 0x10000 ? 0x2004 : 4) {
        answered += port_try_read(base + (offset & ~3UL), 4, &value);
    }
    print("# %u words answered\n", answered);
    check("alive", answered > 0);
}

#define EXPECT_ILLEGAL(name, instruction) \
    do { \
        uint64_t before_ = fault->count; \
        trap_expect(true); \
        __asm__ volatile(instruction : : "r"(page) : "a0", "memory"); \
        trap_expect(false); \
        print("# %s\n", name); \
        check_eq("one exception", (int64_t)(fault->count - before_), 1); \
        check_eq("an illegal instruction", (int64_t)fault->cause, CAUSE_ILLEGAL); \
    } while (0)

/* Instructions of the hypervisor and of the machine, and such as are not. */
static void test_instructions(void)
{
    register void *page __asm__("a1") = page_alloc();
    EXPECT_ILLEGAL("all zeros", ".half 0\n\t.half 1");
    EXPECT_ILLEGAL("all ones", ".word 0xffffffff");
    EXPECT_ILLEGAL("mret", ".word 0x30200073");
    EXPECT_ILLEGAL("hfence.gvma", ".word 0x62000073");
    EXPECT_ILLEGAL("hfence.vvma", ".word 0x22000073");
    EXPECT_ILLEGAL("hlv.w a0, (a1)", ".word 0x6805c573");
    EXPECT_ILLEGAL("hlvx.hu a0, (a1)", ".word 0x6435c573");
    EXPECT_ILLEGAL("hsv.w a1, (a1)", ".word 0x6ab5c073");
    EXPECT_ILLEGAL("csrr a0, hstatus", ".word 0x60002573");
    EXPECT_ILLEGAL("csrr a0, mstatus", ".word 0x30002573");
    uint64_t before = fault->count;
    trap_expect(true);
    __asm__ volatile("ebreak");
    check_eq("ebreak", (int64_t)(fault->count - before), 1);
    check_eq("a breakpoint", (int64_t)fault->cause, CAUSE_BREAKPOINT);
    before = fault->count;
    /* Cache blocks and Svinval: as the ISA string says or not, but ours alone. */
    __asm__ volatile(".word 0x0045a00f\n\t" /* cbo.zero (a1) */
                     ".word 0x0015a00f\n\t" /* cbo.clean (a1) */
                     ".word 0x0005a00f\n\t" /* cbo.inval (a1) */
                     ".word 0x18000073\n\t" /* sfence.w.inval */
                     ".word 0x16000073"     /* sinval.vma */
                     :
                     : "r"(page)
                     : "memory");
    trap_expect(false);
    print("# cache blocks and sinval: %lu exceptions\n", fault->count - before);
    check("alive", true);
}

/* User mode: its exceptions are the guest's. */
static void test_user(void)
{
    uint32_t *code = page_alloc();
    void *at = user_map(0, port_physical(code));
    code[0] = 0x00000073; /* ecall */
    check_eq("ecall from user mode", (int64_t)user_run((uint64_t)(uintptr_t)at, 7), 7);
    static const uint32_t illegal[] = {0x10500073 /* wfi */, 0x10200073 /* sret */,
                                       0x12000073 /* sfence.vma */, 0x62000073, 0x10002573};
    for (unsigned int i = 0; i < sizeof(illegal) / sizeof(illegal[0]); i++) {
        uint64_t before = fault->count;
        code[0] = illegal[i];
        code[1] = 0x00000073;
        /* The instruction is fetched as it was written. */
        __asm__ volatile("fence.i" ::: "memory");
        trap_expect(true);
        user_run((uint64_t)(uintptr_t)at, 0);
        trap_expect(false);
        print("# 0x%x in user mode: %lu\n", illegal[i], fault->count - before);
        check("is illegal, or a hint", illegal[i] == 0x10500073 || (fault->count == before + 1 &&
                                                                    fault->cause == CAUSE_ILLEGAL));
    }
}

static void test_many(void)
{
    uint64_t before = fault->count;
    uint64_t value;
    for (unsigned int i = 0; i < 10000; i++) {
        port_try_read(HOLE + i * 4096UL, 4, &value);
    }
    check_eq("ten thousand faults", (int64_t)(fault->count - before), 10000);
}

/* A page of the hypervisor's in our memory: there is nothing to execute, as often as we try. */
static void test_fetch_shared(void)
{
    uint64_t address = (uint64_t)(uintptr_t)event_shared();
    expect_fault("fetch from the shared page", port_try_call(address), CAUSE_FETCH_ACCESS, address);
    expect_fault("and again", port_try_call(address), CAUSE_FETCH_ACCESS, address);
}

void guest_main(void)
{
    test_holes();
    test_fetch_shared();
    test_tables();
    test_crossing();
    test_misaligned();
    test_device();
    test_instructions();
    test_user();
    test_many();
}
