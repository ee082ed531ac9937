/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a domain: its parts in the order in which they are made and unmade, how it is found
 * and kept, how it ends. What the parts are for is known elsewhere.
 */
#include <arch/domain.h>
#include <arch/mm.h>
#include <public/domctl.h>
#include <xen/cpu.h>
#include <xen/cpupool.h>
#include <xen/domain.h>
#include <xen/errno.h>
#include <xen/heap.h>
#include <xen/irq.h>
#include <xen/nospec.h>
#include <xen/page_alloc.h>
#include <xen/page_domain.h>
#include <xen/printk.h>
#include <xen/string.h>

#define MAX_RANGES    128u /* of I/O memory and of interrupts that a domain may use */
#define DESTROY_VCPUS 16u  /* that are destroyed at once */
#define PARTS_MORE    4u   /* of floors above this one */

#define RANGESET_BYTES (sizeof(struct rangeset) + MAX_RANGES * sizeof(struct range))

static struct rangeset *domain_new_rangeset(void)
{
    struct rangeset *set = heap_alloc(RANGESET_BYTES);

    if (set != NULL) {
        rangeset_init(set, (struct range *)(set + 1), MAX_RANGES);
    }
    return set;
}

static size_t domain_poll_bytes(const struct domain *d)
{
    return (d->max_vcpus + 63u) / 64u * sizeof(d->poll_mask[0]);
}

static void domain_destroy_memory(struct domain *d)
{
    heap_free(d->vcpu, d->max_vcpus * sizeof(d->vcpu[0]));
    heap_free(d->poll_mask, domain_poll_bytes(d));
    heap_free(d->iomem, RANGESET_BYTES);
    heap_free(d->irqs, RANGESET_BYTES);
}

static int domain_init_memory(struct domain *d, const struct xen_domctl_createdomain *config)
{
    d->max_vcpus = config->max_vcpus;
    d->vcpu = heap_alloc(d->max_vcpus * sizeof(d->vcpu[0]));
    d->poll_mask = heap_alloc(domain_poll_bytes(d));
    d->iomem = domain_new_rangeset();
    d->irqs = domain_new_rangeset();
    if (d->vcpu == NULL || d->poll_mask == NULL || d->iomem == NULL || d->irqs == NULL) {
        domain_destroy_memory(d);
        return -ENOMEM;
    }
    return 0;
}

static int domain_init_pool(struct domain *d, const struct xen_domctl_createdomain *config)
{
    return cpupool_join(d, config->cpupool_id);
}

static int domain_init_sched(struct domain *d,
                             const struct xen_domctl_createdomain *config __unused)
{
    return sched_domain_init(d);
}

static int domain_init_watchdog(struct domain *d,
                                const struct xen_domctl_createdomain *config __unused)
{
    return domain_watchdog_init(d);
}

static int domain_init_p2m(struct domain *d, const struct xen_domctl_createdomain *config __unused)
{
    return p2m_create(d);
}

static int domain_init_events(struct domain *d, const struct xen_domctl_createdomain *config)
{
    return evtchn_domain_init(d, config->max_evtchn_port);
}

static int domain_init_arch(struct domain *d, const struct xen_domctl_createdomain *config)
{
    return arch_domain_create(d, &config->arch);
}

static int domain_init_shared(struct domain *d,
                              const struct xen_domctl_createdomain *config __unused)
{
    int rc;

    d->shared_info = page_alloc(0);
    if (d->shared_info == NULL) {
        return -ENOMEM;
    }
    rc = page_share(d->shared_info, d);
    if (rc != 0) {
        page_free(d->shared_info, 0);
        return rc;
    }
    wallclock_update(d);
    return 0;
}

static void domain_destroy_shared(struct domain *d)
{
    page_unshare(d->shared_info);
    page_free(d->shared_info, 0);
}

static const struct domain_part own[] = {
    {domain_init_memory, NULL, domain_destroy_memory},
    {domain_init_pool, NULL, cpupool_leave},
    {domain_init_sched, NULL, sched_domain_destroy},
    {domain_init_watchdog, NULL, domain_watchdog_destroy},
    {domain_init_p2m, NULL, p2m_destroy},
    {domain_init_events, NULL, evtchn_domain_destroy},
    {domain_init_arch, NULL, arch_domain_destroy},
    {domain_init_shared, NULL, domain_destroy_shared},
};

static const struct domain_part *more[PARTS_MORE]; /* of floors above */
static unsigned int nr_more;

void domain_add_part(const struct domain_part *part)
{
    BUG_ON(nr_more == ARRAY_SIZE(more));
    more[nr_more++] = part;
}

