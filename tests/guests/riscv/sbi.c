/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SBI conformance [RVSBI]: every extension with right and wrong functions, hart masks, pointers and
 * sizes; what is absent says so; registers are kept. Without a hypervisor the firmware answers, by
 * which the expectations were checked.
 */
#include <guest/memory.h>
#include <guest/print.h>
#include <guest/test.h>
#include <port/riscv.h>
#include <port/sbi.h>
#include <public/arch-riscv.h>
#include <public/errno.h>

#define SPEC_2_0 0x2000000
#define NOBODY   99 /* a hart that is not */
#define HOLE     0x1000000000UL

static struct sbi_result result;
static uint64_t self;

static int64_t call(uint64_t extension, uint64_t function, uint64_t a0, uint64_t a1, uint64_t a2)
{
    result = sbi_call(extension, function, a0, a1, a2, 0, 0, 0);
    return result.error;
}

static int64_t call5(uint64_t extension, uint64_t function, uint64_t a0, uint64_t a1, uint64_t a2,
                     uint64_t a3, uint64_t a4)
{
    result = sbi_call(extension, function, a0, a1, a2, a3, a4, 0);
    return result.error;
}

static void test_base(void)
{
    check_eq("get_spec_version", call(SBI_BASE, 0, 0, 0, 0), SBI_OK);
    check_eq("spec version", (int64_t)result.value, SPEC_2_0);
    check_eq("get_impl_id", call(SBI_BASE, 1, 0, 0, 0), SBI_OK);
    check_eq("impl id", (int64_t)result.value, cpu_native() ? 1 : XEN_SBI_IMPL_ID);
    check_eq("get_impl_version", call(SBI_BASE, 2, 0, 0, 0), SBI_OK);
    check_eq("impl version", (int64_t)result.value, cpu_native() ? 0x10005 : 4 << 16 | 20);
    for (uint64_t function = 4; function < 7; function++) {
        check_eq("machine identity", call(SBI_BASE, function, 0, 0, 0), SBI_OK);
    }
    check_eq("base 7", call(SBI_BASE, 7, 0, 0, 0), SBI_NOT_SUPPORTED);
    check_eq("base -1", call(SBI_BASE, ~0UL, 0, 0, 0), SBI_NOT_SUPPORTED);
}

static void test_probe(void)
{
    static const struct {
        uint64_t extension;
        bool here, there; /* in a guest, in OpenSBI */
    } known[] = {
        {SBI_BASE, true, true},
        {SBI_TIME, true, true},
        {SBI_IPI, true, true},
        {SBI_RFENCE, true, true},
        {SBI_HSM, true, true},
        {SBI_SRST, true, true},
        {SBI_DBCN, true, true},
        {SBI_LEGACY_PUTCHAR, true, true},
        {SBI_LEGACY_SET_TIMER, true, true},
        {XEN_SBI_EXT_HYPERCALL, true, false},
        {SBI_PMU, false, true},
        {SBI_SUSP, false, false},
        {SBI_CPPC, false, false},
        {SBI_NACL, false, false},
        {SBI_STA, false, false},
        {9, false, false},
        {0xf, false, false},
        {0x11, false, false},
        {XEN_SBI_EXT_HYPERCALL + 1, false, false},
        {~0UL, false, false},
    };
    for (unsigned int i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        print("# extension 0x%lx\n", known[i].extension);
        check_eq("probe_extension", call(SBI_BASE, 3, known[i].extension, 0, 0), SBI_OK);
        check_eq("is there", result.value != 0, cpu_native() ? known[i].there : known[i].here);
    }
}

