/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A device that interrupts when told to: the alarm of QEMU's Goldfish clock, whose line stays high
 * until it is cleared.
 */
#include <guest/dt.h>
#include <port/riscv.h>

enum {
    ALARM_LOW = 0x08,
    ALARM_HIGH = 0x0c,
    IRQ_ENABLED = 0x10,
    CLEAR_ALARM = 0x14,
    CLEAR_INTERRUPT = 0x1c
};

static uint64_t rtc_base;

unsigned int rtc_find(void)
{
    uint64_t size;
    dt_node node = dt_compatible(NULL, "google,goldfish-rtc");
    if (!node || !dt_reg(node, 0, &rtc_base, &size)) {
        return 0;
    }
    write32(rtc_base + CLEAR_ALARM, 1);
    rtc_lower();
    return dt_cell(node, "interrupts", 0, 0);
}

void rtc_raise(void)
{
    write32(rtc_base + IRQ_ENABLED, 1);
    /* A time that has passed. */
    write32(rtc_base + ALARM_HIGH, 0);
    write32(rtc_base + ALARM_LOW, 1);
}

void rtc_lower(void)
{
    write32(rtc_base + CLEAR_INTERRUPT, 1);
}
