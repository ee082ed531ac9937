/* SPDX-License-Identifier: Apache-2.0 */
/* Grants: an entry is pinned as often as others have handles for it, and each leaf by grant has such a
 * handle. */
#include <arch/mm.h>
#include <xen/grant_table.h>
#include <xen/page.h>

#include "check.h"

struct pins {
    uint64_t readers, writers;
};

static const struct grant_map *check_handle_at(const struct grant_table *gt, grant_handle_t handle)
{
    return &gt->map[handle / GRANT_MAPS_PER_FRAME][handle % GRANT_MAPS_PER_FRAME];
}

/* What d has pinned, as granter, and the references that keep the pages. */
static struct pins check_pins(const struct domain *d)
{
    const struct grant_table *gt = d->grants;
    struct pins sum = {0, 0};

    for (grant_ref_t ref = 0; ref < grant_entries(gt); ref++) {
        const struct grant_active *a = grant_active(gt, ref);

        if (a->readers == 0 && a->writers == 0) {
            if (a->pg != NULL) {
                check_wrong("d%u: grant %u is not used and has a page", d->id, ref);
            }
            continue;
        }
        sum.readers += a->readers;
        sum.writers += a->writers;
        if (a->pg == NULL) {
            check_wrong("d%u: grant %u is used and has no page", d->id, ref);
        } else {
            census_reference(page_mfn(a->pg).n);
        }
    }
    return sum;
}

/* Handles of `by` for grants of d. */
static void check_handles_for(const struct domain *by, const struct domain *d, struct pins *sum)
{
    for (grant_handle_t handle = 0; handle < by->grants->nr_maps; handle++) {
        const struct grant_map *m = check_handle_at(by->grants, handle);
        const struct grant_active *a;

        if (m->flags == 0 || m->d != d) {
            continue;
        }
        a = grant_active(d->grants, m->ref);
        if (a == NULL || a->by != by->id ||
            ((m->flags & GNTMAP_readonly) != 0 ? a->readers : a->writers) == 0) {
            check_wrong("d%u: handle %u is for grant %u of d%u, which is not pinned for it", by->id,
                        handle, m->ref, d->id);
        }
        if ((m->flags & GNTMAP_readonly) != 0) {
            sum->readers++;
        } else {
            sum->writers++;
        }
    }
}

/* d's handles, each of which may stand for one leaf of its tables; the leaves were counted just now. */
static void check_leaves(const struct domain *d, uint32_t leaves)
{
    const struct grant_table *gt = d->grants;
    uint32_t used = 0, free = 0;

    for (grant_handle_t handle = 0; handle < gt->nr_maps; handle++) {
        const struct grant_map *m = check_handle_at(gt, handle);
        const struct grant_active *a = m->flags != 0 ? grant_active(m->d->grants, m->ref) : NULL;

        used += m->flags != 0;
        if (a != NULL && a->pg != NULL && census_grant_ends(page_mfn(a->pg).n)) {
            leaves--;
        }
    }
    if (leaves != 0) {
        check_wrong("d%u maps %u pages by grants for which it has no handle", d->id, leaves);
    }
    for (grant_handle_t at = gt->free_map; at != GRANT_NO_HANDLE && free <= gt->nr_maps; free++) {
        at = check_handle_at(gt, at)->ref;
    }
    if (used + free != gt->nr_maps) {
        check_wrong("d%u: of %u handles %u are used and %u are free", d->id, gt->nr_maps, used,
                    free);
    }
}

static void check_claim_table(const struct domain *d)
{
    const struct grant_table *gt = d->grants;

    for (uint32_t i = 0; i < gt->nr_frames; i++) {
        const struct page *pg = page_peek((mfn_t){arch_va_to_pa(gt->frame[i]) >> PAGE_SHIFT});

        if (pg == NULL || pg->owner != d || (pg->tag & PAGE_XEN) == 0) {
            check_wrong("d%u: frame %u of its grant table is not shared with it", d->id, i);
        }
        census_claim_object(gt->active[i], 1u << GRANT_ACTIVE_ORDER, CLAIM_OBJECT);
    }
    for (uint32_t i = 0; i < gt->nr_maps / GRANT_MAPS_PER_FRAME; i++) {
        census_claim_object(gt->map[i], 1, CLAIM_OBJECT);
    }
}

void check_grants(struct domain *d, uint32_t leaves)
{
    struct pins pins = check_pins(d), handles = {0, 0};
    const struct domain *by;

    list_for_each(by, &domain_list, all) {
        check_handles_for(by, d, &handles);
    }
    if (pins.readers != handles.readers || pins.writers != handles.writers) {
        check_wrong("d%u: its grants have %lu readers and %lu writers, for %lu and %lu handles",
                    d->id, pins.readers, pins.writers, handles.readers, handles.writers);
    }
    check_leaves(d, leaves);
    check_claim_table(d);
}