static void test_unknown(void)
{
    static const uint64_t unknown[] = {9,          0xf,       0x11,      SBI_SUSP,   SBI_CPPC,
                                       SBI_NACL,   SBI_STA,   0x8000000, 0x9000000,  0xa000000,
                                       0xa000001,  0xa000006, 0xa000008, 0x7fffffff, 0x80000000,
                                       0xffffffff, 1UL << 32, ~0UL >> 1, ~0UL - 7,   ~0UL};
    for (unsigned int i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
        print("# extension 0x%lx\n", unknown[i]);
        check_eq("unknown extension", call(unknown[i], 0, 0, 0, 0), SBI_NOT_SUPPORTED);
    }
    if (!cpu_native()) {
        check_eq("performance monitors", call(SBI_PMU, 0, 0, 0, 0), SBI_NOT_SUPPORTED);
        check_eq("hypercall 63", call(XEN_SBI_EXT_HYPERCALL, 63, 0, 0, 0), -XEN_ENOSYS);
        check_eq("hypercall 64", call(XEN_SBI_EXT_HYPERCALL, 64, 0, 0, 0), -XEN_ENOSYS);
        check_eq("hypercall -1", call(XEN_SBI_EXT_HYPERCALL, ~0UL, 0, 0, 0), -XEN_ENOSYS);
    }
}

static bool timer_pending(void)
{
    return (CSR_READ(sip) >> 5 & 1) != 0;
}

static void test_time(void)
{
    check_eq("set_timer, never", call(SBI_TIME, 0, ~0UL, 0, 0), SBI_OK);
    check("nothing is pending", !timer_pending());
    check_eq("set_timer, the past", call(SBI_TIME, 0, 0, 0, 0), SBI_OK);
    check("pending at once", timer_pending());
    check_eq("set_timer, an hour ahead",
             call(SBI_TIME, 0, port_counter() + 3600 * port_frequency(), 0, 0), SBI_OK);
    check("taken back", !timer_pending());
    check_eq("legacy set_timer, the past", call(SBI_LEGACY_SET_TIMER, 0, 0, 0x77, 0), SBI_OK);
    check_eq("legacy: a1 is kept", (int64_t)result.value, 0x77);
    check("legacy: pending", timer_pending());
    check_eq("legacy set_timer, never", call(SBI_LEGACY_SET_TIMER, 0, ~0UL, 0, 0), SBI_OK);
    check("legacy: taken back", !timer_pending());
    check_eq("time 1", call(SBI_TIME, 1, 0, 0, 0), SBI_NOT_SUPPORTED);
    check_eq("time -1", call(SBI_TIME, ~0UL, 0, 0, 0), SBI_NOT_SUPPORTED);
}

static bool take_ipi(void)
{
    bool pending = (CSR_READ(sip) >> 1 & 1) != 0;
    CSR_CLEAR(sip, 2);
    return pending;
}

static void test_ipi(void)
{
    check("none at first", !take_ipi());
    check_eq("send_ipi to self", call(SBI_IPI, 0, 1, self, 0), SBI_OK);
    check("it is pending", take_ipi());
    check("and can be cleared", !take_ipi());
    check_eq("send_ipi by mask", call(SBI_IPI, 0, 1UL << self, 0, 0), SBI_OK);
    check("pending", take_ipi());
    check_eq("send_ipi to all", call(SBI_IPI, 0, 0, ~0UL, 0), SBI_OK);
    check("we are among all", take_ipi());
    check_eq("send_ipi to none", call(SBI_IPI, 0, 0, 0, 0), SBI_OK);
    check("none came", !take_ipi());
    check_eq("send_ipi, a base beyond", call(SBI_IPI, 0, 1, 4096, 0), SBI_INVALID_PARAM);
    check_eq("send_ipi, base -2", call(SBI_IPI, 0, 1, ~0UL - 1, 0), SBI_INVALID_PARAM);
    int64_t rc = call(SBI_IPI, 0, 1UL << 63 | 1UL << self, 0, 0);
    print("# send_ipi to us and to hart 63: %ld, pending %u\n", rc, take_ipi());
    check("refused, or done for those that are",
          rc == SBI_INVALID_PARAM || (cpu_native() && rc == SBI_OK));
    check_eq("ipi 1", call(SBI_IPI, 1, 1, self, 0), SBI_NOT_SUPPORTED);
    check("none came by it", !take_ipi());
}

