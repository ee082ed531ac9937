/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Work-arounds for what CPUs predict [DEN0028, DEN0070]: what guests are told of them, and, where
 * firmware counts its calls (monitor.S), that every entry from a guest makes one. Words of the
 * command line, for other machines than a Cortex-A72 without firmware: answer1, answer2, answer3
 * (the answers plus 2), calls (the work-around that entries call), rounds (of the loop).
 */
#include <guest/domain.h>
#include <guest/dt.h>
#include <guest/hypercall.h>
#include <guest/print.h>
#include <guest/test.h>
#include <port/arm64.h>
#include <port/gicv2.h>
#include <public/arch.h>

#define SMCCC_ARCH_FEATURES 0x80000001UL
#define NOT_SUPPORTED       (-1)
#define UNKNOWN_HYPERCALL   63
#define ROUNDS              100U

static const uint64_t workarounds[] = {0x80008000, 0x80007fff, 0x80003fff};

/* One CPU's part of monitor.S's counters. */
struct calls {
    uint64_t count[3];
    uint64_t last_arg;
};
static const volatile struct calls *calls;

static uint64_t word(const char *name, uint64_t otherwise)
{
    uint64_t value = otherwise;
    option(name, &value);
    return value;
}

static void test_answers(void)
{
    static const char *const words[] = {"answer1", "answer2", "answer3"};
    /* Xen says that 1 and 2 work on a Cortex-A72, although its firmware has neither. */
    static const int32_t xen[] = {0, 0, NOT_SUPPORTED};
    for (unsigned int i = 0; i < 3; i++) {
        struct smccc_result by_hvc;
        struct smccc_result by_smc;
        int32_t want = (int32_t)word(words[i], 1) - 2;
        smccc_hvc(SMCCC_ARCH_FEATURES, workarounds[i], 0, 0, &by_hvc);
        smccc_smc(SMCCC_ARCH_FEATURES, workarounds[i], 0, 0, &by_smc);
        print("# work-around %u\n", i + 1);
        if (on_xen() && xen[i] != want) {
            check_known("offered", (int32_t)by_hvc.x[0], want, xen[i], "nothing would be done");
        } else {
            check_eq("offered", (int32_t)by_hvc.x[0], want);
        }
        check_eq("the same by SMC", (int32_t)by_smc.x[0], (int32_t)by_hvc.x[0]);
        if (i != 1 && !on_xen()) {
            smccc_hvc(workarounds[i], 0, 0, 0, &by_hvc);
            smccc_smc(workarounds[i], 0, 0, 0, &by_smc);
            check_eq("done", (int32_t)by_hvc.x[0], want < 0 ? NOT_SUPPORTED : 0);
            check_eq("done by SMC", (int32_t)by_smc.x[0], want < 0 ? NOT_SUPPORTED : 0);
        }
    }
}

static int64_t null_hypercall(void)
{
    return port_hypercall(UNKNOWN_HYPERCALL, 0, 0, 0, 0, 0);
}

/* Where a tick is an instruction: what an entry spends on the loop. */
static void test_rounds(void)
{
    uint64_t rounds = word("rounds", 0);
    uint64_t least = ~0UL;
    uint64_t start;
    if (port_frequency() != 1000000000 || on_xen()) {
        return;
    }
    for (unsigned int i = 0; i < 8; i++) {
        start = READ_SYSREG(cntvct_el0);
        null_hypercall();
        start = READ_SYSREG(cntvct_el0) - start;
        least = start < least ? start : least;
    }
    print("# null hypercall: %lu instructions, %lu rounds\n", least, rounds);
    if (rounds == 0) {
        check_range("no loop", (int64_t)least, 40, 80);
    } else {
        check_range("the loop's instructions", (int64_t)least, (int64_t)(3 * rounds + 70),
                    (int64_t)(3 * rounds + 95));
    }
}

/* Registers x0 to x3, which firmware destroys, through an entry that must not change them. */
static void test_registers(void)
{
    uint64_t changed;
    uint64_t address = gic_distributor();
    __asm__ volatile("mov x0, #10\n\tmov x1, #11\n\tmov x2, #12\n\tmov x3, #13\n\t"
                     "ldr w4, [%1]\n\t"
                     "sub x0, x0, #10\n\tsub x1, x1, #11\n\tsub x2, x2, #12\n\tsub x3, x3, #13\n\t"
                     "orr x0, x0, x1\n\torr x2, x2, x3\n\torr %0, x0, x2"
                     : "=r"(changed)
                     : "r"(address)
                     : "x0", "x1", "x2", "x3", "x4", "memory");
    check_eq("registers of an emulated access", (int64_t)changed, 0);
}

