/* SPDX-License-Identifier: Apache-2.0 */
/*
 * On a CPU with everything that QEMU has (-cpu max): registers of extensions that guests are not
 * given are undefined, as the identification registers say.
 */
#include <guest/print.h>
#include <guest/test.h>
#include <port/arm64.h>
#include <port/sysreg.h>

/* Error records are the machine's, LORegions name its addresses, and nobody moves either with a
 * vCPU; so is it with statistical profiling, trace filters and activity monitors. */
static void test_hidden(void)
{
    static const struct {
        const char *name;
        uint32_t encoding;
    } registers[] = {
        {"ERRIDR_EL1", SYSREG(3, 0, 5, 3, 0)},    {"ERRSELR_EL1", SYSREG(3, 0, 5, 3, 1)},
        {"ERXSTATUS_EL1", SYSREG(3, 0, 5, 4, 2)}, {"LORSA_EL1", SYSREG(3, 0, 10, 4, 0)},
        {"LOREA_EL1", SYSREG(3, 0, 10, 4, 1)},    {"LORN_EL1", SYSREG(3, 0, 10, 4, 2)},
        {"LORC_EL1", SYSREG(3, 0, 10, 4, 3)},     {"LORID_EL1", SYSREG(3, 0, 10, 4, 7)},
        {"PMSCR_EL1", SYSREG(3, 0, 9, 9, 0)},     {"PMBLIMITR_EL1", SYSREG(3, 0, 9, 10, 0)},
        {"TRFCR_EL1", SYSREG(3, 0, 1, 2, 1)},     {"TRBLIMITR_EL1", SYSREG(3, 0, 9, 11, 0)},
        {"AMCR_EL0", SYSREG(3, 3, 13, 2, 0)},     {"AMEVCNTR00_EL0", SYSREG(3, 3, 13, 4, 0)},
    };
    uint64_t value;
    for (unsigned int i = 0; i < sizeof(registers) / sizeof(registers[0]); i++) {
        print("# %s\n", registers[i].name);
        check("cannot be read", !sysreg_read(registers[i].encoding, &value));
        check("cannot be written", !sysreg_write(registers[i].encoding, 0));
    }
}

static uint64_t field(uint32_t encoding, unsigned int shift)
{
    uint64_t value = 0;
    check("can be read", sysreg_read(encoding, &value));
    return value >> shift & 0xf;
}

static void test_identification(void)
{
    check_eq("ID_AA64PFR0_EL1: no RAS", (int64_t)field(SYSREG(3, 0, 0, 4, 0), 28), 0);
    check_eq("ID_AA64MMFR1_EL1: no LORegions", (int64_t)field(SYSREG(3, 0, 0, 7, 1), 16), 0);
    check_eq("ID_AA64DFR0_EL1: no profiling", (int64_t)field(SYSREG(3, 0, 0, 5, 0), 32), 0);
    check_eq("ID_AA64DFR0_EL1: no trace filter", (int64_t)field(SYSREG(3, 0, 0, 5, 0), 40), 0);
}

void guest_main(void)
{
    if (on_xen()) {
        check("Xen hides neither RAS nor LORegions", true);
        return;
    }
    test_hidden();
    test_identification();
}
