/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Firmware calls of a guest: PSCI [DEN0022], SMCCC [DEN0028], TRNG [DEN0098], by HVC and by SMC.
 */
#include <guest/print.h>
#include <guest/test.h>
#include <port/arm64.h>
#include <public/arch-arm/smccc.h>

#define NOT_SUPPORTED      (-1)
#define INVALID_PARAMETERS (-2)
#define ALREADY_ON         (-4)

#define PSCI_VERSION           0x84000000UL
#define PSCI_CPU_SUSPEND_32    0x84000001UL
#define PSCI_CPU_SUSPEND_64    0xc4000001UL
#define PSCI_CPU_ON_64         0xc4000003UL
#define PSCI_AFFINITY_INFO_64  0xc4000004UL
#define PSCI_MIGRATE_INFO_TYPE 0x84000006UL
#define PSCI_FEATURES          0x8400000aUL
#define PSCI_SYSTEM_RESET2     0x84000012UL
#define SMCCC_VERSION          0x80000000UL
#define SMCCC_ARCH_FEATURES    0x80000001UL
#define SMCCC_SOC_ID           0x80000002UL
#define SMCCC_WORKAROUND_1     0x80008000UL
#define SMCCC_WORKAROUND_2     0x80007fffUL
#define SMCCC_WORKAROUND_3     0x80003fffUL
#define HYPERVISOR_COUNT       0x8600ff00UL
#define HYPERVISOR_UID         0x8600ff01UL
#define HYPERVISOR_REVISION    0x8600ff03UL
#define STANDARD_COUNT         0x8400ff00UL
#define STANDARD_UID           0x8400ff01UL
#define STANDARD_REVISION      0x8400ff03UL
#define TRNG_VERSION           0x84000050UL

typedef void conduit_fn(uint64_t function, uint64_t a, uint64_t b, uint64_t c,
                        struct smccc_result *result);

static conduit_fn *conduit;

static int32_t call(uint64_t function, uint64_t a, uint64_t b)
{
    struct smccc_result result;
    conduit(function, a, b, 0, &result);
    return (int32_t)result.x[0];
}

static void test_psci(void)
{
    static const struct {
        uint32_t function;
        int32_t want;
    } features[] = {
        {0x84000000, 0},  {0x84000001, 0},  {0xc4000001, 0},  {0x84000002, 0},  {0x84000003, 0},
        {0xc4000003, 0},  {0x84000004, 0},  {0xc4000004, 0},  {0x84000006, 0},  {0x84000008, 0},
        {0x84000009, 0},  {0x8400000a, 0},  {0x80000000, 0},  {0x84000005, -1}, {0x84000007, -1},
        {0x84000010, -1}, {0x84000012, -1}, {0x8400000e, -1}, {0xffffffff, -1}, {0, -1},
    };
    check_eq("PSCI_VERSION", call(PSCI_VERSION, 0, 0), 0x10001);
    for (unsigned int i = 0; i < sizeof(features) / sizeof(features[0]); i++) {
        print("# function 0x%x\n", features[i].function);
        check_eq("PSCI_FEATURES", call(PSCI_FEATURES, features[i].function, 0), features[i].want);
    }
    check_eq("MIGRATE_INFO_TYPE", call(PSCI_MIGRATE_INFO_TYPE, 0, 0), 2);
    check_eq("AFFINITY_INFO of ourselves", call(PSCI_AFFINITY_INFO_64, 0, 0), 0);
    check_known("AFFINITY_INFO of a CPU that is not", call(PSCI_AFFINITY_INFO_64, 99, 0),
                INVALID_PARAMETERS, 1, "as DEN0022 has it; Xen says that it is off");
    check_eq("CPU_ON of ourselves", call(PSCI_CPU_ON_64, 0, 0x40000000), ALREADY_ON);
    check_eq("CPU_ON of a CPU that is not", call(PSCI_CPU_ON_64, 99, 0x40000000),
             INVALID_PARAMETERS);
    check_eq("SYSTEM_RESET2", call(PSCI_SYSTEM_RESET2, 0, 0), NOT_SUPPORTED);
}

/* The low half of the number is all that counts in a 32-bit call. */
static void test_numbers(void)
{
    static const uint64_t unknown[] = {0x84000013, 0xc4000013, 0x8400001f,
                                       0x82000000, 0xc2000000, 0x83000000,
                                       0xb2000000, 0x95c1ba5e, 0x84000013 | 1UL << 40,
                                       0x85000000, 0x86000000, 0x87000000};
    for (unsigned int i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
        struct smccc_result result;
        print("# function 0x%lx\n", unknown[i]);
        conduit(unknown[i], 1, 2, 3, &result);
        check_eq("unknown function", (int32_t)result.x[0], NOT_SUPPORTED);
    }
}

