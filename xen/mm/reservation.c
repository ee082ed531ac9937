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
#include <xen/page_alloc.h>

/* Largest extents (memop-max-order of Xen's command line, its defaults for Arm). */
#define MAX_ORDER_PRIVILEGED     18u
#define MAX_ORDER_GUEST          9u
#define MEMF_ADDRESS_BITS(flags) ((flags) & 0xffu)
#define MEMF_NODE(flags)         ((((flags) >> 8) - 1u) & 0xffu)
#define MEMF_NO_NODE             0xffu

/* One increase, decrease or populate: extents [done, nr) are left. */
struct reservation {
    struct domain *d;
    uint64_t list; /* guest address of the frame numbers, 0: none */
    uint64_t nr, done;
    uint32_t order;
    paddr_t limit;
    bool on_demand;
};

typedef int reservation_fn(struct reservation *r);

static int reservation_frame(const struct reservation *r, gfn_t *gfn)
{
    return guest_copy_from(&gfn->n, r->list + r->done * sizeof(gfn->n), sizeof(gfn->n));
}

static int reservation_increase(struct reservation *r)
{
    mfn_t mfn;

    return domain_page_alloc(r->d, r->order, r->limit, 0, &mfn);
}

/* Single pages: as many as one flush is good for. */
static int reservation_decrease_pages(struct reservation *r)
{
    uint64_t left = r->nr - r->done, list = r->list + r->done * sizeof(gfn_t);
    unsigned int nr = left < P2M_TAKE_MAX ? (unsigned int)left : P2M_TAKE_MAX, taken;
    gfn_t gfn[P2M_TAKE_MAX];
    mfn_t mfn[P2M_TAKE_MAX];

    if (guest_copy_from(gfn, list, nr * sizeof(gfn[0])) != 0) {
        nr = 1; /* the list may end where it cannot be read */
        if (guest_copy_from(gfn, list, sizeof(gfn[0])) != 0) {
            return -EFAULT;
        }
    }
    taken = p2m_take_pages(r->d, gfn, nr, mfn);
    if (taken == 0) {
        return -ENOENT;
    }
    for (unsigned int i = 0; i < taken && !r->d->p2m.direct_mapped; i++) {
        domain_page_free(r->d, mfn[i], 1);
    }
    r->done += taken - 1u; /* the caller counts one */
    return 0;
}

/*
 * Take nr pages of RAM out from gfn on, up to a hole, and give back what was taken. A 1:1 domain
 * keeps it, so that it can have the same frames again: devices know no others. Nobody else gets
 * them, and they still count as its memory.
 */
static int reservation_take(struct domain *d, gfn_t gfn, uint64_t nr)
{
    struct p2m_taken taken;
    uint64_t done = 0;

    while (done < nr) {
        int rc = p2m_take(d, gfn_add(gfn, done), nr - done, &taken);

        if (rc != 0) {
            return rc;
        }
        for (unsigned int i = 0; i < taken.nr; i++) {
            uint64_t pages = 1ull << taken.extent[i].order;

            if (!d->p2m.direct_mapped) {
                domain_page_free(d, taken.extent[i].mfn, pages);
            }
            done += pages;
        }
    }
    return 0;
}

static int reservation_decrease(struct reservation *r)
{
    gfn_t gfn;
    int rc;

    if (r->order == 0) {
        return reservation_decrease_pages(r);
    }
    rc = reservation_frame(r, &gfn);
    return rc == 0 ? reservation_take(r->d, gfn, 1ull << r->order) : rc;
}

static int reservation_populate(struct reservation *r)
{
    struct p2m_leaf leaf = {.kind = P2M_RAM, .flags = P2M_WRITE | P2M_EXEC};
    uint64_t nr = 1ull << r->order, mapped;
    gfn_t gfn;
    int rc = reservation_frame(r, &gfn);

    if (rc != 0 || r->on_demand) {
        return -EINVAL;
    }
    if (r->order > CHUNK_ORDER && !is_aligned(gfn.n, 1ull << CHUNK_ORDER)) {
        return -EINVAL; /* hundreds of thousands of single pages are no slice */
    }
    if (r->d->p2m.direct_mapped) {
        leaf.mfn = (mfn_t){gfn.n};
        if (!is_aligned(gfn.n, 1ull << r->order) || !domain_page_owned(r->d, leaf.mfn, r->order)) {
            return -EINVAL;
        }
        return p2m_map(r->d, gfn, nr, leaf);
    }
    rc = domain_page_alloc(r->d, r->order, r->limit, 0, &leaf.mfn);
    if (rc != 0) {
        return rc;
    }
    rc = p2m_map_partly(r->d, gfn, nr, leaf, &mapped);
    if (rc != 0) {
        /* The guest never had the pages behind `mapped`: they are still these. Those before may
         * have gone and come back elsewhere: what is taken out now is freed, not what was put in.
         * A hole stops that; the rest stays with the domain, mapped. */
        domain_page_free(r->d, mfn_add(leaf.mfn, mapped), nr - mapped);
        (void)reservation_take(r->d, gfn, mapped);
    }
    return rc;
}

/* 0: all done or stopped by an error; -ERESTART. */
static int reservation_run(struct reservation *r, reservation_fn *fn)
{
    uint64_t start = r->done;

    while (r->done < r->nr) {
        int rc;

        if (r->done != start && hypercall_preempt()) {
            return -ERESTART;
        }
        rc = fn(r);
        if (rc == -ERESTART && hypercall_preempt()) {
            return rc; /* a slice of scrubbing was done */
        }
        if (rc != 0 && rc != -ERESTART) {
            return 0;
        }
        r->done += rc == 0;
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
    return r->order <= (privileged ? MAX_ORDER_PRIVILEGED : MAX_ORDER_GUEST);
}

static long memory_reservation(struct op_call *call, reservation_fn *fn)
{
    uint64_t start = memory_op_start(call);
    struct reservation r = {.done = start};
    struct xen_memory_reservation in;
    int rc = 0;

    if (guest_copy_from(&in, call->gva, sizeof(in)) != 0 ||
        in.nr_extents > UINT32_MAX >> MEMOP_EXTENT_SHIFT || start >= in.nr_extents) {
        return (long)start;
    }
    r.d = domain_by_id_or_self(in.domid);
    if (r.d == NULL) {
        return (long)start;
    }
    if (access_act_on(call->v->d, r.d) && reservation_valid(call->v, &in, &r)) {
        rc = reservation_run(&r, fn);
    }
    domain_put(r.d);
    return rc == -ERESTART ? memory_op_again(call, r.done) : (long)r.done;
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
