/* SPDX-License-Identifier: Apache-2.0 */
/* System time: nanoseconds since the counter's zero. s_time_t is signed so that
 * differences are easy. */
#pragma once

#include <arch/time.h>
#include <xen/compiler.h>
#include <xen/types.h>

typedef int64_t s_time_t;

#define SECONDS(n)   ((s_time_t)(n) * 1000000000)
#define MILLISECS(n) ((s_time_t)(n) * 1000000)
#define MICROSECS(n) ((s_time_t)(n) * 1000)
#define TIME_NEVER   INT64_MAX

/* Computes the conversion factors from arch_counter_hz. -EINVAL: no counter has that frequency.
 * Boot CPU. */
int __must_check time_init(void);
s_time_t time_now(void);
/* Rounded up: at that counter value time_now() has reached ns. */
uint64_t time_to_ticks(s_time_t ns);
s_time_t time_from_ticks(uint64_t ticks);
/* ns delay with the counter, for hardware only. */
void time_delay(s_time_t ns);
