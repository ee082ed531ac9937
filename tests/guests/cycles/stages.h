/* SPDX-License-Identifier: Apache-2.0 */
/* Between cycles.c and stages.c. */
#pragma once

#include <public/xen.h>
#include <stdbool.h>
#include <stdint.h>

/* How far a domain gets. */
enum stage {
    CREATED,
    WITH_VCPUS,
    HALF_POPULATED,
    WITH_BLOCKS,
    HELD_BY_US,   /* dom0 maps its pages, by grant and as the tools do, and has bound its ports */
    RUNNING,      /* its vCPU makes calls */
    HOLDING_OURS, /* it has mapped a grant of ours, given pages for events and states, bound ports */
    STAGES
};

/* The domain that was made last. */
extern domid_t made;

/* Of this cycle: the same run for the same state. */
extern uint64_t random_state;
uint64_t random_below(uint64_t n);

void must(bool holds, const char *what);

/* Pages and tables of ours; once. */
void prepare(void);

/* Makes a domain and brings it so far; `created` is told as soon as it is there. */
void go_to(enum stage stage, void (*created)(domid_t domain));

/* What we still have of it goes. */
void let_go(void);

/* Extents of a domain from a guest frame on, through a list of ours: how many were done. */
int64_t reservation(uint64_t cmd, domid_t domain, uint64_t *list, uint64_t first, uint64_t nr,
                    unsigned int order);
