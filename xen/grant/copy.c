/* SPDX-License-Identifier: Apache-2.0 */
/* GNTTABOP_copy: the hypervisor copies between a page of the caller and a granted one, or between
 * two granted ones. */
#include <xen/access.h>
#include <xen/errno.h>
#include <xen/grant_table.h>
#include <xen/p2m.h>
#include <xen/page.h>
#include <xen/string.h>

/* One end of a copy while it is held. */
struct copy_end {
    struct domain *d;
    struct page *pg;
    grant_ref_t ref;
    bool granted;
    bool write;
};

/* Xen lets two ends by that a domain could not both map, if only one of them is dom0's. */
static bool copy_allowed(const struct domain *d, const struct gnttab_copy_ptr *where,
                         const struct copy_end *end)
{
    /* Frames only of the caller itself. */
    return (end->granted || where->domid == DOMID_SELF) && access_talk(d, d, end->d);
}

static int16_t copy_hold_domains(const struct domain *d, const struct gnttab_copy *op,
                                 struct copy_end *from, struct copy_end *to)
{
    from->d = domain_by_id_or_self(op->source.domid);
    to->d = domain_by_id_or_self(op->dest.domid);
    if (from->d == NULL || to->d == NULL) {
        return GNTST_bad_domain;
    }
    return copy_allowed(d, &op->source, from) && copy_allowed(d, &op->dest, to)
               ? GNTST_okay
               : GNTST_permission_denied;
}

static int16_t copy_hold_page(const struct domain *d, const struct gnttab_copy_ptr *where,
                              struct copy_end *end)
{
    if (end->granted) {
        end->ref = where->u.ref;
        return grant_pin(end->d, end->ref, d->id, end->write, false, &end->pg);
    }
    end->pg = p2m_get_page(end->d, gfn(where->u.gmfn), end->write);
    return end->pg != NULL ? GNTST_okay : GNTST_bad_page;
}

static void copy_let_go(struct copy_end *end)
{
    struct page *drop = end->pg;

    if (end->pg != NULL && end->granted) {
        drop = grant_unpin(end->d, end->ref, end->write);
    }
    if (drop != NULL) {
        page_put(drop);
    }
    if (end->d != NULL) {
        domain_put(end->d);
    }
}

static int16_t copy_bytes(const struct gnttab_copy *op, const struct copy_end *from,
                          const struct copy_end *to)
{
    const uint8_t *source = page_va(from->pg);
    uint8_t *dest = page_va(to->pg);

    if ((uint32_t)op->source.offset + op->len > PAGE_SIZE ||
        (uint32_t)op->dest.offset + op->len > PAGE_SIZE) {
        return GNTST_bad_copy_arg;
    }
    memmove(dest + op->dest.offset, source + op->source.offset, op->len);
    return GNTST_okay;
}

int16_t grant_op_copy(struct domain *d, const struct gnttab_copy *op)
{
    struct copy_end from = {.granted = (op->flags & GNTCOPY_source_gref) != 0};
    struct copy_end to = {.granted = (op->flags & GNTCOPY_dest_gref) != 0, .write = true};
    int16_t rc;

    if (op->len == 0) {
        return GNTST_okay;
    }
    rc = copy_hold_domains(d, op, &from, &to);
    if (rc == GNTST_okay) {
        rc = copy_hold_page(d, &op->source, &from);
    }
    if (rc == GNTST_okay) {
        rc = copy_hold_page(d, &op->dest, &to);
    }
    if (rc == GNTST_okay) {
        rc = copy_bytes(op, &from, &to);
    }
    copy_let_go(&to);
    copy_let_go(&from);
    return rc;
}
