/* SPDX-License-Identifier: Apache-2.0 */
/* The ring of a domain's PV console, written and read by the hypervisor in the guest's place. */
#pragma once

#include <xen/compiler.h>
#include <xen/spinlock.h>
#include <xen/time.h>
#include <xen/types.h>

struct domain;

struct pv_console { /* of a domain */
    spinlock_t lock;
    uint32_t full_cons;  /* how far the other end had read when the ring was found full */
    s_time_t full_since; /* 0: there was room */
};

/* Have the tools given d a ring? */
bool pv_console_there(struct domain *d);
/* How many of n > 0 bytes are in the ring; 0: it is full, try again later. -EIO: there is no ring,
 * or nobody reads it. */
long __must_check pv_console_write(struct domain *d, const char *text, size_t n);
/* Up to n bytes that were typed: how many. */
size_t pv_console_read(struct domain *d, char *text, size_t n);
