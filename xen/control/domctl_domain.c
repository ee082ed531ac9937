/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operations of the tools on a domain as a whole: its life, pausing, what it is, and small
 * settings.
 */
#include <arch/domain.h>
#include <public/domctl.h>
#include <xen/control.h>
#include <xen/cpu.h>
#include <xen/domain.h>
#include <xen/errno.h>
#include <xen/opt.h>
#include <xen/printk.h>
#include <xen/string.h>
#include <xen/vpl011.h>

/* The only version of grant tables that there is. */
#define GRANT_VERSION 1u

/* Frames of a guest's tables, whatever the options say: lists of them, 8 bytes each, are made in one
 * go. */
#define GRANT_FRAMES_MOST    (1u << 15)
#define MAPTRACK_FRAMES_MOST (1u << 16)

/* A limit that the tools ask for, against the command line's; below 0 it is that one. */
static bool domctl_create_limit_ok(int32_t wanted, uint32_t option, uint32_t most)
{
    return min_u32(option, (uint32_t)wanted) <= most && (wanted < 0 || (uint32_t)wanted <= option);
}

static int domctl_create_check_grants(const struct xen_domctl_createdomain *config)
{
    if (config->grant_opts != GRANT_VERSION) {
        guest_printk(current_vcpu(),
                     XENLOG_WARNING
                     "createdomain: grant options %#x: only version 1 is supported\n",
                     config->grant_opts);
        return -EINVAL;
    }
    if (!domctl_create_limit_ok(config->max_grant_frames, opt.gnttab_max_frames,
                                GRANT_FRAMES_MOST) ||
        !domctl_create_limit_ok(config->max_maptrack_frames, opt.gnttab_max_maptrack_frames,
                                MAPTRACK_FRAMES_MOST)) {
        guest_printk(current_vcpu(),
                     XENLOG_WARNING "createdomain: %d grant and %d maptrack frames, more than "
                                    "gnttab_max_frames=%u and gnttab_max_maptrack_frames=%u, or "
                                    "than %u and %u\n",
                     config->max_grant_frames, config->max_maptrack_frames, opt.gnttab_max_frames,
                     opt.gnttab_max_maptrack_frames, GRANT_FRAMES_MOST, MAPTRACK_FRAMES_MOST);
        return -EINVAL;
    }
    return 0;
}

/* The part of a configuration that is the same on all architectures. */
static int domctl_create_check(const struct xen_domctl_createdomain *config)
{
    uint32_t possible = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap | XEN_DOMCTL_CDF_xs_domain |
                        (arch_has_vpmu() ? XEN_DOMCTL_CDF_vpmu : 0);

    if ((config->flags & ~possible) != 0) {
        guest_printk(current_vcpu(), XENLOG_WARNING "createdomain: flags %#x are not supported\n",
                     config->flags & ~possible);
        return -EINVAL;
    }
    if (config->iommu_opts != 0 || config->altp2m_opts != 0 || config->vmtrace_size != 0) {
        guest_printk(current_vcpu(), XENLOG_WARNING
                     "createdomain: IOMMU, altp2m or vmtrace options not supported\n");
        return -EINVAL;
    }
    if (config->max_vcpus < 1 || config->max_vcpus > MAX_DOMAIN_VCPUS) {
        guest_printk(current_vcpu(), XENLOG_WARNING "createdomain: %u vCPUs\n", config->max_vcpus);
        return -EINVAL;
    }
    return domctl_create_check_grants(config);
}

/* The id that the tools want, or the next free one after the last that was chosen here. */
static int domctl_create_choose_id(domid_t wanted, domid_t *id)
{
    static domid_t last;

    if (wanted > 0 && wanted < DOMID_FIRST_RESERVED) {
        *id = wanted;
        return domain_free_id(wanted) == wanted ? 0 : -EEXIST;
    }
    *id = domain_free_id((domid_t)(last + 1));
    if (*id == DOMID_INVALID) {
        *id = domain_free_id(1);
    }
    if (*id == DOMID_INVALID) {
        return -ENOMEM;
    }
    last = *id;
    return 0;
}

