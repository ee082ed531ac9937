/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System registers [Arm ARM D19]: all encodings of MRS with op0 2 and 3 are read, and what can be
 * read is written back. None may stop the hypervisor or reach the machine; what a guest must not
 * have is undefined or hidden.
 */
#include <guest/print.h>
#include <guest/test.h>
#include <port/arm64.h>
#include <port/sysreg.h>

static uint64_t field(uint32_t encoding, unsigned int shift)
{
    uint64_t value = 0;
    if (!sysreg_read(encoding, &value)) {
        return ~0UL;
    }
    return value >> shift & 0xf;
}

static void test_identity(void)
{
    uint64_t value;
    check("MIDR_EL1: an Arm Cortex-A72", (READ_SYSREG(midr_el1) & 0xff00fff0) == 0x4100d080);
    check("MPIDR_EL1: CPU 0", (READ_SYSREG(mpidr_el1) & 0xff00ffffffUL) == 0);
    check_range("ID_AA64PFR0_EL1: EL0", (int64_t)field(SYSREG(3, 0, 0, 4, 0), 0), 1, 2);
    check_eq("ID_AA64PFR0_EL1: no SVE", (int64_t)field(SYSREG(3, 0, 0, 4, 0), 32), 0);
    check_eq("ID_AA64ZFR0_EL1: reads as zero", (int64_t)field(SYSREG(3, 0, 0, 4, 4), 0), 0);
    check_eq("ID_AA64MMFR0_EL1: 44 address bits", (int64_t)field(SYSREG(3, 0, 0, 7, 0), 0), 4);
    for (uint32_t m = 1; m < 8; m++) {
        for (uint32_t op2 = 0; op2 < 8; op2++) {
            if (!sysreg_read(SYSREG(3, 0, 0, m, op2), &value)) {
                print("# 3 0 0 %u %u\n", m, op2);
                check("an identification register", false);
            }
        }
    }
    check("all identification registers can be read", true);
}

/* What belongs to EL2 and EL3, or would show the machine. */
static void test_forbidden(void)
{
    static const struct {
        const char *name;
        uint32_t encoding;
    } registers[] = {
        {"HCR_EL2", SYSREG(3, 4, 1, 1, 0)},        {"VTTBR_EL2", SYSREG(3, 4, 2, 1, 0)},
        {"SCTLR_EL2", SYSREG(3, 4, 1, 0, 0)},      {"CNTHP_CTL_EL2", SYSREG(3, 4, 14, 2, 1)},
        {"CNTVOFF_EL2", SYSREG(3, 4, 14, 0, 3)},   {"SCR_EL3", SYSREG(3, 6, 1, 1, 0)},
        {"ICH_HCR_EL2", SYSREG(3, 4, 12, 11, 0)},  {"ICC_SRE_EL1", SYSREG(3, 0, 12, 12, 5)},
        {"CNTPS_CTL_EL1", SYSREG(3, 7, 14, 2, 1)}, {"ZCR_EL1", SYSREG(3, 0, 1, 2, 0)},
        {"SCTLR_EL12", SYSREG(3, 5, 1, 0, 0)},
    };
    uint64_t value;
    for (unsigned int i = 0; i < sizeof(registers) / sizeof(registers[0]); i++) {
        print("# %s\n", registers[i].name);
        check("cannot be read", !sysreg_read(registers[i].encoding, &value));
        check("cannot be written", !sysreg_write(registers[i].encoding, 0));
    }
}

/* Registers of ours keep what is written. */
static void test_own(void)
{
    static const struct {
        const char *name;
        uint32_t encoding;
        uint64_t value;
    } registers[] = {
        {"TPIDR_EL0", SYSREG(3, 3, 13, 0, 2), 0x123456789abcdef0},
        {"TPIDRRO_EL0", SYSREG(3, 3, 13, 0, 3), 0xfedcba9876543210},
        {"TPIDR_EL1", SYSREG(3, 0, 13, 0, 4), 0x1122334455667788},
        {"PAR_EL1", SYSREG(3, 0, 7, 4, 0), 1},
        {"FAR_EL1", SYSREG(3, 0, 6, 0, 0), 0xffff000012345678},
        {"AFSR0_EL1", SYSREG(3, 0, 5, 1, 0), 0},
        {"CONTEXTIDR_EL1", SYSREG(3, 0, 13, 0, 1), 0x55},
        {"SP_EL0", SYSREG(3, 0, 4, 1, 0), 0x1000},
        {"CNTKCTL_EL1", SYSREG(3, 0, 14, 1, 0), 3},
    };
    for (unsigned int i = 0; i < sizeof(registers) / sizeof(registers[0]); i++) {
        uint64_t value = 0;
        print("# %s\n", registers[i].name);
        check("written", sysreg_write(registers[i].encoding, registers[i].value));
        check("read", sysreg_read(registers[i].encoding, &value));
        check_eq("kept", (int64_t)value, (int64_t)registers[i].value);
    }
}

