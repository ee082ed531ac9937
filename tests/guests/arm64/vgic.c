/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The virtual GICv2 [GICv2 4.3]: every distributor register by every access size, state bits,
 * priorities, SGIs, SPIs, and the CPU interface's view.
 */
#include <guest/memory.h>
#include <guest/print.h>
#include <guest/test.h>
#include <port/arm64.h>
#include <port/gicv2.h>

#define SGIS   "as GIC-400 shows them"
#define ACTIVE "state that a guest can see and change"

enum {
    SPI = 60 /* not wired to anything the guest is given interrupts from */
};

static uint64_t gicd;
static uint64_t gicc;

static void test_identity(void)
{
    uint32_t typer = read32(gicd + GICD_TYPER);
    uint64_t identity = 0;
    bool readable = port_try_read(gicd + GICD_ICPIDR2, 4, &identity);
    print("# TYPER 0x%x IIDR 0x%x GICC_IIDR 0x%x\n", typer, read32(gicd + GICD_IIDR),
          read32(gicc + GICC_IIDR));
    check("TYPER: at least 32 lines", (typer & 0x1f) >= 1);
    check_eq("TYPER: CPUs", typer >> 5 & 7, 0);
    check_eq("TYPER: no security extensions", typer >> 10 & 1, 0);
    check_known("ICPIDR2 can be read", readable, 1, 0, "identification registers answer");
    check_known("ICPIDR2: architecture", (int64_t)identity >> 4 & 0xf, 2, 0, "as GIC-400");
    check_eq("CTLR: enabled", read32(gicd + GICD_CTLR), 1);
    write32(gicd + GICD_CTLR, 0);
    check_eq("CTLR: disabled", read32(gicd + GICD_CTLR), 0);
    write32(gicd + GICD_CTLR, ~0U);
    check_eq("CTLR: one bit", read32(gicd + GICD_CTLR), 1);
    write32(gicd + GICD_TYPER, 0);
    check_eq("TYPER is read-only", read32(gicd + GICD_TYPER), typer);
    check_eq("IGROUPR reads as zero", read32(gicd + GICD_IGROUPR), 0);
}

/* Sixteen words that read as zero, then those of GIC-400 [GIC-400 TRM]. */
static void test_identification_space(void)
{
    static const uint8_t want[32] = {
        [20] = 0x04, [24] = 0x90, [25] = 0xb4, [26] = 0x2b,
        [28] = 0x0d, [29] = 0xf0, [30] = 0x05, [31] = 0xb1,
    };
    for (unsigned int i = 0; i < 32 && !on_xen(); i++) {
        check_eq("identification space", read32(gicd + 0xf80 + i * 4), want[i]);
    }
}

static void test_enable(void)
{
    uint32_t sgis = read32(gicd + GICD_ISENABLER) & 0xffff;
    check_known("SGIs are always enabled", sgis, 0xffff, 0, SGIS);
    write32(gicd + GICD_ICENABLER, 0xffff);
    check_known("and stay so", read32(gicd + GICD_ISENABLER) & 0xffff, 0xffff, 0, SGIS);
    uint64_t word = SPI / 32 * 4;
    uint32_t bit = 1U << (SPI % 32);
    write32(gicd + GICD_ISENABLER + word, bit);
    check("SPI enabled", (read32(gicd + GICD_ISENABLER + word) & bit) != 0);
    check_eq("ICENABLER reads the same", read32(gicd + GICD_ICENABLER + word),
             read32(gicd + GICD_ISENABLER + word));
    write32(gicd + GICD_ISENABLER + word, 0);
    check("writing zero changes nothing", (read32(gicd + GICD_ISENABLER + word) & bit) != 0);
    write32(gicd + GICD_ICENABLER + word, bit);
    check("SPI disabled", (read32(gicd + GICD_ISENABLER + word) & bit) == 0);
}

