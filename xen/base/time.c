/* SPDX-License-Identifier: Apache-2.0 */
/* System time from the counter. */
#include <xen/errno.h>
#include <xen/time.h>

/* ns = ticks * ns_mult >> shift and back, with 128-bit products: exact enough for 100 years at any
 * frequency. */
#define SHIFT 32u

static uint64_t ns_mult, tick_mult;

int time_init(void)
{
    uint64_t hz;

    arch_time_init();
    hz = arch_counter_hz();
    if (hz == 0 || hz > UINT32_MAX) {
        return -EINVAL;
    }
    ns_mult = (1000000000ul << SHIFT) / hz;
    tick_mult = (hz << SHIFT) / 1000000000u;
    return 0;
}

s_time_t time_from_ticks(uint64_t ticks)
{
    return (s_time_t)((unsigned __int128)ticks * ns_mult >> SHIFT);
}

uint64_t time_to_ticks(s_time_t ns)
{
    uint64_t ticks, missing;

    if (ns <= 0) {
        return 0;
    }
    ticks = (uint64_t)((unsigned __int128)(uint64_t)ns * tick_mult >> SHIFT);
    /*
     * The factor is cut off, so these are too few, the more the longer the machine is up. The
     * result must not be early: a deadline that comes before its time is programmed again, and
     * comes again at once, until it is time.
     */
    while ((missing = (uint64_t)ns - (uint64_t)time_from_ticks(ticks)) - 1u < INT64_MAX) { /* above
                                                                                              0 */
        ticks += (uint64_t)((unsigned __int128)missing * tick_mult >> SHIFT) + 1u;
    }
    return ticks;
}

s_time_t time_now(void)
{
    return time_from_ticks(arch_counter());
}

void time_delay(s_time_t ns)
{
    s_time_t end = time_now() + ns;

    /* Before time_init the clock stands still: a panic that early must not wait for ever. */
    while (ns_mult != 0 && time_now() < end) {
    }
}