/*
 * Which of the 128 registers (CRm, op2) of a group can be read: under Xen on a Cortex-A72 of QEMU,
 * and here besides, where debug and performance registers that a guest is not given read as zero
 * rather than being undefined.
 */
static const struct group {
    uint8_t op0;
    uint8_t op1;
    uint8_t n;
    uint64_t xen[2];
    uint64_t more[2];
} groups[] = {
    {2, 0, 0, {0x3030f0f4f0f0, 0x0}, {0x4010004, 0x0}},
    {2, 0, 1, {0x10001001, 0x0}, {0x0, 0x0}},
    {2, 0, 7, {0x0, 0x0}, {0x0, 0x4040}},
    {2, 3, 0, {0x100, 0x0}, {0x10000000000, 0x0}},
    {3, 0, 0, {0xffffffffffffff61, 0x0}, {0x0, 0x0}},
    {3, 0, 1, {0x7, 0x0}, {0x0, 0x0}},
    {3, 0, 2, {0x7, 0x0}, {0x0, 0x0}},
    {3, 0, 4, {0x50103, 0x0}, {0x0, 0x0}},
    {3, 0, 5, {0x10300, 0x0}, {0x0, 0x0}},
    {3, 0, 6, {0x1, 0x0}, {0x0, 0x0}},
    {3, 0, 7, {0x100000000, 0x0}, {0x0, 0x0}},
    {3, 0, 9, {0x0, 0x6000000000000}, {0x0, 0x0}},
    {3, 0, 10, {0x1010000, 0x0}, {0x0, 0x0}},
    {3, 0, 12, {0x101, 0x0}, {0x0, 0x0}},
    {3, 0, 13, {0x12, 0x0}, {0x0, 0x0}},
    {3, 0, 14, {0x100, 0x0}, {0x0, 0x0}},
    {3, 1, 0, {0x83, 0x0}, {0x0, 0x0}},
    {3, 2, 0, {0x1, 0x0}, {0x0, 0x0}},
    {3, 3, 0, {0x82, 0x0}, {0x0, 0x0}},
    {3, 3, 4, {0x300030000, 0x0}, {0x0, 0x0}},
    {3, 3, 9, {0x0, 0x907ef00000000}, {0x0, 0x0}},
    {3, 3, 13, {0xc, 0x0}, {0x0, 0x0}},
    {3, 3, 14, {0x7070007, 0x0}, {0x0, 0x8000003f0000003f}},
};

static struct group expected(uint32_t op0, uint32_t op1, uint32_t n)
{
    for (unsigned int i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
        if (groups[i].op0 == op0 && groups[i].op1 == op1 && groups[i].n == n) {
            return groups[i];
        }
    }
    return (struct group){.op0 = 0};
}

/* DBGDTR_EL0, S2_3_C0_C4_0: QEMU has it from 10.0.4 on, where it reads as zero. */
#define DBGDTR_BIT (1UL << 32)

/* Reads a group, writes back what it read; true if it is as expected. */
static bool sweep_group(uint32_t op0, uint32_t op1, uint32_t n)
{
    struct group want = expected(op0, op1, n);
    uint64_t seen[2] = {0, 0};
    bool hidden = true;
    for (uint32_t low = 0; low < 128; low++) {
        uint32_t encoding = SYSREG(op0, op1, n, low / 8, low % 8);
        uint64_t value;
        if (sysreg_read(encoding, &value)) {
            seen[low / 64] |= 1UL << (low % 64);
            hidden &= (want.more[low / 64] >> (low % 64) & 1) == 0 || value == 0;
            sysreg_write(encoding, value);
        }
    }
    if (op0 == 2 && op1 == 3 && n == 0) {
        seen[0] &= ~DBGDTR_BIT;
    }
    bool as_xen = seen[0] == want.xen[0] && seen[1] == want.xen[1];
    bool as_here = seen[0] == (want.xen[0] | want.more[0]) &&
                   seen[1] == (want.xen[1] | want.more[1]) && hidden;
    if (on_xen() ? as_xen : as_here) {
        return true;
    }
    print("# S%u_%u_C%u: readable %016lx %016lx\n", op0, op1, n, seen[1], seen[0]);
    return false;
}

static void test_sweep(void)
{
    for (uint32_t op0 = 2; op0 < 4; op0++) {
        for (uint32_t op1 = 0; op1 < 8; op1++) {
            bool right = true;
            for (uint32_t n = 0; n < 16; n++) {
                right &= sweep_group(op0, op1, n);
            }
            check("registers of an op1", right);
        }
    }
}

void guest_main(void)
{
    test_identity();
    test_forbidden();
    test_own();
    test_sweep();
}
