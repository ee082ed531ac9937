/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must hold between any two calls. Each subject has a file of its own, check_*.c; this one knows
 * their order.
 */
#include <xen/cpu.h>
#include <xen/debug.h>
#include <xen/domain.h>
#include <xen/errno.h>
#include <xen/heap.h>

#include "check.h"

int debug_check(void)
{
    struct domain *d;
    int rc = census_begin();

    if (rc != 0) {
        return rc;
    }
    check_domains();
    check_free();
    check_pages();
    list_for_each(d, &domain_list, all) {
        check_events(d);
        check_grants(d, check_p2m(d));
    }
    check_references();
    check_sched();
    check_timers();
    if (!heap_is_sound()) {
        check_wrong("a slab of the heap does not add up");
    }
    return (int)check_take_found();
}

int debug_check_machine(void)
{
    int rc;

    if (!cpu_stop_others()) {
        return -ERESTART;
    }
    rc = debug_check();
    cpu_start_others();
    return rc;
}
