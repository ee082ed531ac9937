/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a vCPU's struct vcpu_info is: VCPUOP_register_vcpu_info moves it, once, into a page of the
 * guest's.
 */
#include <arch/mm.h>
#include <public/xen.h>
#include <xen/domain.h>
#include <xen/errno.h>
#include <xen/page.h>
#include <xen/string.h>

/* -EBUSY: it was moved before. */
static int vcpu_info_move(struct vcpu *v, struct page *pg, struct vcpu_info *info)
{
    int rc = -EBUSY;

    spin_lock(&v->d->lock);
    if (v->info_page == NULL && !v->d->is_dying) {
        memcpy(info, v->info, sizeof(*info));
        v->info_page = pg;
        /* Release: an event channel that finds the new place finds it filled. */
        atomic_store_release(&v->info, info);
        rc = 0;
    }
    spin_unlock(&v->d->lock);
    return rc;
}

int vcpu_info_register(struct vcpu *v, gfn_t frame, uint32_t offset)
{
    struct vcpu_info *info;
    struct page *pg;
    int rc;

    if (offset >= PAGE_SIZE || gfn_x(frame) > UINT64_MAX >> PAGE_SHIFT) {
        return -EINVAL;
    }
    if (v->info_page != NULL) {
        return -EBUSY;
    }
    if (offset > PAGE_SIZE - sizeof(*info) || offset % sizeof(xen_ulong_t) != 0) {
        return -ENXIO;
    }
    pg = p2m_get_page(v->d, frame, true);
    if (pg == NULL) {
        return -EINVAL;
    }
    info =
        (struct vcpu_info *)((uint8_t *)arch_pa_to_va(mfn_x(page_mfn(pg)) << PAGE_SHIFT) + offset);
    rc = vcpu_info_move(v, pg, info);
    if (rc != 0) {
        page_put(pg);
        return rc;
    }
    smp_mb(); /* the new place is visible before the mark, so that nothing goes to the old one after
                 it */
    evtchn_check_upcall(v);
    return 0;
}

void vcpu_info_unregister(struct vcpu *v)
{
    struct page *pg;

    spin_lock(&v->d->lock);
    pg = v->info_page;
    if (pg != NULL) {
        /* Dying: nobody reads it any more, but events must still have a place to go to. */
        atomic_store(&v->info,
                     v->dummy_info != NULL ? v->dummy_info : &v->d->shared_info->vcpu_info[0]);
        v->info_page = NULL;
    }
    spin_unlock(&v->d->lock);
    if (pg != NULL) {
        page_put(pg);
    }
}
