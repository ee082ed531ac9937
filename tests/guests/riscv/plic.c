/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PLIC of a guest [RVPLIC 3 to 9]: priorities, enables, thresholds, claim and completion with
 * the interrupt of a real device, and accesses that are wrong; with cpus=2 while the vCPU moves
 * from CPU to CPU. Nothing to do where the machine has another controller.
 */
#include <guest/domain.h>
#include <guest/dt.h>
#include <guest/print.h>
#include <guest/test.h>
#include <port/riscv.h>

enum {
    PRIORITY = 0x000000,
    PENDING = 0x001000,
    ENABLE = 0x002000,
    CONTEXT = 0x200000,
    EXTERNAL = 9,
    LEVELS = 7
};

static uint64_t plic;
static uint64_t enable;  /* of our context */
static uint64_t context; /* its threshold, then its claim register */
static unsigned int source;
static unsigned int sources;
static volatile unsigned int taken;
static volatile unsigned int claimed;

static bool pending_here(void)
{
    return (CSR_READ(sip) >> EXTERNAL & 1) != 0;
}

static bool wait_pending(void)
{
    uint64_t end = port_counter() + port_frequency() / 10;
    while (!pending_here() && port_counter() < end) {
        port_relax();
    }
    return pending_here();
}

/* The context of this hart in supervisor mode: which entry says interrupt 9. */
static bool find_plic(void)
{
    uint64_t size;
    uint32_t length = 0;
    dt_node node = dt_compatible(NULL, "riscv,plic0");
    if (!node || !dt_reg(node, 0, &plic, &size) ||
        !dt_property(node, "interrupts-extended", &length)) {
        return false;
    }
    sources = dt_cell(node, "riscv,ndev", 0, 0);
    for (unsigned int i = 0; i < length / 8; i++) {
        if (dt_cell(node, "interrupts-extended", 2 * i + 1, 0) == EXTERNAL) {
            enable = plic + ENABLE + 0x80 * i;
            context = plic + CONTEXT + 0x1000 * i;
            print("# context %u, %u sources, size 0x%lx\n", i, sources, size);
            return true;
        }
    }
    return false;
}

static void set_priority(unsigned int n, uint32_t value)
{
    write32(plic + PRIORITY + 4 * n, value);
}

static uint32_t get_priority(unsigned int n)
{
    return read32(plic + PRIORITY + 4 * n);
}

static void set_enable(unsigned int n, bool on)
{
    write32(enable + n / 32 * 4, on ? 1U << (n % 32) : 0);
}

static uint32_t claim(void)
{
    return read32(context + 4);
}

static void complete(uint32_t n)
{
    write32(context + 4, n);
}

static void test_registers(void)
{
    check_eq("priority 0 at first", get_priority(source), 0);
    for (uint32_t value = 1; value <= LEVELS; value++) {
        set_priority(source, value);
        check_eq("priority", get_priority(source), value);
    }
    set_priority(source, ~0U);
    check_eq("priority has three bits", get_priority(source), LEVELS);
    set_priority(source, 0);
    set_priority(0, 5);
    check_eq("there is no source 0", get_priority(0), 0);
    write32(enable, ~0U);
    check("enables of the first word", read32(enable) == (cpu_native() ? ~0U : 0xfffffffe));
    write32(enable, 0);
    check_eq("no enables", read32(enable), 0);
    set_priority(sources + 1, 3);
    check_eq("priority of a source beyond", get_priority(sources + 1), 0);
    write32(context, 3);
    check_eq("threshold", read32(context), 3);
    write32(context, ~0U);
    check_eq("threshold has three bits", read32(context), LEVELS);
    write32(context, 0);
    check_eq("pending cannot be written, nothing is", read32(plic + PENDING), 0);
    write32(plic + PENDING, ~0U);
    check_eq("still nothing", read32(plic + PENDING), 0);
    check_eq("nothing to claim", claim(), 0);
}

/* By hand, with interrupts off. */
static void test_claim(void)
{
    uint32_t bit = 1U << (source % 32);
    uint64_t word = plic + PENDING + source / 32 * 4;
    set_priority(source, 3);
    set_enable(source, true);
    check("quiet", !pending_here());
    rtc_raise();
    check("sip says so", pending_here());
    check_eq("pending", read32(word) & bit, bit);
    check_eq("claim", claim(), source);
    check_eq("no longer pending", read32(word) & bit, 0);
    check("sip is clear", !pending_here());
    check_eq("nothing more to claim", claim(), 0);
    complete(source);
    /* QEMU's PLIC looks at a line when it changes; a level should come again [RVPLIC 1.2]. */
    print("# completed with the line up: %u\n", claim());
    rtc_lower();
    complete(source);
    check("the line is down: quiet", !pending_here());
    check_eq("nothing is left", claim(), 0);
}

