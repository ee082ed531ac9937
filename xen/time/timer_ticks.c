/* SPDX-License-Identifier: Apache-2.0 */
/* Timers that guests arm by the counter. */
#include <xen/time.h>
#include <xen/timer.h>

#define FAR_FUTURE_SECONDS (100ull * 365 * 86400) /* Linux parks its timer there */

void timer_set_ticks(struct timer *t, uint64_t now, uint64_t left)
{
    if (left > FAR_FUTURE_SECONDS * arch_counter_hz()) {
        timer_stop(t);
    } else {
        timer_set_here(t, time_from_ticks(now + left) + (left != 0));
    }
}
