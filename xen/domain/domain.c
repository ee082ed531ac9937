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
#include <xen/nospec.h>
#include <xen/opt.h>
#include <xen/page_alloc.h>
#include <xen/string.h>

#define MAX_RANGES    128u /* of I/O memory and of interrupts that a domain may use */
#define DESTROY_VCPUS 16u  /* that are destroyed at once */

/* One part of a domain. init leaves nothing behind when it fails; destroy undoes a complete init.
 */
struct domain_part {
    int (*init)(struct domain *d, const struct xen_domctl_createdomain *config);
    void (*destroy)(struct domain *d);
};

static struct rangeset *domain_new_rangeset(void)
{
    struct rangeset *set = heap_alloc(sizeof(*set) + MAX_RANGES * sizeof(struct range));

    if (set != NULL) {
        rangeset_init(set, (struct range *)(set + 1), MAX_RANGES);
    }
    return set;
}

static void domain_destroy_memory(struct domain *d)
{
    heap_free(d->vcpu);
    heap_free(d->poll_mask);
    heap_free(d->iomem);
    heap_free(d->irqs);
}

static int domain_init_memory(struct domain *d, const struct xen_domctl_createdomain *config)
{
    d->max_vcpus = config->max_vcpus;
    d->vcpu = heap_alloc(d->max_vcpus * sizeof(struct vcpu *));
    d->poll_mask = heap_alloc((d->max_vcpus + 63u) / 64u * sizeof(uint64_t));
    d->iomem = domain_new_rangeset();
    d->irqs = domain_new_rangeset();
    if (d->vcpu == NULL || d->poll_mask == NULL || d->iomem == NULL || d->irqs == NULL) {
        domain_destroy_memory(d);
        return -ENOMEM;
    }
    return 0;
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

static uint32_t domain_or_default(int32_t wanted, uint32_t standard)
{
    return wanted < 0 ? standard : (uint32_t)wanted;
}

static int domain_init_grants(struct domain *d, const struct xen_domctl_createdomain *config)
{
    return grant_domain_init(
        d, domain_or_default(config->max_grant_frames, opt.gnttab_max_frames),
        domain_or_default(config->max_maptrack_frames, opt.gnttab_max_maptrack_frames));
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
    time_update_wallclock(d);
    return 0;
}

static void domain_destroy_shared(struct domain *d)
{
    page_unshare(d->shared_info);
    page_free(d->shared_info, 0);
}

static const struct domain_part parts[] = {
    {domain_init_memory, domain_destroy_memory},     {domain_init_sched, sched_domain_destroy},
    {domain_init_watchdog, domain_watchdog_destroy}, {domain_init_p2m, p2m_destroy},
    {domain_init_events, evtchn_domain_destroy},     {domain_init_grants, grant_domain_destroy},
    {domain_init_arch, arch_domain_destroy},         {domain_init_shared, domain_destroy_shared},
};

/* Unmake parts[0 .. n) and the rest. */
static void domain_destroy_parts(struct domain *d, unsigned int n)
{
    while (n-- != 0) {
        parts[n].destroy(d);
    }
    heap_free(d);
}

static struct domain *domain_new(domid_t id, const struct xen_domctl_createdomain *config,
                                 bool privileged)
{
    struct domain *d = heap_new(struct domain);

    if (d == NULL) {
        return NULL;
    }
    d->id = id;
    d->refcount = 1;
    d->is_privileged = privileged;
    d->is_hardware = privileged;
    d->shutdown_code = SHUTDOWN_CODE_NONE;
    d->pause_count = 1;
    d->controller_pause_count = 1;
    d->ssidref = config->ssidref;
    d->options = config->flags;
    d->pool = &cpupool0;
    memcpy(d->handle, config->handle, sizeof(d->handle));
    spin_init(&d->lock, LOCK_DOMAIN);
    return d;
}

struct domain *domain_create(domid_t id, const struct xen_domctl_createdomain *config,
                             bool privileged, int *rc)
{
    struct domain *d = domain_new(id, config, privileged);
    unsigned int i;

    if (d == NULL) {
        *rc = -ENOMEM;
        return NULL;
    }
    for (i = 0; i < ARRAY_SIZE(parts); i++) {
        *rc = parts[i].init(d, config);
        if (*rc != 0) {
            domain_destroy_parts(d, i);
            return NULL;
        }
    }
    atomic_fetch_add(&d->pool->nr_domains, 1u);
    domain_link(d);
    if (privileged) {
        hardware_domain = d;
    }
    return d;
}

bool domain_destroy(struct domain *d)
{
    unsigned int i, destroyed = 0;

    for (i = 0; i < d->max_vcpus && destroyed < DESTROY_VCPUS; i++) {
        if (d->vcpu[i] != NULL) {
            vcpu_destroy(d->vcpu[i]);
            destroyed++;
        }
    }
    if (destroyed != 0) {
        return false; /* the others, or the rest, next time */
    }
    atomic_fetch_sub(&d->pool->nr_domains, 1u);
    domain_destroy_parts(d, ARRAY_SIZE(parts));
    return true;
}

static int domain_relinquish_areas(struct domain *d)
{
    unsigned int i;

    for (i = 0; i < d->max_vcpus; i++) {
        if (d->vcpu[i] != NULL) {
            vcpu_info_unregister(d->vcpu[i]);
            vcpu_runstate_unregister(d->vcpu[i]);
        }
    }
    return 0;
}

int domain_kill(struct domain *d)
{
    static int (*const steps[])(struct domain *d) = {
        evtchn_domain_relinquish, domain_relinquish_areas, arch_domain_relinquish,
        p2m_relinquish,           grant_domain_relinquish, /* what the p2m maps by grant is only
                                                              kept by the grant */
    };
    unsigned int i;
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
    for (i = 0; i < ARRAY_SIZE(steps); i++) {
        rc = steps[i](d);
        if (rc != 0) {
            return rc;
        }
    }
    rc = domain_pages_relinquish(d);
    if (rc == 0) {
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
