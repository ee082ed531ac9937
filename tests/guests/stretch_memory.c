/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long memory_op and the grant table keep interrupts waiting. What is asked of a domU's memory
 * is what that domU could ask for itself.
 */
#include <guest/domain.h>
#include <guest/hypercall.h>
#include <guest/memory.h>
#include <guest/port.h>
#include <guest/print.h>
#include <guest/stretch.h>
#include <guest/test.h>
#include <public/grant_table.h>
#include <public/memory.h>

enum {
    CHUNK = 512,
    LARGE_ORDER = 13,
    LARGE = 1 << LARGE_ORDER
};

static uint64_t frames[LARGE];

/* What the calls below work on. */
static domid_t domain;
static uint64_t at;
static unsigned int order;

static int64_t reservation(uint64_t cmd, uint64_t count, unsigned int extent)
{
    struct xen_memory_reservation arg = {.extent_start = hypercall_pointer(frames),
                                         .nr_extents = count,
                                         .extent_order = extent,
                                         .domid = domain};
    return memory_op(cmd, &arg);
}

static int64_t decrease(void)
{
    frames[0] = at;
    return reservation(XENMEM_decrease_reservation, 1, order);
}

static int64_t populate(void)
{
    frames[0] = at;
    return reservation(XENMEM_populate_physmap, 1, order);
}

static void singles(void)
{
    uint64_t count = 1UL << order;
    for (uint64_t i = 0; i < count; i++) {
        frames[i] = at + i;
    }
    if (reservation(XENMEM_populate_physmap, count, 0) != (int64_t)count) {
        give_up("cannot populate single pages");
    }
}

/* Nothing there: what is, goes page by page, as holes are no error then. */
static void empty(void)
{
    uint64_t count = 1UL << order;
    for (uint64_t i = 0; i < count; i++) {
        frames[0] = at + i;
        reservation(XENMEM_decrease_reservation, 1, 0);
    }
}

static void block(void)
{
    empty();
    if (populate() != 1) {
        give_up("cannot populate a block");
    }
}

static int64_t decrease_list(void)
{
    for (uint64_t i = 0; i < CHUNK; i++) {
        frames[i] = at + i;
    }
    return reservation(XENMEM_decrease_reservation, CHUNK, 0) / CHUNK;
}

static int64_t populate_list(void)
{
    singles();
    return 1;
}

static void empty_then_singles(void)
{
    empty();
    singles();
}

static void measure(const char *name, void (*prepare)(void), int64_t (*call)(void),
                    unsigned int limit)
{
    struct stretch s = {.name = name, .prepare = prepare, .call = call, .want = 1, .limit = limit};
    stretch_measure(&s);
}

/* Frames of ours that nobody uses, above the image, 1:1. */
static void test_own(void)
{
    domain = DOMID_SELF;
    at = (frame_of(page_alloc()) + 4 * CHUNK + LARGE) & ~(uint64_t)(LARGE - 1);
    order = 9;
    measure("1:1: decrease order 9 of a block", block, decrease, STRETCH_GUEST);
    measure("1:1: decrease order 9 over single pages", empty_then_singles, decrease, STRETCH_GUEST);
    measure("1:1: populate order 9 over single pages", empty_then_singles, populate, STRETCH_GUEST);
    order = LARGE_ORDER;
    measure("1:1: decrease order 13 over single pages", empty_then_singles, decrease, STRETCH_TOOL);
    measure("1:1: populate order 13 over single pages", empty_then_singles, populate, STRETCH_TOOL);
}

static void make_domain(void)
{
    static const uint32_t nothing[4];
    void *data;
    domain = domain_make(1, nothing, sizeof(nothing), &data);
    domain_call.u.max_mem.max_memkb = 256 << 10;
    domain_op(XEN_DOMCTL_max_mem, domain);
    at = 1UL << 19;
}

static void test_guest(void)
{
    make_domain();
    order = 8;
    measure("populate order 8", empty, populate, STRETCH_GUEST);
    measure("populate order 8 over single pages", empty_then_singles, populate, STRETCH_GUEST);
    order = 9;
    measure("populate order 9", empty, populate, STRETCH_GUEST);
    measure("decrease order 9 of a block", block, decrease, STRETCH_GUEST);
    measure("decrease order 9 over single pages", empty_then_singles, decrease, STRETCH_GUEST);
    measure("populate order 9 over single pages", empty_then_singles, populate, STRETCH_GUEST);
    measure("decrease single pages", empty_then_singles, decrease_list, STRETCH_GUEST);
    measure("populate single pages", empty, populate_list, STRETCH_GUEST);
    at += 100;
    measure("populate order 9 across tables", empty, populate, STRETCH_GUEST);
    measure("decrease order 9 across tables", empty_then_singles, decrease, STRETCH_GUEST);
    measure("populate order 9 across tables of pages", empty_then_singles, populate, STRETCH_GUEST);
    at += LARGE - 100;
    order = LARGE_ORDER;
    measure("populate order 13", empty, populate, STRETCH_TOOL);
    measure("decrease order 13 over single pages", empty_then_singles, decrease, STRETCH_TOOL);
    measure("populate order 13 over single pages", empty_then_singles, populate, STRETCH_TOOL);
}

void guest_main(void)
{
    if (on_xen()) {
        check("no limits there", true);
        return;
    }
    stretch_begin();
    test_own();
    test_guest();
}