static void test_rfence(void)
{
    uint64_t mask = 1UL << self;
    uint64_t page = (uint64_t)(uintptr_t)page_alloc();
    check_eq("fence_i", call5(SBI_RFENCE, 0, mask, 0, 0, 0, 0), SBI_OK);
    check_eq("fence_i, all", call5(SBI_RFENCE, 0, 0, ~0UL, 0, 0, 0), SBI_OK);
    check_eq("fence_i, none", call5(SBI_RFENCE, 0, 0, 0, 0, 0, 0), SBI_OK);
    check_eq("sfence_vma of a page", call5(SBI_RFENCE, 1, mask, 0, page, 4096, 0), SBI_OK);
    check_eq("sfence_vma of all", call5(SBI_RFENCE, 1, mask, 0, 0, ~0UL, 0), SBI_OK);
    check_eq("sfence_vma of 0, 0", call5(SBI_RFENCE, 1, mask, 0, 0, 0, 0), SBI_OK);
    check_eq("sfence_vma of 2^48", call5(SBI_RFENCE, 1, mask, 0, 0, 1UL << 48, 0), SBI_OK);
    check_eq("sfence_vma of a byte", call5(SBI_RFENCE, 1, mask, 0, page + 4095, 2, 0), SBI_OK);
    check_eq("sfence_vma_asid", call5(SBI_RFENCE, 2, mask, 0, page, 4096, 3), SBI_OK);
    check_eq("sfence_vma_asid of all", call5(SBI_RFENCE, 2, mask, 0, 0, ~0UL, 3), SBI_OK);
    check_eq("sfence_vma_asid, ASID -1", call5(SBI_RFENCE, 2, mask, 0, 0, ~0UL, ~0UL), SBI_OK);
    int64_t rc = call5(SBI_RFENCE, 1, mask, 0, ~0UL - 4095, 8192, 0);
    print("# sfence_vma beyond the end: %ld\n", rc);
    check("comes back", rc == SBI_OK || rc == SBI_INVALID_ADDRESS);
    check_eq("fence_i, a base beyond", call5(SBI_RFENCE, 0, 1, 4096, 0, 0, 0), SBI_INVALID_PARAM);
    check_eq("sfence_vma, a base beyond", call5(SBI_RFENCE, 1, 1, 4096, 0, ~0UL, 0),
             SBI_INVALID_PARAM);
    for (uint64_t function = 3; function < 7; function++) {
        check_eq("hfence", call5(SBI_RFENCE, function, mask, 0, 0, ~0UL, 0),
                 cpu_native() ? SBI_OK : SBI_NOT_SUPPORTED);
    }
    check_eq("rfence 7", call5(SBI_RFENCE, 7, mask, 0, 0, 0, 0), SBI_NOT_SUPPORTED);
}

static void test_hsm(void)
{
    uint64_t code = port_physical((const void *)(uintptr_t)test_hsm);
    check_eq("hart_get_status of ourselves", call(SBI_HSM, HSM_STATUS, self, 0, 0), SBI_OK);
    check_eq("started", (int64_t)result.value, HSM_STARTED);
    check_eq("hart_get_status of nobody", call(SBI_HSM, HSM_STATUS, NOBODY, 0, 0),
             SBI_INVALID_PARAM);
    check_eq("hart_get_status of -1", call(SBI_HSM, HSM_STATUS, ~0UL, 0, 0), SBI_INVALID_PARAM);
    check_eq("hart_get_status of 2^32", call(SBI_HSM, HSM_STATUS, 1UL << 32 | self, 0, 0),
             cpu_native() ? SBI_OK : SBI_INVALID_PARAM);
    check_eq("hart_start of ourselves", call(SBI_HSM, HSM_START, self, code, 0),
             SBI_ALREADY_AVAILABLE);
    check_eq("hart_start of nobody", call(SBI_HSM, HSM_START, NOBODY, code, 0), SBI_INVALID_PARAM);
    check_eq("hart_start of -1", call(SBI_HSM, HSM_START, ~0UL, code, 0), SBI_INVALID_PARAM);
    int64_t rc = call(SBI_HSM, HSM_SUSPEND, 0x1234, 0, 0);
    print("# hart_suspend of a reserved type: %ld\n", rc);
    check("refused", rc == SBI_INVALID_PARAM || (!cpu_native() && rc == SBI_NOT_SUPPORTED));
    check_eq("hsm 4", call(SBI_HSM, 4, 0, 0, 0), SBI_NOT_SUPPORTED);
    check_eq("hsm -1", call(SBI_HSM, ~0UL, 0, 0, 0), SBI_NOT_SUPPORTED);
}

