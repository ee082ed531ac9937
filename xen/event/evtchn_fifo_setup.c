/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Switching a domain to the FIFO form and back: the guest frames that hold control blocks and event
 * words. Each frame used holds a reference until the switch back or the end of the domain, so it
 * stays allocated whatever the guest does to its p2m.
 */
#include <arch/mm.h>
#include <xen/errno.h>
#include <xen/evtchn_fifo.h>
#include <xen/evtchn_port.h>
#include <xen/guest_atomic.h>
#include <xen/heap.h>
#include <xen/hypercall.h>
#include <xen/lib.h>
#include <xen/p2m.h>
#include <xen/page.h>

#define RAISE_SLICE 32u /* ports that are looked at, and perhaps raised, with the lock held */

/* In place of the frame, for an expand_array that goes on: the port where it does. */
#define FIFO_RAISE (1ull << 63)

static void *evtchn_fifo_page_va(const struct page *pg)
{
    return arch_pa_to_va(mfn_x(page_mfn(pg)) << PAGE_SHIFT);
}

static struct evtchn_fifo *evtchn_fifo_new(const struct domain *d)
{
    struct evtchn_fifo *f = heap_alloc(sizeof(*f) + d->max_vcpus * sizeof(f->vcpu[0]));

    if (f != NULL) {
        spin_init(&f->lock, LOCK_EVENT_QUEUE);
        f->nr_vcpus = d->max_vcpus;
    }
    return f;
}

void evtchn_fifo_free(struct evtchn_fifo *f)
{
    if (f == NULL) {
        return;
    }
    for (uint32_t i = 0; i < f->nr_words / FIFO_WORDS_PER_PAGE; i++) {
        page_put(f->page[i]);
    }
    for (uint32_t i = 0; i < f->nr_vcpus; i++) {
        if (f->vcpu[i].page != NULL) {
            page_put(f->vcpu[i].page);
        }
    }
    heap_free(f, sizeof(*f) + f->nr_vcpus * sizeof(f->vcpu[0]));
}

struct evtchn_fifo *evtchn_fifo_uninstall(struct domain *d)
{
    struct evtchn_fifo *f = d->events.fifo;

    /* No port is bound, so nobody calls these functions or follows this pointer. */
    atomic_store(&d->events.ops, &evtchn_2l_ops);
    atomic_store(&d->events.fifo, (struct evtchn_fifo *)NULL);
    return f;
}

/* From now on `f` is used. What is pending in 2-level form is carried over when its word comes.
 * Bind lock held. */
static void evtchn_fifo_install(struct domain *d, struct evtchn_fifo *f)
{
    atomic_store(&d->events.fifo, f);
    /* Who takes a port's lock after this sees the new functions (evtchn_abi); who has it may still
     * use the old ones. */
    atomic_store_release(&d->events.ops, &evtchn_fifo_ops);
}

int evtchn_fifo_init_control(struct domain *d, struct evtchn_init_control *arg)
{
    struct vcpu *v = domain_vcpu(d, arg->vcpu);
    struct evtchn_fifo *fifo = NULL;
    struct evtchn_fifo_vcpu *fv;
    struct page *pg;
    int rc = -EINVAL;

    arg->link_bits = EVTCHN_FIFO_LINK_BITS;
    if (v == NULL) {
        return -ENOENT;
    }
    if (arg->offset > PAGE_SIZE - sizeof(*fv->block) || arg->offset % 8 != 0) {
        return -EINVAL;
    }
    if (atomic_load(&d->events.fifo) == NULL && (fifo = evtchn_fifo_new(d)) == NULL) {
        return -ENOMEM;
    }
    pg = p2m_get_page(d, gfn(arg->control_gfn), true);

    spin_lock(&evtchn_bind_lock);
    if (pg != NULL && !d->is_dying && (d->events.fifo != NULL || fifo != NULL)) {
        if (d->events.fifo == NULL) {
            evtchn_fifo_install(d, fifo);
            fifo = NULL;
        }
        fv = &d->events.fifo->vcpu[v->id];
        if (fv->block == NULL) {
            uint8_t *block = (uint8_t *)evtchn_fifo_page_va(pg) + arg->offset;

            fv->page = pg;
            pg = NULL;
            atomic_store_release(&fv->block, (struct evtchn_fifo_control_block *)(void *)block);
            rc = 0;
        }
    }
    spin_unlock(&evtchn_bind_lock);

    if (pg != NULL) {
        page_put(pg);
    }
    evtchn_fifo_free(fifo);
    return rc;
}

