/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The run state of a vCPU: how long it was running, runnable, blocked, offline; and the copy of it
 * in the guest's memory. Everything here is written under the scheduler's lock, since it changes
 * with the scheduler's decisions, on any CPU.
 */
#include <arch/mm.h>
#include <public/vcpu.h>
#include <public/xen.h>
#include <xen/domain.h>
#include <xen/errno.h>
#include <xen/guest_copy.h>
#include <xen/lib.h>
#include <xen/page.h>
#include <xen/string.h>

/* Write n bytes at `at` of the area, which may go on in a second page. */
static void runstate_write(const struct vcpu_area *area, size_t at, const void *from, size_t n)
{
    const uint8_t *bytes = from;

    at += area->offset;
    while (n != 0) {
        uint8_t *page = arch_pa_to_va(mfn_x(page_mfn(area->page[at / PAGE_SIZE])) << PAGE_SHIFT);
        size_t part = min_size(n, PAGE_SIZE - at % PAGE_SIZE);

        memcpy(page + at % PAGE_SIZE, bytes, part);
        bytes += part;
        at += part;
        n -= part;
    }
}

static void runstate_write_entry_time(const struct vcpu_area *area,
                                      const struct vcpu_runstate_info *info)
{
    size_t at = offsetof(struct vcpu_runstate_info, state_entry_time);

    runstate_write(area, at, &info->state_entry_time, sizeof(info->state_entry_time));
}

/* With zeros between the fields: guests get all of it. */
static void runstate_copy(struct vcpu_runstate_info *to, const struct vcpu_runstate_info *from)
{
    memset(to, 0, sizeof(*to));
    to->state = from->state;
    to->state_entry_time = from->state_entry_time;
    memcpy(to->time, from->time, sizeof(to->time));
}

static __noinline void runstate_publish(const struct vcpu *v)
{
    const struct vcpu_area *area = &v->runstate_area;
    struct vcpu_runstate_info info;

    runstate_copy(&info, &v->runstate);
    if ((v->d->vm_assist & 1u << VMASST_TYPE_runstate_update_flag) == 0) {
        runstate_write(area, 0, &info, sizeof(info));
        return;
    }
    info.state_entry_time |= XEN_RUNSTATE_UPDATE;
    runstate_write_entry_time(area, &info);
    smp_wmb(); /* a guest that reads new times has seen, or will see, the flag ... */
    runstate_write(area, 0, &info, sizeof(info));
    smp_wmb(); /* ... and one that sees the flag gone reads new times */
    info.state_entry_time &= ~XEN_RUNSTATE_UPDATE;
    runstate_write_entry_time(area, &info);
}

/* Times up to now. */
static void runstate_account(struct vcpu_runstate_info *info, int64_t now)
{
    uint64_t since = (uint64_t)now - info->state_entry_time;

    info->time[info->state] += (int64_t)since > 0 ? since : 0;
}

void vcpu_runstate_change(struct vcpu *v, int state, int64_t now)
{
    if (v->runstate.state == state) {
        return;
    }
    runstate_account(&v->runstate, now);
    v->runstate.state = state;
    v->runstate.state_entry_time = (uint64_t)now;
    if (v->runstate_area.page[0] != NULL) {
        runstate_publish(v);
    }
}

void vcpu_runstate_get(struct vcpu *v, struct vcpu_runstate_info *info)
{
    spin_lock(&sched_lock);
    runstate_copy(info, &v->runstate);
    runstate_account(info, time_now());
    spin_unlock(&sched_lock);
}

/* Exchange v's area; the old one's references go. */
static void runstate_set_area(struct vcpu *v, struct vcpu_area area)
{
    struct vcpu_area old;

    spin_lock(&sched_lock);
    old = v->runstate_area;
    v->runstate_area = area;
    if (area.page[0] != NULL) {
        runstate_publish(v);
    }
    spin_unlock(&sched_lock);
    if (old.page[0] != NULL) {
        page_put(old.page[0]);
    }
    if (old.page[1] != NULL) {
        page_put(old.page[1]);
    }
}

int vcpu_runstate_register(struct vcpu *v, uint64_t gva)
{
    uint64_t last = gva + sizeof(struct vcpu_runstate_info) - 1;
    struct vcpu_area area = {.offset = (uint32_t)(gva % PAGE_SIZE)};

    area.page[0] = guest_page_of_gva(gva, true);
    if (area.page[0] == NULL) {
        return -EFAULT;
    }
    if (last / PAGE_SIZE != gva / PAGE_SIZE) {
        area.page[1] = guest_page_of_gva(last, true);
        if (area.page[1] == NULL) {
            page_put(area.page[0]);
            return -EFAULT;
        }
    }
    runstate_set_area(v, area);
    return 0;
}

void vcpu_runstate_unregister(struct vcpu *v)
{
    runstate_set_area(v, (struct vcpu_area){0});
}
