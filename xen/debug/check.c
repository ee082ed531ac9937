/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must hold between any two calls. Each subject has a file of its own, check_*.c; this one knows
 * their order.
 */
#include <xen/cpu.h>
#include <xen/debug.h>
#include <xen/errno.h>

unsigned int debug_check(void)
{
    return 0;
}

long debug_check_machine(void)
{
    long found;

    if (!cpu_stop_others()) {
        return -ERESTART;
    }
    found = debug_check();
    cpu_start_others();
    return found;
}
