/* SPDX-License-Identifier: Apache-2.0 */
/* Domains: their list, what keeps each of them, the numbers that tell their translations apart. */
#include <xen/domain.h>
#include <xen/grant_table.h>
#include <xen/vmid.h>

#include "check.h"

#define VMIDS 256u

bool check_is_domain(const struct domain *d)
{
    const struct domain *other;

    list_for_each(other, &domain_list, all) {
        if (other == d) {
            return true;
        }
    }
    return false;
}

/* Handles that all domains have for grants of d: each keeps it. */
static uint32_t check_handles(const struct domain *d)
{
    const struct domain *by;
    uint32_t sum = 0;

    list_for_each(by, &domain_list, all) {
        const struct grant_table *gt = by->grants;

        for (grant_handle_t i = 0; i < gt->nr_maps; i++) {
            const struct grant_map *m =
                &gt->map[i / GRANT_MAPS_PER_FRAME][i % GRANT_MAPS_PER_FRAME];

            sum += m->flags != 0 && m->d == d;
        }
    }
    return sum;
}

static void check_kept(const struct domain *d)
{
    uint32_t found = (d->is_dead ? 0u : 1u) + (d->tot_pages != 0 ? 1u : 0u) + check_handles(d);

    if (found != d->ref.count) {
        check_wrong("d%u is kept by %u references, %u are counted", d->id, found, d->ref.count);
    }
    if (d->is_dead && !d->is_dying) {
        check_wrong("d%u is dead and did not die", d->id);
    }
}

static void check_vcpus(const struct domain *d)
{
    for (uint32_t i = 0; i < d->max_vcpus; i++) {
        const struct vcpu *v = d->vcpu[i];

        if (v != NULL && (v->d != d || v->id != i || v->info == NULL)) {
            check_wrong("d%u: vCPU %u is not its own", d->id, i);
        }
    }
}

static void check_vmid(const struct domain *d, uint64_t *seen)
{
    uint64_t vmid = d->p2m.arch.vmid, number = vmid & VMID_MASK;

    if ((vmid & ~VMID_MASK) != vmid_generation) {
        return; /* it gets another one before it runs */
    }
    if (number == 0 || number >= VMIDS || (seen[number / 64u] >> number % 64u & 1u) != 0) {
        check_wrong("d%u: VMID %lu is another's, too", d->id, number);
        return;
    }
    seen[number / 64u] |= 1ul << number % 64u;
}

void check_domains(void)
{
    uint64_t seen[VMIDS / 64u] = {0};
    const struct domain *d;
    int before = -1;

    list_for_each(d, &domain_list, all) {
        struct domain *same = domain_get_by_id(d->id);

        if (d->id <= before) {
            check_wrong("d%u comes behind d%d", d->id, before);
        }
        /* The last reference of one that is taken apart is gone. */
        if (same != d && (same != NULL || d->ref.count != 0)) {
            check_wrong("d%u is not found by its number", d->id);
        }
        if (same != NULL) {
            domain_put(same);
        }
        before = d->id;
        check_kept(d);
        check_vcpus(d);
        check_vmid(d, seen);
    }
}