static uint64_t count(unsigned int cpu, unsigned int workaround)
{
    return calls[cpu].count[workaround - 1];
}

/* Every kind of entry is one call on this CPU. */
static void test_entries(unsigned int used)
{
    struct smccc_result result;
    uint64_t before = count(0, used);
    for (unsigned int i = 0; i < ROUNDS; i++) {
        null_hypercall();
    }
    /* A timer interrupt may come in between. */
    check_range("hypercalls", (int64_t)(count(0, used) - before), ROUNDS, ROUNDS + 5);
    before = count(0, used);
    for (unsigned int i = 0; i < ROUNDS; i++) {
        (void)read32(gic_distributor());
    }
    check_range("emulated accesses", (int64_t)(count(0, used) - before), ROUNDS, ROUNDS + 5);
    before = count(0, used);
    for (unsigned int i = 0; i < ROUNDS; i++) {
        smccc_hvc(workarounds[used - 1], 0, 0, 0, &result);
    }
    check_range("the guest's own calls", (int64_t)(count(0, used) - before), ROUNDS, ROUNDS + 5);
    before = count(0, used);
    port_timer_set(port_counter() + port_frequency() / 1000);
    for (uint64_t end = port_give_up(); count(0, used) == before && port_counter() < end;) {
    }
    port_timer_stop();
    check_range("an interrupt", (int64_t)(count(0, used) - before), 1, 5);
}

/* What this domain taught the CPU is gone before another one runs, and the other way round. */
static void test_domains(unsigned int used)
{
    static const uint32_t code[] = {
        0xd2b08000, /* mov x0, #0x84000000 */
        0x91002000, /* add x0, x0, #8: PSCI SYSTEM_OFF */
        0xd4000002, /* hvc #0 */
    };
    static struct vcpu_guest_context context;
    void *data;
    domid_t domain = domain_make(1, code, sizeof(code), &data);
    uint64_t before = count(0, used);
    port_first_context(&context, GUEST_RAM0_BASE, 0);
    check_eq("a domain's registers", domain_set_context(domain, 0, &context), 0);
    check("it runs", domain_run(domain));
    check_range("two switches of domains", (int64_t)(count(0, used) - before), 2, 1 << 20);
}

static volatile uint64_t other_done;

static void other_cpu(void)
{
    for (unsigned int i = 0; i < ROUNDS; i++) {
        null_hypercall();
    }
    other_done = 1;
}

static void test_other_cpu(unsigned int used)
{
    uint64_t before = count(1, used);
    uint64_t end = port_give_up();
    check_eq("CPU 1 starts", port_cpu_start(1, other_cpu), 0);
    while (other_done == 0 && port_counter() < end) {
        port_relax();
    }
    check_range("hypercalls on CPU 1", (int64_t)(count(1, used) - before), ROUNDS, 1 << 20);
}

static void test_firmware(unsigned int used, uint64_t cpus)
{
    for (unsigned int i = 1; i <= 3; i++) {
        if (i != used && i != 2) {
            check_eq("the other one is not called", (int64_t)count(0, i), 0);
        }
    }
    if (word("switched", 0) != 0) {
        for (unsigned int cpu = 0; cpu < cpus; cpu++) {
            check_eq("store bypass is switched once", (int64_t)count(cpu, 2), 1);
        }
    }
    if (used == 0) {
        return;
    }
    test_entries(used);
    test_domains(used);
    if (cpus > 1) {
        test_other_cpu(used);
    }
}

void guest_main(void)
{
    uint64_t address;
    uint64_t size;
    dt_node node = dt_compatible(NULL, "xenolith,test-firmware");
    test_answers();
    test_rounds();
    test_registers();
    if (node && dt_reg(node, 0, &address, &size)) {
        calls = port_map(0, address, false);
        test_firmware((unsigned int)word("calls", 0), word("cpus", 1));
    }
}
