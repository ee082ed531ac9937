/* SPDX-License-Identifier: Apache-2.0 */
/*
 * T4 on arm64: all 2^16 encodings of MRS, MSR and SYS [Arm ARM C5] from EL1 and EL0, and calls of
 * the firmware. Which can be used is printed for a comparison with Xen.
 */
#include <port/arm64.h>
#include <port/sysreg.h>
#include <torture/hostile.h>

#define SYSTEM 0xd5000000U
#define L      0x200000U

enum {
    GROUPS = 512 /* op0, op1, CRn */
};

/* Bits of (CRm, op2) that work, of: EL1 reads, EL1 writes, EL0 reads, EL0 writes. */
static uint64_t works[4][GROUPS][2];

#define ENCODING(op0, op1, n, m, op2) ((op0) << 14 | (op1) << 11 | (n) << 7 | (m) << 3 | (op2))

/* What this kernel stands on, what would make it sleep, and single-stepping. */
static bool vital(unsigned int encoding)
{
    static const uint16_t list[] = {
        ENCODING(3, 0, 1, 0, 0), ENCODING(3, 0, 2, 0, 0),  ENCODING(3, 0, 2, 0, 1),
        ENCODING(3, 0, 2, 0, 2), ENCODING(3, 0, 10, 2, 0), ENCODING(3, 0, 12, 0, 0),
        ENCODING(3, 0, 4, 2, 0), ENCODING(3, 3, 4, 2, 1),  ENCODING(2, 0, 0, 2, 2),
        ENCODING(0, 3, 2, 0, 2), ENCODING(0, 3, 2, 0, 3),  ENCODING(0, 3, 2, 0, 1),
    };
    /* MSR of a field of PSTATE: SP and interrupts. */
    if (encoding >> 14 == 0 && (encoding >> 7 & 15) == 4) {
        return true;
    }
    for (unsigned int i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
        if (list[i] == encoding) {
            return true;
        }
    }
    return false;
}

static void note(unsigned int kind, unsigned int encoding, bool can)
{
    if (can) {
        works[kind][encoding >> 7][encoding >> 6 & 1] |= 1UL << (encoding & 63);
    }
}

static void encoding_try(struct chance *chance, unsigned int encoding)
{
    bool system = encoding >> 14 < 2;
    for (unsigned int user = 0; user < 2; user++) {
        uint64_t kept = 0;
        uint64_t value;
        bool can = machine_run(SYSTEM | L | encoding << 5, user != 0, &kept, 0);
        note(2 * user, encoding, can);
        if (vital(encoding)) {
            continue;
        }
        value = system ? chance_value(chance) : kept;
        can = machine_run(SYSTEM | encoding << 5, user != 0, &value, 0);
        note(2 * user + 1, encoding, can);
        if (can && !system) {
            value = chance_value(chance);
            (void)machine_run(SYSTEM | encoding << 5, user != 0, &value, 0);
            (void)machine_run(SYSTEM | encoding << 5, user != 0, &kept, 0);
        }
        control->beat[0] += 2;
    }
}

static bool firmware_ends(uint64_t function)
{
    static const uint8_t list[] = {1, 2, 8, 9, 0xe, 0x12}; /* suspend, off, reset */
    for (unsigned int i = 0; i < sizeof(list); i++) {
        if ((function & ~0x40000000UL) == 0x84000000UL + list[i]) {
            return true;
        }
    }
    return function < 4; /* PSCI 0.1 */
}

/* Owners and numbers of functions [SMCCC 1.3 6]. */
static void firmware(struct chance *chance)
{
    static const uint32_t owners[] = {0x80000000, 0xc0000000, 0x81000000, 0x82000000, 0x83000000,
                                      0x84000000, 0xc4000000, 0x85000000, 0x86000000, 0xc6000000,
                                      0xb2000000, 0xbf000000, 0,          0x04000000};
    struct smccc_result result;
    trap_expect(true);
    for (uint64_t i = 0; i < control->budget; i++) {
        uint64_t pick = chance_next(chance);
        uint64_t low = (pick >> 4 & 7) == 0   ? 0xff00 + (pick >> 8 & 0xff)
                       : (pick >> 4 & 7) == 1 ? 0x8000 + (pick >> 8 & 0x3f)
                                              : pick >> 8 & 0x2f;
        uint64_t function = owners[pick % 14] + low;
        if (firmware_ends(function)) {
            continue;
        }
        if ((pick >> 20 & 1) != 0) {
            smccc_hvc(function, chance_value(chance), chance_value(chance), chance_value(chance),
                      &result);
        } else {
            smccc_smc(function, chance_value(chance), chance_value(chance), chance_value(chance),
                      &result);
        }
        control->beat[0]++;
    }
}

void registers_clone(void)
{
    struct chance chance;
    chance_seed(&chance, control->seed, 0);
    for (unsigned int encoding = 0; encoding < 1U << 16; encoding++) {
        encoding_try(&chance, encoding);
        if (encoding % 128 != 127) {
            continue;
        }
        unsigned int group = encoding >> 7;
        for (unsigned int kind = 0; kind < 4; kind++) {
            control->value[2 * kind] = works[kind][group][0];
            control->value[2 * kind + 1] = works[kind][group][1];
        }
        __atomic_store_n(&control->ready, group + 1, __ATOMIC_RELEASE);
        while (__atomic_load_n(&control->ready, __ATOMIC_ACQUIRE) != 0) {
            hostile_yield();
        }
    }
    firmware(&chance);
}

void registers_print(const struct clone *clone)
{
    static const char *const kinds[] = {"EL1-read", "EL1-write", "EL0-read", "EL0-write"};
    unsigned int group = (unsigned int)clone->control->ready - 1;
    for (unsigned int kind = 0; kind < 4; kind++) {
        const uint64_t *mask = clone->control->value + 2 * kind;
        if ((mask[0] | mask[1]) != 0) {
            print("REG S%u_%u_C%u-%s %016lx%016lx\n", group >> 7, group >> 4 & 7, group & 15,
                  kinds[kind], mask[1], mask[0]);
        }
    }
}
