/* SPDX-License-Identifier: Apache-2.0 */
/*
 * APLIC and IMSIC of a guest [RVAIA 3, 4]: the interrupt file by its registers, sources of the
 * APLIC as messages, with the interrupt of a real device; with cpus=2 while the vCPU moves between
 * the CPU where its file is and another one. Nothing to do where the machine has another
 * controller.
 */
#include <guest/domain.h>
#include <guest/dt.h>
#include <guest/print.h>
#include <guest/test.h>
#include <port/riscv.h>

enum {
    DOMAINCFG = 0x0000,
    SOURCECFG = 0x0004, /* of source 1 */
    SETIP = 0x1c00,
    SETIPNUM = 0x1cdc,
    CLRIPNUM = 0x1ddc,
    SETIE = 0x1e00,
    SETIENUM = 0x1edc,
    CLRIENUM = 0x1fdc,
    GENMSI = 0x3000,
    TARGET = 0x3004, /* of source 1 */

    DOMAINCFG_DM = 0x004,
    DOMAINCFG_IE = 0x100,
    LEVEL_HIGH = 6,

    EIDELIVERY = 0x70,
    EITHRESHOLD = 0x72,
    EIP0 = 0x80,
    EIE0 = 0xc0,

    IDENTITY = 20,
    OTHER = 9,
    EXTERNAL = 9
};

static uint64_t aplic;
static uint64_t imsic;
static uint32_t target;
static unsigned int source;
static volatile unsigned int taken;
static volatile uint64_t claimed;

/* siselect, sireg and stopei, which this assembler has no names for. */
static uint64_t file_read(unsigned int reg)
{
    CSR_WRITE(0x150, reg);
    return CSR_READ(0x151);
}

static void file_write(unsigned int reg, uint64_t value)
{
    CSR_WRITE(0x150, reg);
    CSR_WRITE(0x151, value);
}

static uint64_t file_claim(void)
{
    uint64_t value;
    __asm__ volatile("csrrw %0, 0x15c, zero" : "=r"(value) : : "memory");
    return value;
}

static bool pending_here(void)
{
    return (CSR_READ(sip) >> EXTERNAL & 1) != 0;
}

/* The bits `count` wide of an address from bit `from` on. */
static uint32_t bits_of(uint64_t address, uint32_t from, uint32_t count)
{
    return (uint32_t)(address >> from) & ((1U << count) - 1);
}

/* The file's address becomes a target as Linux does it [RVAIA 3.6]: the low bits of its page are
 * the index of a guest's file, those above that of the hart, and of a group where there are any. */
static bool find_aia(void)
{
    uint64_t size;
    dt_node node = dt_compatible(NULL, "riscv,aplic");
    if (!node || !dt_reg(node, 0, &aplic, &size)) {
        return false;
    }
    node = dt_compatible(NULL, "riscv,imsics");
    if (!node || !dt_reg(node, 0, &imsic, &size)) {
        return false;
    }
    uint32_t guest_bits = dt_cell(node, "riscv,guest-index-bits", 0, 0);
    uint32_t hart_bits = dt_cell(node, "riscv,hart-index-bits", 0, 0);
    uint32_t group_bits = dt_cell(node, "riscv,group-index-bits", 0, 0);
    uint32_t guest = bits_of(imsic, 12, guest_bits);
    uint32_t hart = bits_of(imsic, 12 + guest_bits, hart_bits);
    uint32_t group = bits_of(imsic, dt_cell(node, "riscv,group-index-shift", 0, 24), group_bits);
    target = (group << hart_bits | hart) << 18 | guest << 12;
    print("# aplic 0x%lx imsic 0x%lx hart %u guest index %u\n", aplic, imsic, hart, guest);
    return true;
}

static void test_file(void)
{
    file_write(EITHRESHOLD, 0);
    check_eq("eithreshold", (int64_t)file_read(EITHRESHOLD), 0);
    file_write(EIDELIVERY, 1);
    check_eq("eidelivery", (int64_t)file_read(EIDELIVERY), 1);
    file_write(EIP0, 0);
    file_write(EIE0, 1UL << IDENTITY | 1UL << OTHER);
    check_eq("eie", (int64_t)file_read(EIE0), 1L << IDENTITY | 1L << OTHER);
    check("quiet", !pending_here());
    check_eq("nothing to claim", (int64_t)file_claim(), 0);
    file_write(EIP0, 1UL << IDENTITY);
    check("pending by its bit", pending_here());
    check_eq("claim", (int64_t)file_claim(), IDENTITY << 16 | IDENTITY);
    check("quiet again", !pending_here());
}

/* Messages by our own stores, as a device would make them. */
static void test_messages(void)
{
    write32(imsic, IDENTITY);
    write32(imsic, OTHER);
    check("pending", pending_here());
    check_eq("the lower number first", (int64_t)file_claim(), OTHER << 16 | OTHER);
    check_eq("then the other", (int64_t)file_claim(), IDENTITY << 16 | IDENTITY);
    check_eq("then none", (int64_t)file_claim(), 0);
    write32(imsic, 0);
    write32(imsic, 100000);
    check("identities that are not: none", !pending_here());
    write32(imsic, 30);
    check("not enabled: not signalled", !pending_here());
    check("but pending", (file_read(EIP0) >> 30 & 1) != 0);
    file_write(EIP0, 0);
    file_write(EITHRESHOLD, OTHER);
    write32(imsic, OTHER);
    check("at the threshold: not signalled", !pending_here());
    file_write(EITHRESHOLD, 0);
    check("without it", pending_here());
    file_claim();
    uint64_t value;
    check("the page can be read as zero", !port_try_read(imsic, 4, &value) || value == 0);
    port_try_write(imsic + 8, 4, 1);
    port_try_write(imsic + 1, 1, 1);
    check("alive", true);
}

