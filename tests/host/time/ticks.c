/* SPDX-License-Identifier: Apache-2.0 */
/* A timer armed by the counter's value, on the third port: when it fires, and when never. */
#include "../arch/port/state.h"
#include "../fuzz/core/scene.h"

#include <stdio.h>
#include <stdlib.h>
#include <xen/time.h>
#include <xen/timer.h>

#define CENTURY (100ul * 365 * 86400 * HOST_HZ)

#define CHECK(what) \
    do { \
        if (!(what)) { \
            printf("line %d: " #what " does not hold\n", __LINE__); \
            exit(1); \
        } \
    } while (0)

static void never(void *data)
{
    (void)data;
}

int main(void)
{
    static const uint64_t starts[] = {0, 1, HOST_HZ, 12345678901ul, CENTURY / 2};
    static const uint64_t lefts[] = {1, 2, 3, 1000, HOST_HZ - 1, HOST_HZ * 3600, CENTURY};
    static struct timer t;

    scene_boot_dom0(128ul << 20, 2, "dom0_mem=64M noreboot");
    host_cpu = &cpus[0];
    CHECK(timer_init(&t, &cpus[1], never, NULL) == 0);
    for (unsigned int i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
        uint64_t now = starts[i];

        timer_set_ticks(&t, now, 0);
        CHECK(timer_armed(&t) && t.expires == time_from_ticks(now) && t.cpu == &cpus[0]);
        for (unsigned int j = 0; j < sizeof(lefts) / sizeof(lefts[0]); j++) {
            timer_set_ticks(&t, now, lefts[j]);
            CHECK(timer_armed(&t));
            CHECK(time_to_ticks(t.expires) >= now + lefts[j]); /* never early */
            CHECK(time_to_ticks(t.expires) <= now + lefts[j] + 1);
        }
        timer_set_ticks(&t, now, CENTURY + 1);
        CHECK(!timer_armed(&t));
        timer_set_ticks(&t, now, UINT64_MAX);
        CHECK(!timer_armed(&t));
    }
    puts("ok");
    return 0;
}
