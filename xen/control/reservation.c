/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory_op: how much memory a domain has - increase, decrease, populate, a list of extents at a
 * time. Answers follow Xen's Arm port: the number of extents done, whatever went wrong.
 */
#include <public/memory.h>
#include <xen/access.h>
#include <xen/domain.h>
#include <xen/errno.h>
#include <xen/guest_copy.h>
#include <xen/hypercall.h>
#include <xen/lib.h>
#include <xen/memmap.h>
#include <xen/memory_op.h>
#include <xen/page_domain.h>

/* Largest extents (memop-max-order of Xen's command line, its defaults for Arm). */
#define MAX_ORDER_PRIVILEGED     18u
#define MAX_ORDER_GUEST          9u
#define MEMF_ADDRESS_BITS(flags) ((flags) & 0xffu)
#define MEMF_NODE(flags)         ((((flags) >> 8) - 1u) & 0xffu)
#define MEMF_NO_NODE             0xffu

/*
 * A call that goes on has the number of extents done in the low bits of its cursor, and above them
 * how many pages of the next one are.
 */
#define EXTENT_BITS (32u - MEMOP_EXTENT_SHIFT)

/* Pages that are taken out and freed at once: a block of a GiB would be a lot. */
#define DECREASE_PAGES (16ull << CHUNK_ORDER)

/* One increase, decrease or populate: extents [done, nr) are left, of the first one the pages from
 * `place` on. */
struct reservation {
    struct domain *d;
    uint64_t list; /* guest address of the frame numbers, 0: none */
    uint64_t nr, done, place;
    uint32_t order;
    paddr_t limit;
    bool on_demand;
};

/* Works on an extent, or on several pages of a list of them, for less than 20,000 instructions.
 * -ERESTART: the extent is not done yet. */
typedef int reservation_fn(struct reservation *r);

static int reservation_frame(const struct reservation *r, gfn_t *gfn)
{
    return guest_copy_from(&gfn->n, r->list + r->done * sizeof(gfn->n), sizeof(gfn->n));
}

static int reservation_increase(struct reservation *r)
{
    mfn_t mfn;

    return domain_page_alloc(r->d, r->order, r->limit, &mfn);
}

/* Single pages: as many as one flush is good for. */
static int reservation_decrease_pages(struct reservation *r)
{
    uint64_t left = r->nr - r->done, list = r->list + r->done * sizeof(gfn_t);
    unsigned int nr = left < P2M_TAKE_MAX ? (unsigned int)left : P2M_TAKE_MAX;
    gfn_t gfn[P2M_TAKE_MAX];
    struct p2m_leaf leaf[P2M_TAKE_MAX];
    int taken;

    if (guest_copy_from(gfn, list, nr * sizeof(gfn[0])) != 0) {
        nr = 1; /* the list may end where it cannot be read */
        if (guest_copy_from(gfn, list, sizeof(gfn[0])) != 0) {
            return -EFAULT;
        }
    }
    for (unsigned int i = 0; i < nr; i++) {
        leaf[i].kind = P2M_RAM;
    }
    taken = p2m_take_pages(r->d, gfn, nr, leaf);
    if (taken < 0) {
        return -ENOENT;
    }
    for (int i = 0; i < taken && !r->d->p2m.direct_mapped; i++) {
        domain_page_free(r->d, leaf[i].mfn, 1);
    }
    r->done += (unsigned int)taken - 1u; /* the caller counts one */
    return 0;
}

/*
 * Take RAM out, up to a hole, and give back what was taken. A 1:1 domain keeps it, so that it can
 * have the same frames again: devices know no others. Nobody else gets them, and they still count
 * as its memory.
 */
static int reservation_decrease(struct reservation *r)
{
    uint64_t left = (1ull << r->order) - r->place;
    struct p2m_taken taken;
    gfn_t gfn;
    int rc;

    if (r->order == 0) {
        return reservation_decrease_pages(r);
    }
    rc = reservation_frame(r, &gfn);
    if (rc != 0) {
        return rc;
    }
    if (!r->d->p2m.direct_mapped) {
        left = min_u64(left, DECREASE_PAGES);
    }
    rc = p2m_take(r->d, gfn_add(gfn, r->place), left, &taken);
    if (rc != 0) {
        return rc;
    }
    for (unsigned int i = 0; i < taken.nr; i++) {
        uint64_t pages = 1ull << taken.extent[i].order;

        if (!r->d->p2m.direct_mapped) {
            domain_page_free(r->d, taken.extent[i].mfn, pages);
        }
        r->place += pages;
    }
    return r->place >> r->order != 0 ? 0 : -ERESTART;
}

/* The domain's own frames where they belong, a chunk at a time. */
static int reservation_populate_direct(struct reservation *r, gfn_t gfn)
{
    struct p2m_leaf leaf = {
        .mfn = {gfn.n + r->place}, .kind = P2M_RAM, .flags = P2M_WRITE | P2M_EXEC};
    unsigned int order = min_u32(r->order, CHUNK_ORDER);
    int rc = 0;

    if (!is_aligned(gfn.n, 1ull << r->order) || !is_aligned(r->place, 1ull << order) ||
        !domain_page_owned(r->d, leaf.mfn, order)) {
        return -EINVAL;
    }
    if (order != 0) {
        rc = p2m_prepare(r->d, (gfn_t){leaf.mfn.n}, 1ull << order);
    }
    if (rc == 0) {
        rc = p2m_map(r->d, (gfn_t){leaf.mfn.n}, 1ull << order, leaf);
    }
    if (rc != 0) {
        return rc;
    }
    r->place += 1ull << order;
    return r->place >> r->order != 0 ? 0 : -ERESTART;
}