static void test_srst(void)
{
    check_eq("system_reset, a reserved type", call(SBI_SRST, 0, 3, 0, 0), SBI_INVALID_PARAM);
    check_eq("the last reserved type", call(SBI_SRST, 0, 0xefffffff, 0, 0), SBI_INVALID_PARAM);
    int64_t rc = call(SBI_SRST, 0, 0xf0000000, 0, 0);
    print("# system_reset of a vendor's type: %ld\n", rc);
    check("refused", rc == SBI_INVALID_PARAM || rc == SBI_NOT_SUPPORTED);
    check_eq("srst 1", call(SBI_SRST, 1, 0, 0, 0), SBI_NOT_SUPPORTED);
}

static void test_dbcn(void)
{
    static const char text[] = "# by the debug console\n";
    char *page = page_alloc();
    uint64_t at = port_physical(text);
    check_eq("write", call(SBI_DBCN, 0, sizeof(text) - 1, at, 0), SBI_OK);
    check_range("bytes written", (int64_t)result.value, 1, sizeof(text) - 1);
    check_eq("write nothing", call(SBI_DBCN, 0, 0, at, 0), SBI_OK);
    check_eq("nothing written", (int64_t)result.value, 0);
    memset(page, '.', PAGE_SIZE);
    page[77] = '\n';
    check_eq("write across pages", call(SBI_DBCN, 0, 78, port_physical(page), 0), SBI_OK);
    check_eq("write, high address", call(SBI_DBCN, 0, 1, at, 1),
             cpu_native() ? SBI_FAILED : SBI_INVALID_PARAM);
    check_eq("read, high address", call(SBI_DBCN, 1, 16, at, 1),
             cpu_native() ? SBI_FAILED : SBI_INVALID_PARAM);
    if (!cpu_native()) {
        check_eq("write, count -1", call(SBI_DBCN, 0, ~0UL, at, 0), SBI_INVALID_PARAM);
        check_eq("write from a hole", call(SBI_DBCN, 0, 1, HOLE, 0), SBI_INVALID_PARAM);
        check_eq("write from a device", call(SBI_DBCN, 0, 1, 0x101000, 0), SBI_INVALID_PARAM);
        check_eq("read to a hole", call(SBI_DBCN, 1, 1, HOLE, 0), SBI_INVALID_PARAM);
    }
    check_eq("write from the firmware's memory", call(SBI_DBCN, 0, 1, port_ram_base, 0),
             SBI_INVALID_PARAM);
    check_eq("read without input", call(SBI_DBCN, 1, 16, port_physical(page), 0), SBI_OK);
    check_eq("nothing read", (int64_t)result.value, 0);
    check_eq("write_byte", call(SBI_DBCN, 2, '\n', 0, 0), SBI_OK);
    check_eq("dbcn 3", call(SBI_DBCN, 3, 0, 0, 0), SBI_NOT_SUPPORTED);
}

/* A pointer of the legacy calls is virtual; a bad one is an exception or an error of ours. */
static void test_legacy(void)
{
    static uint64_t mask;
    uint64_t at = (uint64_t)(uintptr_t)&mask;
    const volatile uint64_t *faults = &port_fault[port_cpu()].count;
    mask = 1UL << self;
    check_eq("putchar", call(SBI_LEGACY_PUTCHAR, 0, '\n', 0x77, 0), SBI_OK);
    check_eq("a1 is kept", (int64_t)result.value, 0x77);
    check_eq("getchar without input", call(SBI_LEGACY_GETCHAR, 0, 0, 0, 0), -1);
    check_eq("send_ipi", call(SBI_LEGACY_SEND_IPI, 0, at, 0, 0), SBI_OK);
    check("pending", take_ipi());
    call(SBI_LEGACY_SEND_IPI, 0, at, 0, 0);
    call(SBI_LEGACY_CLEAR_IPI, 0, 0, 0, 0);
    check("clear_ipi", !take_ipi());
    check_eq("remote_fence_i", call(SBI_LEGACY_FENCE_I, 0, at, 0, 0), SBI_OK);
    check_eq("remote_sfence_vma", call(SBI_LEGACY_SFENCE, 0, at, 0, 4096), SBI_OK);
    check_eq("remote_sfence_vma_asid", call(SBI_LEGACY_SFENCE_ASID, 0, at, 0, 4096), SBI_OK);
    check_eq("remote_fence_i, all", call(SBI_LEGACY_FENCE_I, 0, 0, 0, 0), SBI_OK);
    trap_expect(true);
    uint64_t before = *faults;
    int64_t rc = call(SBI_LEGACY_SEND_IPI, 0, port_unmapped, 0, 0);
    uint64_t after = *faults;
    trap_expect(false);
    print("# send_ipi of an unmapped mask: %ld, exceptions %lu\n", rc, after - before);
    check("refused", after != before || rc < 0);
    if (!cpu_native()) {
        check_eq("as a fault of the guest", (int64_t)(after - before), 1);
        check_eq("a0 is as it was", rc, (int64_t)port_unmapped);
    }
    check("nothing is pending", !take_ipi());
}

