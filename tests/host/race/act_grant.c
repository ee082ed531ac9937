/* SPDX-License-Identifier: Apache-2.0 */
/* Random calls of grant_table_op: entries are filled in, used by all others, taken back. */
#include <public/grant_table.h>

#include "../fuzz/core/scene.h"
#include "race.h"

#include <xen/cpu.h>

#define REFS      24u
#define HANDLES   24u
#define GRANT_GFN (0x18000000ul >> PAGE_SHIFT) /* SLOTS frames of each tool */

/* What a tool has mapped in each of its frames; a handle + 1, 0: nothing. */
static uint32_t handles[TOOLS][SLOTS];

static uint64_t slot_address(const struct actor *a, uint64_t slot)
{
    return (GRANT_GFN + a->cpu * SLOTS + slot) << PAGE_SHIFT;
}

/* A guest fills in an entry, or changes one that is used. */
static void entry(const struct actor *a)
{
    uint64_t at = ((GUEST_GFN + FRAME_GRANTS) << PAGE_SHIFT) + random_below(REFS) * 8u;
    uint64_t flags = random_below(8) == 0   ? GTF_invalid
                     : random_below(4) == 0 ? GTF_permit_access | GTF_readonly
                                            : GTF_permit_access;

    (void)a;
    (void)put_word(at, some_frame() << 32 | (uint64_t)some_domain() << 16 | flags);
}

static void map(const struct actor *a)
{
    uint64_t slot = random_below(SLOTS);
    struct gnttab_map_grant_ref op = {
        .host_addr = a->tool ? slot_address(a, slot) : some_frame() << PAGE_SHIFT,
        .flags = GNTMAP_host_map | (random_below(2) == 0 ? GNTMAP_readonly : 0),
        .ref = (grant_ref_t)random_below(REFS),
        .dom = some_guest(),
    };

    if (a->tool && handles[a->cpu][slot] != 0) {
        return;
    }
    if (call_with(a, __HYPERVISOR_grant_table_op, GNTTABOP_map_grant_ref, &op, sizeof(op)) == 0 &&
        a->tool && op.status == GNTST_okay) {
        handles[a->cpu][slot] = op.handle + 1u;
    }
}

static void unmap_slot(const struct actor *a, uint64_t slot)
{
    struct gnttab_unmap_grant_ref op = {.host_addr = slot_address(a, slot),
                                        .handle = handles[a->cpu][slot] - 1u};

    if (handles[a->cpu][slot] != 0) {
        CHECK(call_with(a, __HYPERVISOR_grant_table_op, GNTTABOP_unmap_grant_ref, &op,
                        sizeof(op)) == 0,
              slot, 0);
        CHECK(op.status == GNTST_okay, slot, op.status);
        handles[a->cpu][slot] = 0;
    }
}

static void unmap(const struct actor *a)
{
    struct gnttab_unmap_grant_ref op = {.host_addr = some_frame() << PAGE_SHIFT,
                                        .handle = (grant_handle_t)random_below(HANDLES)};

    if (a->tool) {
        unmap_slot(a, random_below(SLOTS));
    } else {
        (void)call_with(a, __HYPERVISOR_grant_table_op,
                        random_below(4) == 0 ? GNTTABOP_unmap_and_replace
                                             : GNTTABOP_unmap_grant_ref,
                        &op, sizeof(op));
    }
}

static struct gnttab_copy_ptr copy_end(const struct actor *a, bool granted)
{
    struct gnttab_copy_ptr end = {.domid = granted ? some_guest() : DOMID_SELF,
                                  .offset = (uint16_t)random_below(64)};

    if (granted) {
        end.u.ref = (grant_ref_t)random_below(REFS);
    } else {
        end.u.gmfn = a->tool ? (a->args >> PAGE_SHIFT) + 1u : some_frame();
    }
    return end;
}

static void copy(const struct actor *a)
{
    uint64_t from = random_below(4), to = random_below(4);
    struct gnttab_copy op = {
        .source = copy_end(a, from != 0),
        .dest = copy_end(a, to != 0),
        .len = 64,
        .flags =
            (uint16_t)((from != 0 ? GNTCOPY_source_gref : 0) | (to != 0 ? GNTCOPY_dest_gref : 0)),
    };

    (void)call_with(a, __HYPERVISOR_grant_table_op, GNTTABOP_copy, &op, sizeof(op));
}

static void setup(const struct actor *a)
{
    struct gnttab_setup_table op = {
        .dom = a->tool ? some_guest() : DOMID_SELF,
        .nr_frames = 1u + (uint32_t)random_below(4),
        .frame_list = a->args + 512,
    };

    (void)call_with(a, __HYPERVISOR_grant_table_op, GNTTABOP_setup_table, &op, sizeof(op));
}

static void swap(const struct actor *a)
{
    struct gnttab_swap_grant_ref op = {.ref_a = (grant_ref_t)random_below(REFS),
                                       .ref_b = (grant_ref_t)random_below(REFS)};

    (void)call_with(a, __HYPERVISOR_grant_table_op, GNTTABOP_swap_grant_ref, &op, sizeof(op));
}

/* Memory is handed out from its end: there are the pages of others, as long as they are any. */
static void cache_flush(const struct actor *a)
{
    struct gnttab_cache_flush op = {
        .a.dev_bus_addr = HOST_RAM_BASE + RACE_RAM - (random_below(1024) + 1u) * PAGE_SIZE,
        .length = 64,
        .op = GNTTAB_CACHE_CLEAN,
    };

    (void)call_with(a, __HYPERVISOR_grant_table_op, GNTTABOP_cache_flush, &op, sizeof(op));
}

void act_grant(const struct actor *a)
{
    switch (random_below(10)) {
    case 0:
        if (!a->tool) {
            entry(a);
            break;
        }
        /* fall through */
    case 1:
    case 2: map(a); break;
    case 3:
    case 4: unmap(a); break;
    case 5:
    case 6: copy(a); break;
    case 7: cache_flush(a); break;
    case 8: setup(a); break;
    default:
        if (a->tool) {
            use_page();
        } else {
            swap(a);
        }
        break;
    }
}

void grants_forget(const struct actor *a)
{
    for (uint64_t slot = 0; slot < SLOTS; slot++) {
        unmap_slot(a, slot);
    }
}
