/* SPDX-License-Identifier: Apache-2.0 */
/* Between alloc.c and operations.c. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct step {
    const char *name;
    void (*begin)(void);
    int64_t (*act)(void); /* 0: all is done; -ENOMEM: no memory was found; or what was said */
    void (*undo)(void);   /* of what was done, or only a part of it; and what begin() made */
    bool always;          /* it allocates, whatever was there before */
    bool made;            /* act makes the domain: nothing is to undo if it fails */
};

extern const struct step steps[];
extern const unsigned int nr_steps;

void operations_init(void);

void must(bool holds, const char *what);
