/* SPDX-License-Identifier: Apache-2.0 */
/* The table of emulated device regions of a domain, and finding the one that an access is for. */
#include <xen/domain.h>
#include <xen/errno.h>
#include <xen/mmio.h>
#include <xen/printk.h>

int mmio_register(struct domain *d, paddr_t start, paddr_t end, mmio_fn *fn, void *data)
{
    struct mmio_table *t = &d->mmio;
    uint32_t at = t->count;

    if (start >= end) {
        return -EINVAL;
    }
    if (t->count == MMIO_MAX_REGIONS) {
        return -ENOSPC;
    }
    while (at != 0 && t->region[at - 1u].start >= start) {
        at--;
    }
    if ((at != 0 && t->region[at - 1u].end > start) ||
        (at != t->count && t->region[at].start < end)) {
        return -EEXIST;
    }
    for (uint32_t i = t->count; i > at; i--) {
        t->region[i] = t->region[i - 1u];
    }
    t->region[at] = (struct mmio_region){.start = start, .end = end, .fn = fn, .data = data};
    t->count++;
    return 0;
}

enum mmio_result mmio_dispatch(struct vcpu *v, struct mmio_access *a)
{
    const struct mmio_table *t = &v->d->mmio;

    /* A handful of regions: a scan beats anything else. An aligned access never spans two. */
    for (uint32_t i = 0; i < t->count; i++) {
        const struct mmio_region *r = &t->region[i];

        if (a->gpa - r->start < r->end - r->start) {
            return r->fn(v, a, a->gpa - r->start, r->data);
        }
    }
    return MMIO_UNHANDLED;
}

void mmio_report(const struct vcpu *v, const struct mmio_fault *f, bool decoded,
                 enum mmio_result result, uint64_t pc)
{
    const char *what = f->write ? "writable memory" : "memory";

    guest_printk(v, "no %s at guest address %#lx (virtual %#lx) for the instruction at %#lx%s\n",
                 result == MMIO_ERROR ? "such access" : what, f->gpa, f->gva, pc,
                 decoded ? "" : ", whose access cannot be emulated");
}