/* In the order in which they are made, NULL behind the last one. */
static const struct domain_part *domain_part(unsigned int i)
{
    if (i < ARRAY_SIZE(own)) {
        return &own[i];
    }
    i -= (unsigned int)ARRAY_SIZE(own);
    return i < nr_more ? more[i] : NULL;
}

/* Unmake the first n parts, and the rest. */
static void domain_destroy_parts(struct domain *d, unsigned int n)
{
    while (n-- != 0) {
        domain_part(n)->destroy(d);
    }
    heap_delete(d);
}

static struct domain *domain_new(domid_t id, const struct xen_domctl_createdomain *config,
                                 bool privileged)
{
    struct domain *d = heap_new(struct domain);

    if (d == NULL) {
        return NULL;
    }
    d->id = id;
    d->ref.count = 1;
    d->is_privileged = privileged;
    d->is_hardware = privileged;
    d->shutdown_code = SHUTDOWN_CODE_NONE;
    d->pause_count = 1;
    d->controller_pause_count = 1;
    d->ssidref = config->ssidref;
    d->options = config->flags;
    memcpy(d->handle, config->handle, sizeof(d->handle));
    spin_init(&d->lock, LOCK_DOMAIN);
    spin_init(&d->console.lock, LOCK_CONSOLE);
    return d;
}

struct domain *domain_create(domid_t id, const struct xen_domctl_createdomain *config,
                             bool privileged, int *rc)
{
    struct domain *d = domain_new(id, config, privileged);

    if (d == NULL) {
        *rc = -ENOMEM;
        return NULL;
    }
    for (unsigned int i = 0; domain_part(i) != NULL; i++) {
        *rc = domain_part(i)->init(d, config);
        if (*rc != 0) {
            domain_destroy_parts(d, i);
            return NULL;
        }
    }
    domain_link(d);
    if (privileged) {
        hardware_domain = d;
    }
    return d;
}

/* Free what domain_create made. false: a slice was done, call again. */
static bool domain_destroy(struct domain *d)
{
    struct vcpu *v = domain_next_vcpu(d, 0);

    if (v != NULL) {
        for (unsigned int n = 0; v != NULL && n < DESTROY_VCPUS; n++) {
            uint32_t next = v->id + 1u;

            vcpu_destroy(v);
            v = domain_next_vcpu(d, next);
        }
        return false; /* the others, or the rest, next time */
    }
    domain_destroy_parts(d, (unsigned int)ARRAY_SIZE(own) + nr_more);
    return true;
}

/* A slice of one domain at a time; the others wait for the next pass of the gate. */
void domain_reap(void)
{
    struct ref *r = ref_take_dead();
    struct domain *d = container_of(r, struct domain, ref);

    if (r == NULL) {
        return;
    }
    domain_unlink(d);
    if (!domain_destroy(d)) {
        ref_put_aside(r);
    }
}

static int domain_relinquish_areas(struct domain *d)
{
    struct vcpu *v;

    for_each_vcpu(d, v) {
        vcpu_info_unregister(v);
        vcpu_runstate_unregister(v);
    }
    return 0;
}

int domain_kill(struct domain *d)
{
    static int (*const steps[])(struct domain *d) = {
        irq_relinquish,         evtchn_domain_relinquish, domain_relinquish_areas,
        arch_domain_relinquish, p2m_relinquish,
    };
    int rc;

    if (d == current_vcpu()->d) {
        return -EINVAL;
    }
    if (d->is_dead) {
        return 0;
    }
    if (!d->is_dying) {
        domain_pause(d);
        /* Who has one of these locks before us has done his work when we get it; who takes it later
         * sees that d is dying. So the p2m's bounds, which the teardown walks, stand still. */
        spin_lock(&d->lock);
        spin_lock(&d->p2m.lock);
        d->is_dying = true;
        spin_unlock(&d->p2m.lock);
        spin_unlock(&d->lock);
        domain_watchdog_destroy(d); /* its handler has no reference to d */
    }
    for (unsigned int i = 0; i < ARRAY_SIZE(steps); i++) {
        rc = steps[i](d);
        if (rc != 0) {
            return rc;
        }
    }
    for (unsigned int i = 0; i < nr_more; i++) {
        rc = more[i]->relinquish != NULL ? more[i]->relinquish(d) : 0;
        if (rc != 0) {
            return rc;
        }
    }
    rc = domain_pages_relinquish(d);
    if (rc == 0) {
        cpupool_retire(d);
        d->is_dead = true;
        domain_put(d);
        evtchn_raise_global_virq(VIRQ_DOM_EXC);
    }
    return rc;
}

bool domain_wait_begin(struct domain *d)
{
    return atomic_exchange(&d->waiting, 1u) == 0;
}

void domain_wait_end(struct domain *d)
{
    atomic_store_release(&d->waiting, 0u);
}