static int reservation_populate(struct reservation *r)
{
    struct p2m_leaf leaf = {.kind = P2M_RAM, .flags = P2M_WRITE | P2M_EXEC};
    uint64_t nr = 1ull << r->order;
    gfn_t gfn;
    int rc = reservation_frame(r, &gfn);

    if (rc != 0 || r->on_demand) {
        return -EINVAL;
    }
    if (r->order > CHUNK_ORDER && !is_aligned(gfn.n, 1ull << CHUNK_ORDER)) {
        return -EINVAL; /* hundreds of thousands of single pages are no slice */
    }
    if (r->d->p2m.direct_mapped) {
        return reservation_populate_direct(r, gfn);
    }
    if (r->order != 0) {
        /* What is there goes only for something that may come. */
        rc = atomic_load(&r->d->tot_pages) + nr <= atomic_load(&r->d->max_pages)
                 ? p2m_prepare(r->d, gfn, nr)
                 : -E2BIG;
    }
    if (rc != 0 && rc != -ENOMEM) {
        return rc;
    }
    if (rc == 0) {
        rc = domain_page_alloc(r->d, r->order, r->limit, &leaf.mfn);
    }
    if (rc != 0) {
        /* Tables for what does not come go again. */
        return rc != -ERESTART && r->order != 0 && p2m_unmap(r->d, gfn, nr) != 0 ? -EINVAL : rc;
    }
    rc = p2m_map(r->d, gfn, nr, leaf);
    if (rc != 0 && r->order == 0) {
        domain_page_free(r->d, leaf.mfn, 1);
    }
    /* Of a larger extent some pages may be mapped, and so gone elsewhere by now: the domain keeps
     * them. That befalls only one that changes the same place meanwhile, or dies. */
    return rc;
}

/* 0: all done or stopped by an error; -ERESTART. */
static int reservation_run(struct reservation *r, reservation_fn *fn)
{
    while (r->done < r->nr) {
        int rc = fn(r);

        if (rc == 0) {
            r->done++;
            r->place = 0;
        } else if (rc != -ERESTART) {
            return 0;
        }
        if (r->done < r->nr && hypercall_preempt()) {
            return -ERESTART;
        }
    }
    return 0;
}

/* Is the request one that can be done at all? */
static bool reservation_valid(const struct vcpu *v, const struct xen_memory_reservation *arg,
                              struct reservation *r)
{
    unsigned int bits = MEMF_ADDRESS_BITS(arg->mem_flags), node = MEMF_NODE(arg->mem_flags);
    bool privileged = access_control(v->d) || v->d->is_hardware;

    if (bits != 0 && bits <= PAGE_SHIFT) {
        return false;
    }
    if (bits != 0 && bits < 64 && memmap_max_frame() << PAGE_SHIFT > 1ull << bits) {
        r->limit = 1ull << bits;
    }
    /* There is one node: 0. Guests' wishes are ignored. */
    if (node != MEMF_NO_NODE && (arg->mem_flags & XENMEMF_vnode) == 0 &&
        (privileged ? node != 0 : (arg->mem_flags & XENMEMF_exact_node_request) != 0)) {
        return false;
    }
    r->list = arg->extent_start;
    r->nr = arg->nr_extents;
    r->order = arg->extent_order;
    r->on_demand = (arg->mem_flags & XENMEMF_populate_on_demand) != 0;
    return r->order <= (privileged ? MAX_ORDER_PRIVILEGED : MAX_ORDER_GUEST) &&
           r->place >> r->order == 0;
}

static long memory_reservation(struct op_call *call, reservation_fn *fn)
{
    uint64_t start = memory_op_start(call);
    struct reservation r = {.done = start & ((1ull << EXTENT_BITS) - 1u),
                            .place = start >> EXTENT_BITS};
    struct xen_memory_reservation in;
    int rc = 0;

    if (guest_copy_from(&in, call->gva, sizeof(in)) != 0 ||
        in.nr_extents > UINT32_MAX >> MEMOP_EXTENT_SHIFT || r.done >= in.nr_extents) {
        return (long)r.done;
    }
    r.d = domain_by_id_or_self(in.domid);
    if (r.d == NULL) {
        return (long)r.done;
    }
    if (access_act_on(call->v->d, r.d) && reservation_valid(call->v, &in, &r)) {
        rc = reservation_run(&r, fn);
    }
    domain_put(r.d);
    return rc == -ERESTART ? memory_op_again(call, r.done | r.place << EXTENT_BITS) : (long)r.done;
}

long memory_increase(struct op_call *call)
{
    return memory_reservation(call, reservation_increase);
}

long memory_decrease(struct op_call *call)
{
    return memory_reservation(call, reservation_decrease);
}

long memory_populate(struct op_call *call)
{
    return memory_reservation(call, reservation_populate);
}
