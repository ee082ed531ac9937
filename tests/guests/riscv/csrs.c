/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Control and status registers [RVPRIV 2.2]: all 4096 numbers read and written from supervisor and
 * from user mode. None may stop the hypervisor; a guest sees a register that works or an illegal
 * instruction, and nothing of the hypervisor or the machine.
 */
#include <guest/dt.h>
#include <guest/memory.h>
#include <guest/print.h>
#include <guest/test.h>
#include <port/riscv.h>

#define READ(csr)    ((uint32_t)(csr) << 20 | 2U << 12 | 10U << 7 | 0x73U) /* csrr a0, csr */
#define SWAP(csr)    ((uint32_t)(csr) << 20 | 10U << 15 | 1U << 12 | 10U << 7 | 0x73U)
#define RETURN       0x00008067U
#define ECALL        0x00000073U
#define PRIVILEGE(n) ((n) >> 8 & 3)
#define READ_ONLY(n) ((n) >> 10 == 3)

enum {
    COUNT = 4096,
    FCSR = 0x003,
    SSTATUS = 0x100,
    SIE = 0x104,
    STVEC = 0x105,
    SCOUNTEREN = 0x106,
    SENVCFG = 0x10a,
    SSTATEEN0 = 0x10c,
    SSCRATCH = 0x140,
    STVAL = 0x143,
    SIP = 0x144,
    STIMECMP = 0x14d,
    SISELECT = 0x150,
    SIREG = 0x151,
    STOPEI = 0x15c,
    SATP = 0x180,
    CYCLE = 0xc00,
    TIME = 0xc01,
    INSTRET = 0xc02,
    HPMCOUNTER3 = 0xc03,
    SCOUNTOVF = 0xda0, /* of counters that are hidden: zeros */
    STOPI = 0xdb0
};

static uint32_t code[2] __attribute__((aligned(64)));
static uint32_t *user_code;
static uint64_t user_address;
static uint64_t readable[COUNT / 64];
static uint64_t user_readable[COUNT / 64];
static unsigned int wrong_cause;

/* Runs an instruction on a0; false: it made an exception. */
static bool run(uint32_t instruction, bool user, uint64_t *value)
{
    const volatile struct port_fault *fault = &port_fault[port_cpu()];
    uint64_t before = fault->count;
    uint32_t *at = user ? user_code : code;
    at[0] = instruction;
    at[1] = user ? ECALL : RETURN;
    /* Instructions are fetched as they were written. */
    __asm__ volatile("fence.i" ::: "memory");
    trap_expect(true);
    *value =
        user ? user_run(user_address, *value) : ((uint64_t (*)(uint64_t))(uintptr_t)code)(*value);
    trap_expect(false);
    if (fault->count == before) {
        return true;
    }
    if (fault->cause != CAUSE_ILLEGAL) {
        print("# instruction 0x%x: cause %lu\n", instruction, fault->cause);
        wrong_cause++;
    }
    return false;
}

static bool can_read(uint32_t csr)
{
    return (readable[csr / 64] >> (csr % 64) & 1) != 0;
}

static void test_read(bool user)
{
    uint64_t *set = user ? user_readable : readable;
    unsigned int count = 0;
    for (uint32_t csr = 0; csr < COUNT; csr++) {
        uint64_t value = 0;
        if (run(READ(csr), user, &value)) {
            set[csr / 64] |= 1UL << (csr % 64);
            count++;
        }
    }
    print("# %s mode can read %u registers\n", user ? "user" : "supervisor", count);
}

/* All that a guest may have. */
static bool known(uint32_t csr)
{
    static const uint16_t all[] = {0x001,   0x002, FCSR,  SSTATUS,  SIE,       STVEC,    SCOUNTEREN,
                                   SENVCFG, 0x10c, 0x10d, 0x10e,    0x10f,     SSCRATCH, 0x141,
                                   0x142,   STVAL, SIP,   STIMECMP, SISELECT,  SIREG,    STOPEI,
                                   SATP,    CYCLE, TIME,  INSTRET,  SCOUNTOVF, STOPI};
    for (unsigned int i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (all[i] == csr) {
            return true;
        }
    }
    return false;
}

static void test_known(void)
{
    unsigned int others = 0;
    for (uint32_t csr = 0; csr < COUNT; csr++) {
        if (can_read(csr) && !known(csr)) {
            print("# 0x%03x can be read\n", csr);
            others++;
        }
    }
    /* Without a hypervisor there are the firmware's counters, too. */
    check("no other register can be read", others == 0 || cpu_native());
}

/* What this kernel itself stands on. */
static bool vital(uint32_t csr)
{
    return csr == SSTATUS || csr == SIE || csr == STVEC || csr == SSCRATCH || csr == SATP;
}

/* Writes what was read, then zeros and ones, then what was read. */
static void test_write(bool user)
{
    static const uint64_t patterns[] = {0, ~0UL, 0x5555555555555555UL};
    unsigned int taken = 0;
    bool read_only = true;
    for (uint32_t csr = 0; csr < COUNT; csr++) {
        uint64_t value = 0;
        uint64_t kept = 0;
        bool can = run(READ(csr), user, &kept);
        value = kept;
        bool written = run(SWAP(csr), user, &value);
        taken += written;
        read_only &= !written || !READ_ONLY(csr);
        for (unsigned int i = 0; can && written && !vital(csr) && i < 3; i++) {
            value = patterns[i];
            run(SWAP(csr), user, &value);
        }
        if (written) {
            run(SWAP(csr), user, &kept);
        }
    }
    print("# %s mode can write %u registers\n", user ? "user" : "supervisor", taken);
    check("what is read-only cannot be written", read_only);
}

