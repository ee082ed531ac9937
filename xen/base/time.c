/* System time from the counter, and the wallclock that the control domain sets. */
#include <public/xen.h>
#include <xen/atomic.h>
#include <xen/domain.h>
#include <xen/printk.h>
#include <xen/spinlock.h>
#include <xen/time.h>

/* ns = ticks * ns_mult >> shift and back, with 128-bit products: exact enough for 100 years at any
 * frequency. */
#define SHIFT 32u

static uint64_t ns_mult, tick_mult;
static uint64_t wallclock_ns; /* at system time 0 */
static spinlock_t wallclock_lock = SPINLOCK_INIT(LOCK_WALLCLOCK);

void time_init(void)
{
    uint64_t hz;

    arch_time_init();
    hz = arch_counter_hz();
    if (hz == 0 || hz > UINT32_MAX) {
        panic("The device tree gives the counter %lu Hz: 1 to 2^32-1 can be (/cpus, "
              "timebase-frequency)\n",
              hz);
    }
    ns_mult = (1000000000ul << SHIFT) / hz;
    tick_mult = (hz << SHIFT) / 1000000000u;
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

void time_set_wallclock(uint64_t sec, uint32_t nsec, uint64_t system_time)
{
    struct domain *d;

    spin_lock(&wallclock_lock);
    /* Unsigned arithmetic: a value that makes no sense gives the guest a senseless clock, nothing
     * more. */
    wallclock_ns = sec * 1000000000u + nsec - system_time;
    spin_unlock(&wallclock_lock);
    spin_lock(&domain_list_lock);
    list_for_each(d, &domain_list, all) {
        time_update_wallclock(d);
    }
    spin_unlock(&domain_list_lock);
}

void time_update_wallclock(struct domain *d)
{
    struct shared_info *s = d->shared_info;
    uint64_t ns;

    spin_lock(&wallclock_lock);
    ns = wallclock_ns + (uint64_t)d->time_offset * 1000000000u;
    /* An odd version tells the guest that the values are being changed [public/xen.h]. */
    atomic_store(&s->wc_version, s->wc_version | 1u);
    smp_wmb(); /* odd version before the values */
    s->wc_sec = (uint32_t)(ns / 1000000000u);
    s->wc_sec_hi = (uint32_t)(ns / 1000000000u >> 32);
    s->wc_nsec = (uint32_t)(ns % 1000000000u);
    smp_wmb(); /* values before the even version */
    atomic_store(&s->wc_version, s->wc_version + 1u);
    spin_unlock(&wallclock_lock);
}