static void test_registers(void)
{
    uint32_t domain = read32(aplic + DOMAINCFG);
    check_eq("domaincfg", domain >> 24, 0x80);
    write32(aplic + DOMAINCFG, DOMAINCFG_IE | DOMAINCFG_DM);
    check_eq("delivery by messages", (int64_t)(read32(aplic + DOMAINCFG) & 0x104),
             DOMAINCFG_IE | DOMAINCFG_DM);
    uint64_t config = aplic + SOURCECFG + 4 * (source - 1);
    write32(config, LEVEL_HIGH);
    check_eq("sourcecfg", read32(config), LEVEL_HIGH);
    write32(config, 2);
    check("a reserved mode is inactive", read32(config) == 0 || cpu_native());
    write32(config, LEVEL_HIGH);
    uint64_t at = aplic + TARGET + 4 * (source - 1);
    write32(at, target | IDENTITY);
    check_eq("target", read32(at), target | IDENTITY);
    write32(aplic + SETIENUM, source);
    check_eq("setie", (int64_t)(read32(aplic + SETIE) >> source & 1), 1);
    write32(aplic + CLRIENUM, source);
    check_eq("clrie", (int64_t)(read32(aplic + SETIE) >> source & 1), 0);
    write32(aplic + SETIENUM, 0);
    write32(aplic + SETIENUM, 5000);
    write32(aplic + SETIPNUM, ~0U);
    check("numbers that are not", true);
}

static bool wait_pending(void)
{
    uint64_t end = port_counter() + port_frequency() / 10;
    while (!pending_here() && port_counter() < end) {
        port_relax();
    }
    return pending_here();
}

static void test_source(void)
{
    write32(aplic + SETIENUM, source);
    rtc_raise();
    check("a message comes", wait_pending());
    check_eq("of the device", (int64_t)file_claim(), IDENTITY << 16 | IDENTITY);
    check("once", !pending_here());
    /* As Linux ends a level: if the line is still up it comes again [RVAIA 4.9.2]. */
    write32(aplic + SETIPNUM, source);
    check("still up: again", wait_pending());
    check_eq("claimed", (int64_t)file_claim(), IDENTITY << 16 | IDENTITY);
    rtc_lower();
    write32(aplic + SETIPNUM, source);
    check("down: nothing", !pending_here());
    write32(aplic + CLRIENUM, source);
    rtc_raise();
    check("disabled: nothing", !pending_here());
    write32(aplic + SETIENUM, source);
    check("enabled: it comes", wait_pending());
    file_claim();
    rtc_lower();
}

static void on_external(unsigned int irq)
{
    (void)irq;
    claimed = file_claim();
    taken++;
    rtc_lower();
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
        /* The message came before the line went down. */
        write32(aplic + SETIPNUM, source);
    }
    check_eq("fifty interrupts", taken, 50);
    check_eq("of the device", (int64_t)claimed, IDENTITY << 16 | IDENTITY);
    port_irq_disable();
}

static unsigned int take_all(void)
{
    unsigned int count = 0;
    while (file_claim() != 0) {
        count++;
    }
    return count;
}

/* Messages go to the file at home, and must reach the vCPU on another CPU, or with it on its
 * way. */
static void test_away(void)
{
    unsigned int lost = 0, twice = 0;
    domain_move_self(1);
    check("quiet", !pending_here());
    check_eq("eie is still there", (int64_t)file_read(EIE0), 1L << IDENTITY | 1L << OTHER);
    write32(imsic, IDENTITY);
    check("a store from away", wait_pending());
    check_eq("claim", (int64_t)file_claim(), IDENTITY << 16 | IDENTITY);
    rtc_raise();
    check("a device's", wait_pending());
    check_eq("claim that", (int64_t)file_claim(), IDENTITY << 16 | IDENTITY);
    rtc_lower();
    for (uint32_t round = 0; round < 100; round++) {
        write32(imsic, round % 2 == 0 ? IDENTITY : OTHER);
        domain_move_self(round / 2 % 2);
        lost += !wait_pending();
        twice += take_all() != 1;
    }
    check_eq("messages lost on the way", lost, 0);
    check_eq("messages that came more or less than once", twice, 0);
    domain_move_self(0);
    check_eq("nothing is left", take_all(), 0);
}

/* Every word of the first 16 KiB: an answer or an exception of ours. */
static void test_sweep(void)
{
    uint64_t value;
    unsigned int answered = 0;
    for (uint64_t offset = 0; offset < 0x4000; offset += 4) {
        answered += port_try_read(aplic + offset, 4, &value);
        if (offset != GENMSI) {
            port_try_write(aplic + offset, 4, 0);
        }
    }
    print("# %u words answered\n", answered);
    check("most words can be read", answered > 2048);
}

void guest_main(void)
{
    uint64_t cpus = 1;
    if (!find_aia()) {
        check("no APLIC here", true);
        return;
    }
    source = rtc_find();
    if (source == 0) {
        give_up("no clock in the device tree");
    }
    test_file();
    test_messages();
    test_registers();
    test_source();
    test_interrupts();
    option("cpus", &cpus);
    if (cpus > 1 && !cpu_native()) {
        test_away();
    }
    test_sweep();
}