static void test_smccc(void)
{
    check_range("SMCCC_VERSION", call(SMCCC_VERSION, 0, 0), 0x10001, 0x10002);
    check_known("ARCH_FEATURES of itself", call(SMCCC_ARCH_FEATURES, SMCCC_ARCH_FEATURES, 0), 0,
                NOT_SUPPORTED, "as DEN0028 has it");
    check_known("ARCH_FEATURES of VERSION", call(SMCCC_ARCH_FEATURES, SMCCC_VERSION, 0), 0,
                NOT_SUPPORTED, "as DEN0028 has it");
    check_eq("ARCH_FEATURES of SOC_ID", call(SMCCC_ARCH_FEATURES, SMCCC_SOC_ID, 0), NOT_SUPPORTED);
    check_eq("ARCH_FEATURES of nonsense", call(SMCCC_ARCH_FEATURES, 0x1234, 0), NOT_SUPPORTED);
    int32_t first = call(SMCCC_ARCH_FEATURES, SMCCC_WORKAROUND_1, 0);
    int32_t second = call(SMCCC_ARCH_FEATURES, SMCCC_WORKAROUND_2, 0);
    int32_t third = call(SMCCC_ARCH_FEATURES, SMCCC_WORKAROUND_3, 0);
    print("# workarounds %d %d %d\n", first, second, third);
    check_range("WORKAROUND_1 is known or not", first, -1, 1);
    check_range("WORKAROUND_2 is known or not", second, -2, 1);
    check_range("WORKAROUND_3 is known or not", third, -1, 1);
    call(SMCCC_WORKAROUND_1, 0, 0);
    call(SMCCC_WORKAROUND_3, 0, 0);
    check("workarounds come back", true);
}

static void test_identity(void)
{
    struct smccc_result id;
    int32_t trng = call(TRNG_VERSION, 0, 0);
    conduit(HYPERVISOR_UID, 0, 0, 0, &id);
    print("# uid %lx %lx %lx %lx count %d revision %d\n", id.x[0], id.x[1], id.x[2], id.x[3],
          call(HYPERVISOR_COUNT, 0, 0), call(HYPERVISOR_REVISION, 0, 0));
    check_eq("TRNG_VERSION", trng, NOT_SUPPORTED);
    conduit(STANDARD_UID, 0, 0, 0, &id);
    print("# standard %lx %lx %lx %lx count %d revision %d\n", id.x[0], id.x[1], id.x[2], id.x[3],
          call(STANDARD_COUNT, 0, 0), call(STANDARD_REVISION, 0, 0));
}

/* Registers that no call may change [DEN0028 2.6]. */
static void test_registers(void)
{
    uint64_t changed;
    __asm__ volatile("mov x18, #18\n\tmov x19, #19\n\tmov x28, #28\n\t"
                     "mov x0, #0x84000000\n\thvc #0\n\t"
                     "sub %0, x18, #18\n\tsub x19, x19, #19\n\torr %0, %0, x19\n\t"
                     "sub x28, x28, #28\n\torr %0, %0, x28"
                     : "=&r"(changed)
                     :
                     : "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11",
                       "x12", "x13", "x14", "x15", "x16", "x17", "x18", "x19", "x28", "memory");
    check_eq("saved registers", (int64_t)changed, 0);
}

/* CPU 1 turns itself off as soon as it runs: whoever starts it just then makes the call again,
 * without knowing, and is told one of two things. */
static void test_start_again(void)
{
    extern char guest_secondary[];
    unsigned int started = 0;
    unsigned int wrong = 0;
    uint64_t cpus = 1;
    uint64_t end = port_give_up();
    option("cpus", &cpus);
    if (cpus == 1 || on_xen()) {
        return; /* Xen says that a CPU is off before it has saved its registers */
    }
    (void)port_cpu_start(1, port_cpu_stop);
    while (started < 300 && port_counter() < end) {
        struct smccc_result result;
        conduit(PSCI_CPU_ON_64, 1, port_physical(guest_secondary), 1, &result);
        started += (int32_t)result.x[0] == 0;
        wrong += (int32_t)result.x[0] != 0 && (int32_t)result.x[0] != ALREADY_ON;
    }
    check_eq("three hundred starts beside CPU_OFF", started, 300);
    check_eq("other answers", wrong, 0);
}

static void test_conduit(const char *name, conduit_fn *function)
{
    print("# by %s\n", name);
    conduit = function;
    test_start_again();
    test_psci();
    test_smccc();
    test_identity();
}

void guest_main(void)
{
    test_conduit("HVC", smccc_hvc);
    test_numbers();
    test_conduit("SMC", smccc_smc);
    test_registers();
}