static void test_priority(void)
{
    uint64_t at = gicd + GICD_IPRIORITYR + SPI;
    write8(at, 0x50);
    check_eq("priority by byte", read8(at), 0x50);
    check_eq("priority by word", read32(at & ~3UL) >> (SPI % 4 * 8) & 0xff, 0x50);
    write32(at & ~3UL, 0xa0a0a0a0);
    check_eq("priority written by word", read8(at), 0xa0);
    write8(at, 0xff);
    uint8_t mask = read8(at);
    print("# priority mask 0x%x\n", mask);
    check("priority has at least four bits", (mask & 0xf0) == 0xf0);
    uint64_t value;
    check("halfword: refused", !port_try_read(at & ~3UL, 2, &value));
    write8(at, 0xa0);
}

static void test_target(void)
{
    uint64_t at = gicd + GICD_ITARGETSR + SPI;
    check_eq("ITARGETSR0: ourselves", read32(gicd + GICD_ITARGETSR), 0x01010101);
    write32(gicd + GICD_ITARGETSR, 0);
    check_eq("ITARGETSR0 is read-only", read32(gicd + GICD_ITARGETSR), 0x01010101);
    write8(at, 1);
    check_eq("target", read8(at), 1);
    write8(at, 0x80);
    check_eq("a CPU that is not: unchanged", read8(at), 1);
}

static void test_config(void)
{
    uint64_t at = gicd + GICD_ICFGR + SPI / 16 * 4;
    uint32_t shift = SPI % 16 * 2;
    check_known("ICFGR0: SGIs are edges", read32(gicd + GICD_ICFGR), 0xaaaaaaaaU, 0, SGIS);
    write32(at, 2U << shift);
    check_eq("SPI by edge", read32(at) >> shift & 3, 2);
    write32(at, 0);
    check_eq("SPI by level", read32(at) >> shift & 3, 0);
    write32(at, 2U << shift);
}

/* Which SGIs were taken, in their order. */
static volatile unsigned int taken[16];
static volatile unsigned int taken_count;

static void take(unsigned int irq)
{
    taken[taken_count++ % 16] = irq;
}

static void test_sgi(void)
{
    for (unsigned int sgi = 0; sgi < 16; sgi++) {
        port_irq_handle(sgi, take);
    }
    port_irq_enable();
    for (unsigned int sgi = 0; sgi < 16; sgi++) {
        write32(gicd + GICD_SGIR, 2U << 24 | sgi);
    }
    check_eq("SGIs to self by the third filter", taken_count, 16);
    write32(gicd + GICD_SGIR, 1U << 16 | 5);
    check_eq("SGI by list", taken_count, 17);
    write32(gicd + GICD_SGIR, 0xfeU << 16 | 5);
    check_eq("SGI to CPUs that are not", taken_count, 17);
    write32(gicd + GICD_SGIR, 1U << 24 | 5);
    check_eq("SGI to all but self: none", taken_count, 17);
    port_irq_disable();
    taken_count = 0;
}

static void test_order(void)
{
    write8(gicd + GICD_IPRIORITYR + 1, 0xc0);
    write8(gicd + GICD_IPRIORITYR + 2, 0x20);
    write8(gicd + GICD_IPRIORITYR + 3, 0x80);
    for (unsigned int sgi = 1; sgi <= 3; sgi++) {
        write32(gicd + GICD_SGIR, 2U << 24 | sgi);
    }
    check_eq("the highest is next", read32(gicc + GICC_HPPIR) & 0x3ff, 2);
    port_irq_enable();
    port_irq_disable();
    check_eq("three taken", taken_count, 3);
    check_eq("first", taken[0], 2);
    check_eq("second", taken[1], 3);
    check_eq("third", taken[2], 1);
    taken_count = 0;
    write32(gicc + GICC_PMR, 0x80);
    write32(gicd + GICD_SGIR, 2U << 24 | 1);
    port_irq_enable();
    check_eq("PMR holds back", taken_count, 0);
    write32(gicc + GICC_PMR, 0xff);
    check_eq("PMR lets go", taken_count, 1);
    port_irq_disable();
    taken_count = 0;
}

/* More interrupts at once than a GIC-400 has list registers: none is lost. */
static void test_many(void)
{
    for (unsigned int sgi = 0; sgi < 16; sgi++) {
        write32(gicd + GICD_SGIR, 2U << 24 | sgi);
    }
    port_irq_enable();
    port_irq_disable();
    check_eq("sixteen at once", taken_count, 16);
    taken_count = 0;
}

