/* SPDX-License-Identifier: Apache-2.0 */
/*
 * T1: every hypercall and sub-operation with each shape of argument, from a domain without
 * privileges, in the same order every time; dom0 prints the results, for a comparison with Xen's.
 */
#include <public/xen.h>
#include <torture/hostile.h>

enum {
    SKIPPED = 1000, /* in the table: not called */
    VALUE = 1,      /* in the table: any positive result */
    SUBS = 256
};

static int16_t (*table)[256];

void calls_clone(void)
{
    if (control->mode != 0) {
        storm_clone();
        return;
    }
    void *page = (void *)(uintptr_t)(GUEST_RAM0_BASE + (uint64_t)CLONE_ARGS * PAGE_SIZE);
    table = (int16_t (*)[256])(uintptr_t)(GUEST_RAM0_BASE + (uint64_t)CLONE_TABLE * PAGE_SIZE);
    shape_begin();
    for (unsigned int nr = 0; nr < CALLS + 4; nr++) {
        for (unsigned int i = 0; i < SUBS * SHAPES; i++) {
            uint64_t arg[5];
            bool may = shape_call(nr, i / SHAPES, i % SHAPES, page, arg);
            int64_t rc = may ? seen_call(nr, arg) : SKIPPED;
            table[i % SHAPES][i / SHAPES] = (int16_t)(rc > 0 && may ? VALUE : rc);
            control->beat[0]++;
        }
        __atomic_store_n(&control->ready, nr + 1, __ATOMIC_RELEASE);
        while (__atomic_load_n(&control->ready, __ATOMIC_ACQUIRE) != 0) {
            hostile_yield();
        }
    }
}

/* A hypercall of which no row but -ENOSYS is there is one line. */
static void sweep_print(unsigned int nr, const struct clone *clone)
{
    for (unsigned int i = 0; i < SHAPES * SUBS; i++) {
        if (clone->table[0][i] != -XEN_ENOSYS) {
            table_print("T1", nr, clone->table, 0);
            return;
        }
    }
    print("RC T1 %u all 0 255 %d\n", nr, -XEN_ENOSYS);
}

void calls_dom0(void)
{
    struct clone clone;
    struct control order = {.vcpus = 1};
    clone_make(&clone, 0, &order);
    clone_start(&clone);
    while (!clone_watch(&clone) && clone.control->ready != 0) {
        sweep_print((unsigned int)clone.control->ready - 1, &clone);
        __atomic_store_n(&clone.control->ready, 0, __ATOMIC_RELEASE);
    }
    check("T1: the clone came to the end", clone.control->done != 0);
    print("CALLS T1 %lu\n", clone_beats(&clone));
    seen_print("T1", &clone);
    clone_destroy(&clone);
    storm_dom0();
}
