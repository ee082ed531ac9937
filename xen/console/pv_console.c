/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The console of a domain that has no driver of Xen's: text of the port's firmware calls goes into
 * the ring that the tools gave the domain for a PV console (HVM_PARAM_CONSOLE_*), and back.
 *
 * The ring is in a page that the guest writes, too. On the guest's side of it there may be two at
 * once: this file, with the domain's console lock, and the guest's own driver, which knows nothing of
 * it. A guest that uses both at the same time loses or repeats text of its own, nothing else.
 */
#include <public/hvm/params.h>
#include <xen/console_ring.h>
#include <xen/domain.h>
#include <xen/errno.h>
#include <xen/page.h>
#include <xen/pv_console.h>

/* How long a full ring is waited for. Xen's daemon lets a noisy guest wait 200 ms. */
#define PATIENCE SECONDS(2)

/* The ring's page, with a reference; NULL: the tools gave none, or the guest has it no more. */
static struct page *pv_console_page(struct domain *d)
{
    uint64_t pfn = atomic_load(&d->hvm_params[HVM_PARAM_CONSOLE_PFN]);

    return pfn != 0 ? p2m_get_page(d, (gfn_t){pfn}, true) : NULL;
}

/* As if the guest had sent the event: it sends one to any port that it could send to. */
static void pv_console_notify(struct domain *d)
{
    uint64_t port = atomic_load(&d->hvm_params[HVM_PARAM_CONSOLE_EVTCHN]);

    if (evtchn_send(d, (evtchn_port_t)port) != 0) {
        return; /* the port was closed, by the guest or the tools: nobody wants to hear */
    }
}

/* Nothing has room: 0, or -EIO if the other end has taken nothing for too long. Lock held. */
static long pv_console_full(struct pv_console *c, uint32_t cons)
{
    s_time_t now = time_now();

    if (c->full_since == 0 || c->full_cons != cons) {
        c->full_since = now;
        c->full_cons = cons;
    }
    return now - c->full_since < PATIENCE ? 0 : -EIO;
}

static long pv_console_put(struct pv_console *c, struct xencons_interface *ring, const char *text,
                           size_t n)
{
    size_t done = console_ring_put(ring, text, n);

    if (done == 0) {
        return pv_console_full(c, atomic_load(&ring->out_cons));
    }
    c->full_since = 0;
    return (long)done;
}

bool pv_console_there(struct domain *d)
{
    return atomic_load(&d->hvm_params[HVM_PARAM_CONSOLE_PFN]) != 0;
}

long pv_console_write(struct domain *d, const char *text, size_t n)
{
    struct page *pg = pv_console_page(d);
    long done;

    if (pg == NULL) {
        return -EIO;
    }
    spin_lock(&d->console.lock);
    done = pv_console_put(&d->console, page_va(pg), text, n);
    spin_unlock(&d->console.lock);
    page_put(pg);
    if (done > 0) {
        pv_console_notify(d);
    }
    return done;
}

size_t pv_console_read(struct domain *d, char *text, size_t n)
{
    struct page *pg = pv_console_page(d);

    if (pg == NULL) {
        return 0;
    }
    spin_lock(&d->console.lock);
    n = console_ring_get(page_va(pg), text, n);
    spin_unlock(&d->console.lock);
    page_put(pg);
    if (n != 0) {
        pv_console_notify(d); /* there is room for more */
    }
    return n;
}
