/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Raspberry Pi 4: reset and power off by the watchdog of the PM block, which dom0 does not get. The
 * stub that the firmware leaves has no PSCI. Registers: Linux, drivers/watchdog/bcm2835_wdt.c; the
 * data sheet leaves them out.
 */
#include <asm/platform.h>
#include <xen/dt.h>
#include <xen/hyp_map.h>
#include <xen/printk.h>
#include <xen/time.h>

enum {
    PM_RSTC = 0x1c / 4,
    PM_RSTS = 0x20 / 4,
    PM_WDOG = 0x24 / 4
};

#define PM_PASSWORD        0x5a000000u /* in every write; others are ignored */
#define PM_WDOG_TICKS      10u         /* of 16 us */
#define PM_RSTC_WRCFG      0x30u
#define PM_RSTC_FULL_RESET 0x20u
/* Bits 0, 2, ... 10: the partition to boot from next; 63 makes the firmware halt instead. */
#define PM_RSTS_PARTITION  0x555u
#define PM_SIZE            0x28u

static const char *const compatible[] = {"raspberrypi,4-model-b", "raspberrypi,4-compute-module",
                                         "raspberrypi,400", "brcm,bcm2711", NULL};
/* Device trees of different years have different names for it. */
static const char *const pm_compatible[] = {"brcm,bcm2711-pm", "brcm,bcm2835-pm",
                                            "brcm,bcm2835-pm-wdt", NULL};
static const char *const own[] = {
    "brcm,bcm2711-pm",
    "brcm,bcm2835-pm",
    "brcm,bcm2835-pm-wdt",
    /* Controls the CPUs' timers and their clock [BCM2711 6.5]. */
    "brcm,bcm2836-l1-intc",
    NULL,
};

static volatile uint32_t *pm;

static void rpi4_init(void)
{
    const struct dt_node *n;
    struct dt_range reg;

    dt_for_each_node(&dt_host, n) {
        if (pm == NULL && dt_compatible_any(&dt_host, n, pm_compatible) &&
            dt_reg(&dt_host, n, 0, &reg) == 0 && reg.size >= PM_SIZE && (reg.start & 3u) == 0) {
            pm = hyp_map_device(reg.start, PM_SIZE);
        }
    }
    if (pm == NULL) {
        printk(XENLOG_WARNING "The device tree has no power management block (brcm,bcm2711-pm): "
                              "without PSCI this board cannot be reset\n");
    }
}

/* Let the watchdog bite, and wait for it. */
static void bite(uint32_t partition)
{
    if (pm == NULL) {
        return;
    }
    pm[PM_RSTS] = PM_PASSWORD | (pm[PM_RSTS] & 0xffffffu & ~PM_RSTS_PARTITION) | partition;
    pm[PM_WDOG] = PM_PASSWORD | PM_WDOG_TICKS;
    pm[PM_RSTC] = PM_PASSWORD | (pm[PM_RSTC] & 0xffffffu & ~PM_RSTC_WRCFG) | PM_RSTC_FULL_RESET;
    time_delay(SECONDS(1));
}

static void rpi4_reset(void)
{
    bite(0);
}

static void rpi4_poweroff(void)
{
    bite(PM_RSTS_PARTITION);
}

const struct platform rpi4_platform = {
    .compatible = compatible,
    .own = own,
    .init = rpi4_init,
    .reset = rpi4_reset,
    .poweroff = rpi4_poweroff,
};