/* Everything but a0 and a1 is the caller's [RVSBI 3]. */
static void test_registers(void)
{
    static struct step step;
    uint64_t before[32];
    unsigned int wrong = 0;
    for (unsigned int i = 1; i < 32; i++) {
        step.x[i] = 0x0123456789abcdefUL * i;
    }
    step.x[10] = SBI_TIME;
    step.x[16] = 3;
    step.x[17] = SBI_BASE;
    memcpy(before, step.x, sizeof(before));
    step_run(&step, 0x00000073); /* ecall: probe_extension */
    for (unsigned int i = 1; i < 32; i++) {
        wrong += i != 10 && i != 11 && step.x[i] != before[i];
    }
    check_eq("registers changed by a call", wrong, 0);
    check_eq("its error", (int64_t)step.x[10], SBI_OK);
    check("its value", step.x[11] != 0);
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

static uint64_t odd_value(void)
{
    static const uint64_t lattice[] = {0,         1,          2,          ~0UL,      1UL << 31,
                                       1UL << 32, 1UL << 41,  1UL << 63,  HOLE,      0xfff,
                                       4096,      0xffffffff, 0x80000000, 0xc000000, 0x101000};
    uint64_t pick = next_random();
    return pick % 4 == 0 ? pick : lattice[(pick >> 32) % (sizeof(lattice) / sizeof(lattice[0]))];
}

/* Calls that would end the test when they do what they are told, and those that print. */
static bool harmful(uint64_t extension, uint64_t function)
{
    return extension == SBI_LEGACY_SHUTDOWN || extension == SBI_LEGACY_PUTCHAR ||
           (extension == SBI_SRST && function == 0) || (extension == SBI_DBCN && function != 1) ||
           (extension == SBI_HSM && function != HSM_STATUS);
}

static void test_random(void)
{
    static const uint64_t extensions[] = {
        0,        2,       3,          4,       5,        6,       7,        SBI_BASE,
        SBI_TIME, SBI_IPI, SBI_RFENCE, SBI_HSM, SBI_SRST, SBI_PMU, SBI_DBCN, SBI_SUSP};
    unsigned int calls = 0;
    trap_expect(true);
    for (unsigned int i = 0; i < 20000; i++) {
        uint64_t pick = next_random();
        uint64_t extension = extensions[pick % 16];
        uint64_t function = pick >> 32 & 7;
        /* Nothing is read into memory of ours. */
        uint64_t to = extension == SBI_DBCN ? HOLE : odd_value();
        if (!harmful(extension, function)) {
            call5(extension, function, odd_value(), to, odd_value(), odd_value(), odd_value());
            calls++;
        }
    }
    trap_expect(false);
    port_timer_stop();
    take_ipi();
    print("# %u random calls\n", calls);
    check("alive after random calls", calls > 10000);
}

void guest_main(void)
{
    self = cpu_boot_hart();
    test_base();
    test_probe();
    test_unknown();
    test_time();
    test_ipi();
    test_rfence();
    test_hsm();
    test_srst();
    test_dbcn();
    test_legacy();
    test_registers();
    if (!cpu_native()) {
        test_random();
    }
}