static void test_privilege(void)
{
    unsigned int above = 0;
    unsigned int user_above = 0;
    for (uint32_t csr = 0; csr < COUNT; csr++) {
        bool by_user = (user_readable[csr / 64] >> (csr % 64) & 1) != 0;
        above += PRIVILEGE(csr) >= 2 && can_read(csr);
        user_above += PRIVILEGE(csr) != 0 && by_user;
    }
    check_eq("registers of the hypervisor and the machine that can be read", above, 0);
    check_eq("registers of the supervisor that user mode can read", user_above, 0);
}

static void test_present(void)
{
    static const struct {
        const char *name;
        uint32_t csr;
    } present[] = {
        {"fcsr", FCSR},       {"sstatus", SSTATUS},   {"sie", SIE},
        {"stvec", STVEC},     {"sip", SIP},           {"scounteren", SCOUNTEREN},
        {"senvcfg", SENVCFG}, {"sscratch", SSCRATCH}, {"stval", STVAL},
        {"satp", SATP},       {"time", TIME},
    };
    for (unsigned int i = 0; i < sizeof(present) / sizeof(present[0]); i++) {
        check(present[i].name, can_read(present[i].csr));
    }
    check_eq("cycle and instret alike", can_read(CYCLE), can_read(INSTRET));
    check_eq("stimecmp as the ISA string says", can_read(STIMECMP), cpu_has("sstc"));
    bool aia = cpu_has("ssaia");
    print("# ssaia %u: stopi %u stopei %u siselect %u\n", aia, can_read(STOPI), can_read(STOPEI),
          can_read(SISELECT));
    /* The hypervisor needs it open for events, even where the string does not list Ssaia. */
    check("stopi where the ISA string has ssaia", can_read(STOPI) || !aia);
    check("stopei where there is an interrupt file",
          can_read(STOPEI) == (aia && dt_compatible(NULL, "riscv,imsics") != NULL));
    check("sstateen0 as the ISA string says", can_read(SSTATEEN0) || !cpu_has("ssstateen"));
}

/* Registers of ours keep what is written, and nobody else's change. */
static void test_own(void)
{
    static const struct {
        const char *name;
        uint32_t csr;
        uint64_t value;
    } own[] = {
        {"sepc", 0x141, 0x123456789abcdef0UL},
        {"scause", 0x142, 5},
        {"stval", STVAL, 0xfedcba9876543210UL},
        {"scounteren", SCOUNTEREN, 2},
        {"fcsr", FCSR, 0x7f},
    };
    for (unsigned int i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
        uint64_t value = own[i].value;
        print("# %s\n", own[i].name);
        check("written", run(SWAP(own[i].csr), false, &value));
        uint64_t now = 0;
        run(READ(own[i].csr), false, &now);
        check_eq("kept", (int64_t)now, (int64_t)own[i].value);
        run(SWAP(own[i].csr), false, &value);
    }
}

static void test_values(void)
{
    uint64_t first = CSR_READ(time);
    check("time passes", CSR_READ(time) >= first);
    check_eq("satp: our tables", (int64_t)(CSR_READ(satp) >> 60), 8);
    check_eq("sstatus.UXL: 64 bits", (int64_t)(CSR_READ(sstatus) >> 32 & 3), 2);
    check_eq("no interrupt is pending", (int64_t)CSR_READ(sip), 0);
    uint64_t value = 0;
    if (can_read(HPMCOUNTER3)) {
        run(READ(HPMCOUNTER3), false, &value);
        print("# hpmcounter3 0x%lx\n", value);
    }
}

static void test_user_time(void)
{
    uint64_t value = 0;
    CSR_WRITE(scounteren, 0);
    /* OpenSBI emulates the read. */
    check("time is kept from user mode", !run(READ(TIME), true, &value) || cpu_native());
    CSR_WRITE(scounteren, 2);
    check("time is given to user mode", run(READ(TIME), true, &value));
    check("and is the same", CSR_READ(time) - value < port_frequency());
    CSR_WRITE(scounteren, 7);
}

/* Cycles and instructions of a hart would tell of other domains: a guest's are its time. */
static void test_counters(void)
{
    static const struct {
        const char *name;
        uint32_t csr;
    } counters[] = {{"cycle", CYCLE}, {"instret", INSTRET}};
    for (unsigned int i = 0; i < 2 && !cpu_native(); i++) {
        uint64_t value = 0;
        uint64_t before = CSR_READ(time);
        print("# %s\n", counters[i].name);
        check("read by the kernel", run(READ(counters[i].csr), false, &value));
        check("as its time", value - before < port_frequency());
        CSR_WRITE(scounteren, 7);
        check("read by programs", run(READ(counters[i].csr), true, &value));
        check("as their time", value - before < port_frequency());
        CSR_WRITE(scounteren, 2);
        check("kept from programs", !run(READ(counters[i].csr), true, &value));
        check("never written", !run(SWAP(counters[i].csr), false, &value));
        CSR_WRITE(scounteren, 7);
    }
}

void guest_main(void)
{
    user_code = page_alloc();
    user_address = (uint64_t)(uintptr_t)user_map(0, port_physical(user_code));
    CSR_WRITE(scounteren, 7);
    CSR_CLEAR(sie, ~0UL);
    port_timer_stop();
    test_values();
    test_read(false);
    test_known();
    test_read(true);
    test_privilege();
    test_present();
    test_own();
    test_write(false);
    test_write(true);
    test_user_time();
    test_counters();
    check_eq("exceptions other than illegal instruction", wrong_cause, 0);
}
