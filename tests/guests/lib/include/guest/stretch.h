/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long the hypervisor keeps an interrupt waiting while it does something for this kernel: needs
 * QEMU's -icount, where a nanosecond is an instruction.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Instructions that an interrupt may wait for what a domU can ask for, and for what tools can. */
enum {
    STRETCH_GUEST = 20000,
    STRETCH_TOOL = 50000
};

/* Something to be measured. `prepare` (may be null) runs before each call; `call` gives a result.
 * It is called `rounds` times, 0: as often as is
 * good. */
struct stretch {
    const char *name;
    void (*prepare)(void);
    int64_t (*call)(void);
    int64_t want;
    unsigned int limit; /* instructions */
    unsigned int rounds;
};

/* Finds out what an interrupt takes that nobody delays. Takes the timer. */
void stretch_begin(void);

/*
 * Makes the call a few times while a timer interrupt comes, and comes again, at all places of it.
 * Fails if one is later than the limit, or if the call's result is another one.
 */
void stretch_measure(const struct stretch *s);

/* The same for what must not be interrupted at all: all of it within the limit. */
void stretch_measure_whole(const struct stretch *s);
