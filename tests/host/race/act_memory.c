/* SPDX-License-Identifier: Apache-2.0 */
/* Random calls of memory_op: of guests on themselves, of tools on guests and their own space. */
#include <public/memory.h>

#include "../fuzz/core/scene.h"
#include "race.h"

#include <xen/cpu.h>
#include <xen/page_alloc.h>

#define FOREIGN_GFN (0x10000000ul >> PAGE_SHIFT) /* SLOTS frames of each tool */

static uint64_t foreign_frame(const struct actor *a)
{
    return FOREIGN_GFN + a->cpu * SLOTS + random_below(SLOTS);
}

/* One of the last frames that have a table. */
static uint64_t edge_frame(void)
{
    return GUEST_GFN + 512u - 8u + random_below(8);
}

static void reservation(const struct actor *a, uint64_t command, unsigned int order)
{
    uint64_t list[3] = {edge_frame(), edge_frame(), some_frame()};
    struct xen_memory_reservation in = {
        .extent_start = a->args + 512,
        .nr_extents = 1u + random_below(3),
        .extent_order = order,
        .domid = a->tool ? some_guest() : DOMID_SELF,
    };

    if (put(a->args + 512, list, sizeof(list))) {
        (void)call_with(a, __HYPERVISOR_memory_op, command, &in, sizeof(in));
    }
}

/* An extent of which one half has a table; the other half may get none. */
static void straddle(const struct actor *a)
{
    unsigned int order = 1u + (unsigned int)random_below(3);
    uint64_t frame = GUEST_GFN + 512u - (1ul << (order - 1u));
    struct xen_memory_reservation in = {
        .extent_start = a->args + 512,
        .nr_extents = 1,
        .extent_order = order,
        .domid = a->tool ? some_guest() : DOMID_SELF,
    };

    if (put(a->args + 512, &frame, sizeof(frame))) {
        (void)call_with(a, __HYPERVISOR_memory_op, XENMEM_populate_physmap, &in, sizeof(in));
    }
}

static void physmap_add(const struct actor *a)
{
    struct xen_add_to_physmap in = {
        .domid = a->tool ? some_guest() : DOMID_SELF,
        .space = (uint32_t)random_below(2), /* shared_info, grant_table */
        .idx = random_below(3),
        .gpfn = some_frame(),
    };

    in.idx = in.space == XENMAPSPACE_shared_info ? 0 : in.idx;
    (void)call_with(a, __HYPERVISOR_memory_op, XENMEM_add_to_physmap, &in, sizeof(in));
}

static void batch(const struct actor *a, bool device)
{
    uint64_t lists[3][2];
    struct xen_add_to_physmap_batch in = {
        .domid = DOMID_SELF,
        .space = device    ? XENMAPSPACE_dev_mmio
                 : a->tool ? XENMAPSPACE_gmfn_foreign
                           : XENMAPSPACE_grant_table,
        .size = 2,
        .u.foreign_domid = a->tool && !device ? some_guest() : 0,
        .idxs = a->args + 512,
        .gpfns = a->args + 512 + sizeof(lists[0]),
        .errs = a->args + 512 + 2 * sizeof(lists[0]),
    };

    for (unsigned int i = 0; i < 2; i++) {
        lists[0][i] = device ? DEVICE_GFN + i : a->tool ? some_frame() : random_below(4);
        lists[1][i] = a->tool ? foreign_frame(a) : some_frame();
        lists[2][i] = 0;
    }
    if (put(a->args + 512, lists, sizeof(lists))) {
        (void)call_with(a, __HYPERVISOR_memory_op, XENMEM_add_to_physmap_batch, &in, sizeof(in));
    }
}

/* Tools map frames of guests, guests their own special ones. */
static void physmap_batch(const struct actor *a)
{
    batch(a, false);
}

void map_device(const struct actor *a)
{
    batch(a, true);
}

static void physmap_remove(const struct actor *a)
{
    bool own = !a->tool || random_below(2) == 0;
    struct xen_remove_from_physmap in = {
        .domid = own ? DOMID_SELF : some_guest(),
        .gpfn = own && a->tool ? foreign_frame(a) : some_frame(),
    };

    (void)call_with(a, __HYPERVISOR_memory_op, XENMEM_remove_from_physmap, &in, sizeof(in));
}

static void resource(const struct actor *a)
{
    uint64_t list[2] = {foreign_frame(a), foreign_frame(a)};
    struct xen_mem_acquire_resource in = {
        .domid = some_guest(),
        .type = XENMEM_resource_grant_table,
        .nr_frames = 2,
        .frame = random_below(3),
        .frame_list = a->args + 512,
    };

    if (put(a->args + 512, list, sizeof(list))) {
        (void)call_with(a, __HYPERVISOR_memory_op, XENMEM_acquire_resource, &in, sizeof(in));
    }
}

static void claim(const struct actor *a)
{
    struct xen_memory_reservation in = {
        .nr_extents = random_below(2) * random_below(64),
        .domid = a->tool ? some_guest() : DOMID_SELF,
    };

    (void)call_with(a, __HYPERVISOR_memory_op, XENMEM_claim_pages, &in, sizeof(in));
}

/* What it maps of itself is used: a store by a guest, in a frame that another vCPU may take
 * away. */
static void touch(const struct actor *a)
{
    if (!a->tool) {
        (void)put_word(some_frame() * PAGE_SIZE + random_below(512) * 8, 0x5555);
    } else {
        (void)put_word(foreign_frame(a) * PAGE_SIZE + random_below(512) * 8, 0x6666);
    }
}

void act_memory(const struct actor *a)
{
    switch (random_below(16)) {
    case 0:
    case 1: reservation(a, XENMEM_populate_physmap, 0); break;
    case 2: reservation(a, XENMEM_populate_physmap, (unsigned int)random_below(4)); break;
    case 3:
    case 4: reservation(a, XENMEM_decrease_reservation, (unsigned int)random_below(3)); break;
    case 5: physmap_add(a); break;
    case 6: physmap_batch(a); break;
    case 7: physmap_remove(a); break;
    case 8:
        if (a->tool) {
            resource(a);
        } else if (random_below(8) == 0) {
            reservation(a, XENMEM_increase_reservation, 0);
        }
        break;
    case 9: claim(a); break;
    case 10: use_page(); break;
    case 11: touch(a); break;
    default: straddle(a); break;
    }
}

void memory_forget(const struct actor *a)
{
    for (uint64_t i = 0; i < SLOTS; i++) {
        struct xen_remove_from_physmap in = {.domid = DOMID_SELF,
                                             .gpfn = FOREIGN_GFN + a->cpu * SLOTS + i};

        (void)call_with(a, __HYPERVISOR_memory_op, XENMEM_remove_from_physmap, &in, sizeof(in));
    }
}

/* The hypervisor uses a page: zero when it comes, and its own as long as it is used. */
void use_page(void)
{
    uint64_t *p = page_alloc(0);

    if (p == NULL) {
        return;
    }
    for (unsigned int i = 0; i < PAGE_SIZE / sizeof(*p); i++) {
        CHECK(p[i] == 0, i, p[i]);
        p[i] = i + 1u;
    }
    for (uint64_t n = random_below(4); n != 0; n--) {
        host_yield();
    }
    for (unsigned int i = 0; i < PAGE_SIZE / sizeof(*p); i++) {
        CHECK(p[i] == i + 1u, i, p[i]);
    }
    page_free(p, 0);
}
