/* System time: nanoseconds since the counter's zero, and wallclock. s_time_t is signed so that
 * differences are easy. */
#pragma once

#include <arch/time.h>
#include <xen/types.h>

typedef int64_t s_time_t;

#define SECONDS(n)   ((s_time_t)(n) * 1000000000)
#define MILLISECS(n) ((s_time_t)(n) * 1000000)
#define MICROSECS(n) ((s_time_t)(n) * 1000)
#define TIME_NEVER   INT64_MAX

/* Computes the conversion factors from arch_counter_hz. Boot CPU. */
void time_init(void);
s_time_t time_now(void);
/* Rounded up: at that counter value time_now() has reached ns. */
uint64_t time_to_ticks(s_time_t ns);
s_time_t time_from_ticks(uint64_t ticks);
/* Wallclock of the machine: seconds and ns since 1970 at system time 0, told by the control domain
 * (platform_op settime64). */
void time_set_wallclock(uint64_t sec, uint32_t nsec, uint64_t system_time);
/* Write the wallclock to d's shared_info (wc_version protocol). */
struct domain;
void time_update_wallclock(struct domain *d);
/* ns delay with the counter, for hardware only. */
void time_delay(s_time_t ns);
