/* SPDX-License-Identifier: Apache-2.0 */
/* Finding the board's own code, and what to do without. */
#include <asm/platform.h>
#include <xen/dt.h>
#include <xen/lib.h>
#include <xen/printk.h>

static const struct platform *const platforms[] = {&rpi4_platform};
static const struct platform *platform;

void platform_init(void)
{
    for (uint32_t i = 0; i < ARRAY_SIZE(platforms) && platform == NULL; i++) {
        if (dt_compatible_any(&dt_host, dt_root(&dt_host), platforms[i]->compatible)) {
            platform = platforms[i];
            platform->init();
        }
    }
}

bool platform_owns(const struct dt_node *node)
{
    return platform != NULL && dt_compatible_any(&dt_host, node, platform->own);
}

void platform_reset(void)
{
    if (platform != NULL) {
        platform->reset();
    }
}

void platform_poweroff(void)
{
    if (platform != NULL) {
        platform->poweroff();
    }
}
