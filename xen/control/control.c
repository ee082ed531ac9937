/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the operations of privileged domains have in common: their mutual exclusion, bitmaps in the
 * tools' form, and the description of a domain.
 */
#include <arch/mm.h>
#include <arch/p2m.h>
#include <public/domctl.h>
#include <xen/control.h>
#include <xen/cpupool.h>
#include <xen/domain.h>
#include <xen/errno.h>
#include <xen/guest_copy.h>
#include <xen/lib.h>
#include <xen/page.h>
#include <xen/string.h>

/* Of a tool's bitmap, whose rest is zeroed in one go; no machine has so many CPUs or nodes. */
#define MASK_BITS_MAX 65536u

static uint32_t busy; /* atomic */

bool control_begin(struct vcpu *v)
{
    if (!domain_wait_begin(v->d)) {
        return false;
    }
    if (atomic_exchange(&busy, 1u) != 0) {
        domain_wait_end(v->d);
        return false;
    }
    return true;
}

void control_end(struct vcpu *v)
{
    /* Release: the next one sees what this one did. */
    atomic_store_release(&busy, 0u);
    domain_wait_end(v->d);
}

int control_mask_out(const struct xenctl_bitmap *map, uint32_t mask, uint32_t bits)
{
    /* Little endian, as the tools' byte arrays are: bit 0 is bit 0 of the first byte. */
    uint32_t out = bits < 32 ? mask & ((1u << bits) - 1u) : mask;
    size_t theirs = (size_t)map->nr_bits / 8u + (map->nr_bits % 8u != 0);
    size_t ours = min_size(theirs, (bits + 7u) / 8u);

    if (map->nr_bits > MASK_BITS_MAX) {
        return -EINVAL;
    }
    if (ours != 0 && guest_copy_to(map->bitmap, &out, ours) != 0) {
        return -EFAULT;
    }
    return theirs > ours ? guest_zero(map->bitmap + ours, theirs - ours) : 0;
}

int control_mask_in(uint32_t *mask, const struct xenctl_bitmap *map, uint32_t bits)
{
    uint32_t in = 0, given = min_u32(map->nr_bits, bits);

    if (given != 0 && guest_copy_from(&in, map->bitmap, (given + 7u) / 8u) != 0) {
        return -EFAULT;
    }
    *mask = given < 32 ? in & ((1u << given) - 1u) : in;
    return 0;
}

/* Where d sees its shared_info, or all ones. */
static uint64_t control_info_shared_frame(const struct domain *d)
{
    struct page *pg = page_of(mfn(arch_va_to_pa(d->shared_info) >> PAGE_SHIFT));

    return pg != NULL ? atomic_load(&pg->user) - 1 : UINT64_MAX;
}

static void control_info_add_vcpu(struct xen_domctl_getdomaininfo *info, struct vcpu *v)
{
    struct vcpu_runstate_info runstate;

    vcpu_runstate_get(v, &runstate);
    info->cpu_time += runstate.time[RUNSTATE_running];
    info->max_vcpu_id = v->id;
    if (!vcpu_is_up(v)) {
        return;
    }
    info->nr_online_vcpus++;
    if ((atomic_load(&v->pause_flags) & VPF_BLOCKED) == 0) {
        info->flags &= ~XEN_DOMINF_blocked;
    }
    if (sched_is_running(v)) {
        info->flags |= XEN_DOMINF_running;
    }
}

void control_domain_info(struct domain *d, struct xen_domctl_getdomaininfo *info)
{
    struct vcpu *v;

    memset(info, 0, sizeof(*info));
    info->domain = d->id;
    info->max_vcpu_id = XEN_INVALID_MAX_VCPU_ID;
    info->flags = XEN_DOMINF_blocked; /* unless a vCPU is not */
    for_each_vcpu(d, v) {
        control_info_add_vcpu(info, v);
    }
    if (info->nr_online_vcpus == 0) {
        info->flags = 0;
    }
    info->flags |= XEN_DOMINF_hvm_guest | (d->is_dead ? XEN_DOMINF_dying : 0) |
                   (d->is_shut_down ? XEN_DOMINF_shutdown : 0) |
                   (d->controller_pause_count != 0 ? XEN_DOMINF_paused : 0) |
                   (d->debugger_attached ? XEN_DOMINF_debugged : 0) | XEN_DOMINF_hap |
                   ((d->options & XEN_DOMCTL_CDF_xs_domain) != 0 ? XEN_DOMINF_xs_domain : 0) |
                   /* No code is -1, sign and all, as the tools know it. */
                   (uint32_t)(d->shutdown_code == SHUTDOWN_CODE_NONE ? -1 : d->shutdown_code)
                       << XEN_DOMINF_shutdownshift;
    info->tot_pages = d->tot_pages;
    info->max_pages = d->max_pages;
    info->outstanding_pages = d->claim_pages;
    info->shared_info_frame = control_info_shared_frame(d);
    info->ssidref = d->ssidref;
    memcpy(info->handle, d->handle, sizeof(info->handle));
    info->cpupool = d->pool->id;
    info->gpaddr_bits = (uint8_t)arch_p2m_ipa_bits();
}
