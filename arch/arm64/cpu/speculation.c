/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Branch prediction that a guest could steer in the hypervisor or in another guest: targets
 * (Spectre variant 2, CVE-2017-5715) and history (CVE-2022-23960); store bypass (CVE-2018-3639).
 * Each CPU decides what its entries from guests do; the doing is in entry.S (vectors_hardened).
 * That serves a switch of domains, too: no CPU comes from one guest to another without an entry.
 */
#include <asm/cpu.h>
#include <asm/smccc.h>
#include <asm/speculation.h>
#include <xen/cpu.h>
#include <xen/lib.h>
#include <xen/printk.h>

#define MIDR_IMPLEMENTER_PART 0xff00fff0u
#define ARM_CPU(part)         (0x41000000u | (part) << 4)

#define NOT_LISTED (-1)

/* The order is from good to bad: guests are told of the worst CPU. */
enum prediction {
    SAFE,
    HARDENED,
    OPEN,
};

static enum prediction worst_targets, worst_history;
static bool store_bypass_open;

/* How many rounds of the loop overwrite a CPU's branch history; 0: none of this concerns it
 * [Spectre-BHB, table of affected CPUs]. */
static const struct {
    uint32_t midr;
    uint8_t rounds;
} histories[] = {
    {ARM_CPU(0xd03u), 0},   /* Cortex-A53 */
    {ARM_CPU(0xd04u), 0},   /* Cortex-A35 */
    {ARM_CPU(0xd05u), 0},   /* Cortex-A55 */
    {ARM_CPU(0xd46u), 0},   /* Cortex-A510 */
    {ARM_CPU(0xd80u), 0},   /* Cortex-A520 */
    {ARM_CPU(0xd08u), 8},   /* Cortex-A72, from r1p0 on, which has CSV2 */
    {ARM_CPU(0xd0bu), 24},  /* Cortex-A76 */
    {ARM_CPU(0xd0cu), 24},  /* Neoverse N1 */
    {ARM_CPU(0xd0du), 24},  /* Cortex-A77 */
    {ARM_CPU(0xd0eu), 24},  /* Cortex-A76AE */
    {ARM_CPU(0xd40u), 32},  /* Neoverse V1 */
    {ARM_CPU(0xd41u), 32},  /* Cortex-A78 */
    {ARM_CPU(0xd42u), 32},  /* Cortex-A78AE */
    {ARM_CPU(0xd44u), 32},  /* Cortex-X1 */
    {ARM_CPU(0xd47u), 32},  /* Cortex-A710 */
    {ARM_CPU(0xd48u), 32},  /* Cortex-X2 */
    {ARM_CPU(0xd49u), 32},  /* Neoverse N2 */
    {ARM_CPU(0xd4bu), 32},  /* Cortex-A78C */
    {ARM_CPU(0xd4du), 38},  /* Cortex-A715 */
    {ARM_CPU(0xd81u), 38},  /* Cortex-A720 */
    {ARM_CPU(0xd4eu), 132}, /* Cortex-X3 */
    {ARM_CPU(0xd4fu), 132}, /* Neoverse V2 */
};

static int speculation_rounds(uint64_t midr)
{
    for (size_t i = 0; i < ARRAY_SIZE(histories); i++) {
        if ((midr & MIDR_IMPLEMENTER_PART) == histories[i].midr) {
            return histories[i].rounds;
        }
    }
    return NOT_LISTED;
}

static int32_t speculation_firmware(uint32_t workaround)
{
    return psci_smccc(SMCCC_ARCH_FEATURES, workaround);
}

/* A CPU whose predicted targets outlive the context that made them: firmware drops them all, and
 * history has nothing left to choose from. SMCCC_ARCH_WORKAROUND_3 is for both [DEN0028]. */
