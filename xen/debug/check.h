/* SPDX-License-Identifier: Apache-2.0 */
/* Inside xen/debug/: how what does not hold is told, and who looks. */
#pragma once

#include <xen/compiler.h>
#include <xen/printk.h>
#include <xen/types.h>

struct domain;

/* One more thing does not hold. false: too many were told already. */
bool check_tell(void);
#define check_wrong(fmt, ...) \
    do { \
        if (check_tell()) { \
            printk(XENLOG_ERR "Invariant: " fmt "\n", ##__VA_ARGS__); \
        } \
    } while (0)

/* Is this a domain that can be found by its number? */
bool check_is_domain(const struct domain *d);

/* The subjects, in this order. */
void check_domains(void);
void check_sched(void);
void check_timers(void);
