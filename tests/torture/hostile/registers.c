/* SPDX-License-Identifier: Apache-2.0 */
/*
 * T4, dom0's part: prints what the clone can use.
 */
#include <torture/hostile.h>

enum {
    CALLS_OF_FIRMWARE = 20000
};

void registers_dom0(void)
{
    struct clone clone;
    struct control order = {.vcpus = 1, .budget = hostile_scaled(CALLS_OF_FIRMWARE)};
    clone_make(&clone, 0, &order);
    clone_start(&clone);
    while (!clone_watch(&clone) && clone.control->ready != 0) {
        registers_print(&clone);
        __atomic_store_n(&clone.control->ready, 0, __ATOMIC_RELEASE);
    }
    check("T4: the clone came to the end", clone.control->done != 0);
    print("CALLS T4 %lu\n", clone_beats(&clone));
    clone_destroy(&clone);
}