static enum prediction speculation_targets(struct cpu *c)
{
    if (speculation_firmware(SMCCC_ARCH_WORKAROUND_3) == 0) {
        c->arch.harden = SMCCC_ARCH_WORKAROUND_3;
        return HARDENED;
    }
    switch (speculation_firmware(SMCCC_ARCH_WORKAROUND_1)) {
    case 0: c->arch.harden = SMCCC_ARCH_WORKAROUND_1; return HARDENED;
    case SMCCC_WORKAROUND_UNNEEDED: return SAFE;
    default: return OPEN;
    }
}

/* A CPU with CSV2: contexts share no targets, but history chooses among a context's own. */
static enum prediction speculation_history(struct cpu *c, uint64_t csv2, int rounds)
{
    if (rounds == 0 || csv2 >= 3 || READ_SYSREG(id_aa64mmfr1_el1) >> 60 != 0) {
        return SAFE; /* CSV2_3 or ECBHB: the CPU keeps histories apart [Arm ARM ID_AA64MMFR1_EL1] */
    }
    if ((READ_SYSREG(S3_0_C0_C6_2) >> 28 & 15u) != 0) {
        c->arch.harden = 1; /* ID_AA64ISAR2_EL1.CLRBHB: the instruction in entry.S does it */
    } else if (rounds != NOT_LISTED) {
        c->arch.harden = (uint32_t)rounds;
    } else if (speculation_firmware(SMCCC_ARCH_WORKAROUND_3) == 0) {
        c->arch.harden = SMCCC_ARCH_WORKAROUND_3;
    } else {
        return OPEN;
    }
    return HARDENED;
}

/* Where firmware would let each context choose, bypass is prevented for good: nothing to switch. */
static void speculation_store_bypass(void)
{
    switch (speculation_firmware(SMCCC_ARCH_WORKAROUND_2)) {
    case 0: (void)psci_smccc(SMCCC_ARCH_WORKAROUND_2, 1); break;
    case SMCCC_WORKAROUND_UNNEEDED:
    case SMCCC_NOT_REQUIRED: break;
    default: store_bypass_open = true; break;
    }
}

static void speculation_report(const struct cpu *c, enum prediction worse, bool first)
{
    if (worse == OPEN && first) {
        printk(XENLOG_WARNING "CPU%u: guests can steer its branch prediction (Spectre): its "
                              "firmware has no work-around; TF-A has one for most CPUs\n",
               c->id);
    } else if ((c->arch.harden & SMCCC_FAST) != 0) {
        printk("CPU%u: calls firmware's work-around %#x on entry from guests\n", c->id,
               c->arch.harden);
    } else if (c->arch.harden != 0) {
        printk("CPU%u: clears branch history on entry from guests, %u rounds\n", c->id,
               c->arch.harden);
    }
}

void speculation_init_cpu(struct cpu *c)
{
    uint64_t csv2 = READ_SYSREG(id_aa64pfr0_el1) >> 56 & 15u;
    int rounds = speculation_rounds(READ_SYSREG(midr_el1));
    enum prediction targets = csv2 != 0 || rounds == 0 ? SAFE : speculation_targets(c);
    enum prediction history = targets == SAFE ? speculation_history(c, csv2, rounds) : targets;

    speculation_report(c, history, worst_history != OPEN);
    /* CPUs come up one after another, so nothing else writes these. */
    worst_targets = targets > worst_targets ? targets : worst_targets;
    worst_history = history > worst_history ? history : worst_history;
    speculation_store_bypass();
}

int32_t speculation_answer(uint32_t workaround)
{
    static const int8_t answers[] = {
        [SAFE] = SMCCC_WORKAROUND_UNNEEDED, [HARDENED] = 0, [OPEN] = SMCCC_NOT_SUPPORTED};

    switch (workaround) {
    case SMCCC_ARCH_WORKAROUND_1: return answers[worst_targets];
    case SMCCC_ARCH_WORKAROUND_2:
        return store_bypass_open ? SMCCC_NOT_SUPPORTED : SMCCC_NOT_REQUIRED;
    case SMCCC_ARCH_WORKAROUND_3: return answers[worst_history];
    default: return SMCCC_NOT_SUPPORTED;
    }
}
