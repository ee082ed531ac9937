/* SPDX-License-Identifier: Apache-2.0 */
/* What a board needs that the architecture does not standardise. One image serves every board: the
 * root node's compatible selects. */
#pragma once

#include <xen/types.h>

struct dt_node;

struct platform {
    const char *const *compatible; /* of the root node, NULL ends the list */
    const char *const *own;        /* devices that no domain gets, by compatible; NULL ends */
    void (*init)(void);            /* once, on the boot CPU, before other CPUs start */
    /* Return if they did not work. Interrupts masked, other CPUs stopped. */
    void (*reset)(void);
    void (*poweroff)(void);
};

/* boards/rpi4/platform.c */
extern const struct platform rpi4_platform;

/* platform.c: find the board's, if it has one. After the device tree is open. */
void platform_init(void);
/* Is this node kept from domains because the board says so? */
bool platform_owns(const struct dt_node *node);
void platform_reset(void);
void platform_poweroff(void);