/* Acknowledged by hand: active, then ended. */
static void test_active(void)
{
    write32(gicd + GICD_SGIR, 2U << 24 | 7);
    uint32_t acknowledge = read32(gicc + GICC_IAR);
    check_eq("IAR", acknowledge & 0x3ff, 7);
    uint32_t active = read32(gicd + GICD_ISACTIVER);
    check_known("ISACTIVER while active", active, 1 << 7, 0, ACTIVE);
    check_eq("nothing more", read32(gicc + GICC_IAR) & 0x3ff, 1023);
    write32(gicc + GICC_EOIR, acknowledge);
    check_eq("ISACTIVER after the end", read32(gicd + GICD_ISACTIVER), 0);
}

static void test_active_write(void)
{
    uint64_t word = SPI / 32 * 4;
    uint32_t bit = 1U << (SPI % 32);
    check("ICACTIVER can be written", port_try_write(gicd + GICD_ICACTIVER + word, 4, ~0U));
    check_eq("nothing is active", read32(gicd + GICD_ISACTIVER + word), 0);
    if (!on_xen()) {
        write32(gicd + GICD_ISACTIVER + word, bit);
        check("ISACTIVER sets", (read32(gicd + GICD_ISACTIVER + word) & bit) != 0);
        check_eq("ICACTIVER reads the same", read32(gicd + GICD_ICACTIVER + word), bit);
        write32(gicd + GICD_ICACTIVER + word, bit);
        check_eq("ICACTIVER clears", read32(gicd + GICD_ISACTIVER + word), 0);
    }
}

/* Pending bits written by the guest. */
static void test_pending(void)
{
    uint64_t word = SPI / 32 * 4;
    uint32_t bit = 1U << (SPI % 32);
    check_eq("nothing is pending", read32(gicd + GICD_ISPENDR + word), 0);
    check("ISPENDR can be written", port_try_write(gicd + GICD_ISPENDR + word, 4, bit));
    if (!on_xen()) {
        check_eq("ISPENDR sets", read32(gicd + GICD_ISPENDR + word), bit);
        check_eq("ICPENDR reads the same", read32(gicd + GICD_ICPENDR + word), bit);
        port_irq_handle(SPI, take);
        port_irq_enable();
        port_irq_disable();
        check_eq("enabled: it comes", taken_count, 1);
        check_eq("and is gone", read32(gicd + GICD_ISPENDR + word), 0);
        port_irq_handle(SPI, NULL);
        taken_count = 0;
        write32(gicd + GICD_ISPENDR + word, bit);
    }
    check("ICPENDR can be written", port_try_write(gicd + GICD_ICPENDR + word, 4, bit));
    check_eq("ICPENDR clears", read32(gicd + GICD_ISPENDR + word), 0);
    check("writing zero",
          port_try_write(gicd + GICD_ISPENDR, 4, 0) && port_try_write(gicd + GICD_ICPENDR, 4, 0));
}

/* Every aligned access of the page in four sizes: an answer or an abort of ours, never an end. */
static void test_sweep(void)
{
    unsigned int answered[4] = {0};
    for (unsigned int shift = 0; shift < 4; shift++) {
        for (uint64_t offset = 0; offset < PAGE_SIZE; offset += 1UL << shift) {
            uint64_t value;
            answered[shift] += port_try_read(gicd + offset, 1U << shift, &value);
        }
    }
    print("# read: bytes %u, halfwords %u, words %u, doublewords %u\n", answered[0], answered[1],
          answered[2], answered[3]);
    check("most words can be read", answered[2] > 700);
    unsigned int written = 0;
    for (uint64_t offset = 0; offset < PAGE_SIZE; offset += 4) {
        if (offset != GICD_SGIR && offset != GICD_CTLR) {
            written += port_try_write(gicd + offset, 4, 0);
        }
    }
    print("# written: words %u\n", written);
    check("most words can be written", written > 700);
}

void guest_main(void)
{
    gicd = gic_distributor();
    gicc = gic_cpu_interface();
    test_identity();
    test_identification_space();
    test_enable();
    test_priority();
    test_target();
    test_config();
    test_sgi();
    test_order();
    test_many();
    test_active();
    test_active_write();
    test_pending();
    test_sweep();
}