long domctl_createdomain(struct op_call *call)
{
    struct xen_domctl *op = call->arg;
    struct xen_domctl_createdomain *config = &op->u.createdomain;
    domid_t id = DOMID_INVALID;
    struct domain *d;
    int rc = domctl_create_check(config);

    if (rc == 0) {
        rc = arch_domain_config(config);
    }
    if (rc == 0) {
        rc = domctl_create_choose_id(op->domain, &id);
    }
    if (rc != 0) {
        return rc;
    }
    d = domain_create(id, config, false, &rc);
    if (d == NULL) {
        guest_printk(current_vcpu(), XENLOG_WARNING "createdomain: %s (%d)\n",
                     rc == -ENOMEM ? "out of memory" : "no CPU in that pool, or no grant frames",
                     rc);
        return rc;
    }
    d->p2m.pool_pages = d->p2m.table_pages; /* set_paging_mempool_size comes next */
    op->domain = id;
    return 0;
}

long domctl_destroydomain(struct op_call *call)
{
    struct domain *d = call->d;
    return domain_kill(d);
}

long domctl_pausedomain(struct op_call *call)
{
    struct domain *d = call->d;
    return d != current_vcpu()->d ? domain_pause_by_control(d) : -EINVAL;
}

long domctl_unpausedomain(struct op_call *call)
{
    struct domain *d = call->d;
    return domain_unpause_by_control(d);
}

long domctl_resumedomain(struct op_call *call)
{
    struct domain *d = call->d;
    if (d == current_vcpu()->d) {
        return -EINVAL;
    }
    domain_resume(d);
    return 0;
}

long domctl_getdomaininfo(struct op_call *call)
{
    struct domain *d = call->d;
    struct xen_domctl *op = call->arg;
    control_domain_info(d, &op->u.getdomaininfo);
    return 0;
}

long domctl_setdomainhandle(struct op_call *call)
{
    struct domain *d = call->d;
    struct xen_domctl *op = call->arg;
    memcpy(d->handle, op->u.setdomainhandle.handle, sizeof(d->handle));
    return 0;
}

long domctl_setdebugging(struct op_call *call)
{
    struct domain *d = call->d;
    struct xen_domctl *op = call->arg;
    if (d == current_vcpu()->d) {
        return -EINVAL;
    }
    d->debugger_attached = op->u.setdebugging.enable != 0;
    return 0;
}

long domctl_settimeoffset(struct op_call *call)
{
    struct domain *d = call->d;
    struct xen_domctl *op = call->arg;
    d->time_offset = op->u.settimeoffset.time_offset_seconds;
    return 0;
}

long domctl_subscribe(struct op_call *call)
{
    struct domain *d = call->d;
    struct xen_domctl *op = call->arg;
    atomic_store(&d->suspend_port, op->u.subscribe.port);
    return 0;
}

long domctl_set_virq_handler(struct op_call *call)
{
    struct domain *d = call->d;
    struct xen_domctl *op = call->arg;
    return evtchn_set_virq_handler(d, op->u.set_virq_handler.virq);
}

/* Answers and their order are Xen's. */
static long domctl_vuart_init(struct op_call *call)
{
    struct domain *d = call->d;
    struct xen_domctl *op = call->arg;
    struct xen_domctl_vuart_op *vuart = &op->u.vuart_op;
    int rc;

    if ((vuart->pad[0] | vuart->pad[1]) != 0 || vuart->cmd != XEN_DOMCTL_VUART_OP_INIT) {
        return -EINVAL;
    }
    if (d->is_built) {
        return -EPERM;
    }
    if (vuart->type != XEN_DOMCTL_VUART_TYPE_VPL011) {
        return -EOPNOTSUPP;
    }
    rc = vpl011_create(d, (gfn_t){vuart->gfn}, vuart->console_domid);
    if (rc < 0) {
        return rc;
    }
    vuart->evtchn = (evtchn_port_t)rc;
    return 0;
}

long domctl_vuart_op(struct op_call *call)
{
    return ARCH_VUART_BASE != 0 ? domctl_vuart_init(call) : -ENOSYS;
}

long domctl_scheduler_op(struct op_call *call)
{
    struct domain *d = call->d;
    struct xen_domctl *op = call->arg;
    return sched_domctl(d, &op->u.scheduler_op);
}