/* e has a word now: was it raised before, in this form or the other? Bind lock held. */
static void evtchn_fifo_raise_one(struct evtchn *e)
{
    struct evtchn *other = evtchn_other_end(e), *sender = other != NULL ? other : e;

    if (!evtchn_usable(e)) {
        return;
    }
    /* Wait for a sender that still sets bits of the 2-level form. */
    spin_lock(&sender->lock);
    spin_unlock(&sender->lock);
    if (evtchn_2l_take(e) || atomic_load(&e->pending)) {
        atomic_store(&e->pending, false);
        evtchn_set_pending(e);
    }
}

/* The ports from `at` on whose words are in one page. -ERESTART: *again says where to go on;
 * -EINVAL: there is no such page. */
static int evtchn_fifo_raise(struct domain *d, evtchn_port_t at, uint64_t *again)
{
    const evtchn_port_t page = at / FIFO_WORDS_PER_PAGE;
    const struct evtchn_fifo *f;
    bool more = true;

    while (more) {
        spin_lock(&evtchn_bind_lock);
        f = d->events.fifo;
        if (f == NULL || at >= f->nr_words) {
            spin_unlock(&evtchn_bind_lock);
            return -EINVAL;
        }
        for (unsigned int i = 0; i < RAISE_SLICE && more; i++) {
            more = at < d->events.fresh && at / FIFO_WORDS_PER_PAGE == page;
            if (more) {
                evtchn_fifo_raise_one(evtchn_get(d, at++));
            }
        }
        more = more && at / FIFO_WORDS_PER_PAGE == page;
        spin_unlock(&evtchn_bind_lock);
        if (more && hypercall_preempt()) {
            *again = FIFO_RAISE | at;
            return -ERESTART;
        }
    }
    return 0;
}

/* Add a frame of words, of the ports from *first on. */
static int evtchn_fifo_add_words(struct domain *d, uint64_t array_gfn, evtchn_port_t *first)
{
    struct page *pg;
    struct evtchn_fifo *f;
    uint32_t nr;
    int rc = 0;

    if (atomic_load(&d->events.fifo) == NULL) {
        return -EOPNOTSUPP;
    }
    pg = p2m_get_page(d, gfn(array_gfn), true);

    spin_lock(&evtchn_bind_lock);
    f = d->events.fifo;
    nr = f != NULL ? f->nr_words : 0;
    if (f == NULL || d->is_dying) {
        rc = -EOPNOTSUPP;
    } else if (nr >= EVTCHN_FIFO_NR_CHANNELS) {
        rc = -ENOSPC;
    } else if (pg == NULL) {
        rc = -EINVAL;
    } else {
        f->page[nr / FIFO_WORDS_PER_PAGE] = pg;
        f->words[nr / FIFO_WORDS_PER_PAGE] = evtchn_fifo_page_va(pg);
        atomic_store_release(&f->nr_words, nr + (uint32_t)FIFO_WORDS_PER_PAGE);
        smp_mb(); /* evtchn_fifo_set_pending sets `pending` and then looks for the word */
        *first = nr;
        pg = NULL;
    }
    spin_unlock(&evtchn_bind_lock);

    if (pg != NULL) {
        page_put(pg);
    }
    return rc;
}

int evtchn_fifo_expand_array(struct domain *d, uint64_t *array_gfn)
{
    evtchn_port_t first = (evtchn_port_t)*array_gfn;
    int rc = (*array_gfn & FIFO_RAISE) != 0 ? 0 : evtchn_fifo_add_words(d, *array_gfn, &first);

    return rc == 0 ? evtchn_fifo_raise(d, first, array_gfn) : rc;
}