static void test_masks(void)
{
    write32(context, 3);
    rtc_raise();
    check("at the threshold: not signalled", !pending_here());
    write32(context, 2);
    check("above the threshold", pending_here());
    set_priority(source, 0);
    check("priority 0 is never", !pending_here());
    check_eq("and cannot be claimed", claim(), 0);
    set_priority(source, 7);
    check("priority 7", pending_here());
    set_enable(source, false);
    check("disabled", !pending_here());
    check_eq("cannot be claimed", claim(), 0);
    set_enable(source, true);
    check("enabled again", pending_here());
    write32(context, 7);
    check_eq("a claim takes no notice of the threshold", claim(), source);
    write32(context, 0);
    rtc_lower();
    complete(source);
    check("quiet", !pending_here());
}

/* Completions of what was not claimed change nothing. */
static void test_wrong(void)
{
    static const uint32_t wrong[] = {0, 1, 50, 1023, 1024, 0x80000000, ~0U};
    for (unsigned int i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        complete(wrong[i]);
    }
    rtc_raise();
    check_eq("claim", claim(), source);
    for (unsigned int i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        complete(wrong[i]);
    }
    check("still claimed", !pending_here());
    rtc_lower();
    complete(source);
    complete(source);
    check("quiet", !pending_here());
    uint64_t value;
    check_eq("a context that is not",
             port_try_read(plic + CONTEXT + 0x1000 * 500, 4, &value) ? (int64_t)value : 0, 0);
    port_try_write(plic + CONTEXT + 0x1000 * 500 + 4, 4, source);
    port_try_write(plic + ENABLE + 0x80 * 500, 4, ~0U);
    check("alive", true);
}

static void on_external(unsigned int irq)
{
    (void)irq;
    claimed = claim();
    taken++;
    rtc_lower();
    complete(claimed);
}

static void test_interrupts(void)
{
    port_irq_handle(IRQ_EXTERNAL, on_external);
    port_irq_enable();
    for (unsigned int round = 1; round <= 50; round++) {
        rtc_raise();
        uint64_t end = port_counter() + port_frequency() / 10;
        while (taken != round && port_counter() < end) {
            port_relax();
        }
    }
    check_eq("fifty interrupts", taken, 50);
    check_eq("of the device", claimed, source);
    uint64_t end = port_counter() + port_frequency() / 100;
    while (port_counter() < end) {
        port_relax();
    }
    check_eq("and no more", taken, 50);
    port_irq_disable();
}

/* The interrupt follows the vCPU, also while it is up, pending or claimed. */
static void test_moves(void)
{
    unsigned int lost = 0, wrong = 0;
    for (uint32_t round = 0; round < 100; round++) {
        uint32_t there = round % 2 == 0;
        rtc_raise();
        if (round % 3 == 0) {
            domain_move_self(there);
        }
        lost += !wait_pending();
        if (round % 3 == 1) {
            domain_move_self(there);
        }
        wrong += claim() != source || pending_here();
        if (round % 3 == 2) {
            domain_move_self(there);
        }
        rtc_lower();
        complete(source);
        wrong += pending_here();
    }
    check_eq("interrupts lost on the way", lost, 0);
    check_eq("interrupts that came more than once", wrong, 0);
    domain_move_self(0);
}

/* Every word of each kind of register: an answer or an exception of ours. */
static void test_sweep(void)
{
    uint64_t value;
    unsigned int answered = 0;
    for (uint64_t offset = 0; offset < 0x4000; offset += 4) {
        answered += port_try_read(plic + offset, 4, &value);
        port_try_write(plic + offset, 4, 0);
    }
    for (uint64_t offset = 0; offset < 0x2000; offset += 4) {
        answered += port_try_read(context + offset, 4, &value);
        port_try_write(context + offset, 4, 0);
    }
    for (uint64_t offset = CONTEXT; offset < 0x4000000; offset += 0x10ffc) {
        answered += port_try_read(plic + (offset & ~3UL), 4, &value);
    }
    print("# %u words answered\n", answered);
    check("most words can be read", answered > 4096);
}

void guest_main(void)
{
    uint64_t cpus = 1;
    if (!find_plic()) {
        check("no PLIC here", true);
        return;
    }
    source = rtc_find();
    if (source == 0) {
        give_up("no clock in the device tree");
    }
    test_registers();
    test_claim();
    /* QEMU's own has no update when enables change, and claims only above the threshold. */
    if (!cpu_native()) {
        test_masks();
    }
    test_wrong();
    test_interrupts();
    option("cpus", &cpus);
    if (cpus > 1 && !cpu_native()) {
        test_moves();
    }
    test_sweep();
}
