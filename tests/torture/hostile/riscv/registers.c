/* SPDX-License-Identifier: Apache-2.0 */
/*
 * T4 on RISC-V: all 4096 numbers of CSRs [RVPRIV 2.2] read, written, set and cleared from VS and VU
 * mode, and the SBI: extensions and functions, known or not, with values of the lattice.
 */
#include <port/riscv.h>
#include <port/sbi.h>
#include <torture/hostile.h>

#define READ(csr)  ((uint32_t)(csr) << 20 | 2U << 12 | 10U << 7 | 0x73U) /* csrr a0, csr */
#define SWAP(csr)  ((uint32_t)(csr) << 20 | 10U << 15 | 1U << 12 | 10U << 7 | 0x73U)
#define SET(csr)   ((uint32_t)(csr) << 20 | 10U << 15 | 2U << 12 | 10U << 7 | 0x73U)
#define CLEAR(csr) ((uint32_t)(csr) << 20 | 10U << 15 | 3U << 12 | 10U << 7 | 0x73U)

enum {
    COUNT = 4096
};

static uint64_t works[2][COUNT / 64];

/* What this kernel itself stands on. */
static bool vital(uint32_t csr)
{
    static const uint16_t list[] = {0x100, 0x104, 0x105, 0x140, 0x180};
    for (unsigned int i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
        if (list[i] == csr) {
            return true;
        }
    }
    return false;
}

static void csr_try(struct chance *chance, uint32_t csr, bool user)
{
    uint64_t kept = 0;
    uint64_t value;
    bool can = machine_run(READ(csr), user, &kept, 0);
    if (can) {
        works[user][csr / 64] |= 1UL << (csr % 64);
    }
    value = kept;
    bool written = machine_run(SWAP(csr), user, &value, 0);
    for (unsigned int i = 0; i < 3 && !vital(csr); i++) {
        value = chance_value(chance);
        (void)machine_run(i == 0 ? SWAP(csr) : i == 1 ? SET(csr) : CLEAR(csr), user, &value, 0);
    }
    if (written) {
        (void)machine_run(SWAP(csr), user, &kept, 0);
    }
    control->beat[0] += 5;
}

/* Calls that end or stop the caller, and those that print. */
static bool harmful(uint64_t extension, uint64_t function)
{
    return extension == SBI_LEGACY_SHUTDOWN || extension == SBI_LEGACY_PUTCHAR ||
           (extension == SBI_SRST && function == 0) || (extension == SBI_DBCN && function != 1) ||
           (extension == SBI_HSM && (function == HSM_STOP || function == HSM_SUSPEND));
}

static void firmware(struct chance *chance)
{
    static const uint64_t known[] = {0,        2,        3,        4,        5,          6,
                                     7,        SBI_BASE, SBI_TIME, SBI_IPI,  SBI_RFENCE, SBI_HSM,
                                     SBI_SRST, SBI_PMU,  SBI_DBCN, SBI_SUSP, SBI_STA,    SBI_NACL};
    trap_expect(true);
    for (uint64_t i = 0; i < control->budget; i++) {
        uint64_t pick = chance_next(chance);
        uint64_t extension =
            (pick & 7) == 0 ? chance_value(chance) : known[(pick >> 8) % (sizeof(known) / 8)];
        uint64_t function = (pick >> 3 & 7) == 0 ? chance_value(chance) : pick >> 32 & 7;
        if (harmful(extension, function) || (extension & 0xff000000) == 0x0a000000) {
            continue;
        }
        sbi_call(extension, function, chance_value(chance), chance_value(chance),
                 chance_value(chance), chance_value(chance), chance_value(chance), 0);
        control->beat[0]++;
    }
}

void registers_clone(void)
{
    struct chance chance;
    chance_seed(&chance, control->seed, 0);
    CSR_CLEAR(sie, ~0UL);
    for (uint32_t csr = 0; csr < COUNT; csr++) {
        csr_try(&chance, csr, false);
        csr_try(&chance, csr, true);
        if (csr % 64 != 63) {
            continue;
        }
        control->value[0] = works[0][csr / 64];
        control->value[1] = works[1][csr / 64];
        __atomic_store_n(&control->ready, csr / 64 + 1, __ATOMIC_RELEASE);
        while (__atomic_load_n(&control->ready, __ATOMIC_ACQUIRE) != 0) {
            hostile_yield();
        }
    }
    firmware(&chance);
}

void registers_print(const struct clone *clone)
{
    unsigned int first = ((unsigned int)clone->control->ready - 1) * 64;
    for (unsigned int user = 0; user < 2; user++) {
        if (clone->control->value[user] != 0) {
            print("REG CSR_0x%03x-%s %016lx\n", first, user ? "VU" : "VS",
                  clone->control->value[user]);
        }
    }
}
