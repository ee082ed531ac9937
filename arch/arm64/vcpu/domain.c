/* SPDX-License-Identifier: Apache-2.0 */
/* What a domain has of its architecture: virtual interrupt controller, counter offset; the tools'
 * configuration; identity. */
#include <arch/domain.h>
#include <arch/p2m.h>
#include <asm/gicv2.h>
#include <asm/vgic_state.h>
#include <asm/vtimer_ops.h>
#include <public/arch.h>
#include <public/domctl.h>
#include <public/features.h>
#include <public/sysctl.h>
#include <xen/domain.h>
#include <xen/errno.h>
#include <xen/mmio.h>
#include <xen/printk.h>

#define GICC_MAP_PAGES 2u /* GICV has two pages of registers [GICv2 5.5] */
#define MAX_SPIS       (ARCH_NR_IRQS - GIC_NR_PRIVATE)
#define DOM0_EVENT_PPI 16u /* as Xen chooses it: no device of the supported boards has it */

/* What the tools ask for. dom0's own configuration is never refused: at boot nobody is current. */
static int domain_config_refuse(const char *why)
{
    guest_printk(current_vcpu(), XENLOG_WARNING "createdomain: %s\n", why);
    return -EINVAL;
}

int arch_domain_config(struct xen_domctl_createdomain *config)
{
    const uint32_t required = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap,
                   allowed = required | XEN_DOMCTL_CDF_xs_domain |
                             (arch_has_vpmu() ? XEN_DOMCTL_CDF_vpmu : 0);

    if ((config->flags & required) != required || (config->flags & ~allowed) != 0) {
        return domain_config_refuse("flags must be hvm and hap, no IOMMU or nested virtualization");
    }
    if (config->arch.gic_version == XEN_DOMCTL_CONFIG_GIC_NATIVE) {
        config->arch.gic_version = XEN_DOMCTL_CONFIG_GIC_V2;
    }
    if (config->arch.gic_version != XEN_DOMCTL_CONFIG_GIC_V2) {
        (void)domain_config_refuse("only GICv2 on this host");
        return -ENODEV;
    }
    if (config->max_vcpus == 0 || config->max_vcpus > ARCH_MAX_VCPUS) {
        return domain_config_refuse("a GICv2 guest has 1 to 8 vCPUs");
    }
    if (config->arch.nr_spis > MAX_SPIS) {
        return domain_config_refuse("too many shared interrupts");
    }
    if (config->arch.sve_vl != 0 || config->arch.tee_type != XEN_DOMCTL_CONFIG_TEE_NONE ||
        config->altp2m_opts != 0 || config->vmtrace_size != 0) {
        return domain_config_refuse("no SVE, TEE, altp2m or vmtrace here");
    }
    config->arch.clock_frequency = 0; /* CNTFRQ_EL0 is right */
    return 0;
}

/* A domain that sees the host's own addresses and interrupt numbers: the one that gets its
 * devices. */
static bool domain_is_direct(const struct domain *d)
{
    return d->is_privileged;
}

static void domain_layout(struct domain *d)
{
    struct vgic *g = d->arch.vgic.state;
    bool direct = domain_is_direct(d);

    g->dist_pa = direct ? gic.dist_pa : GUEST_GICD_BASE;
    g->cpu_pa = direct ? gic.cpu_pa : GUEST_GICC_BASE;
    g->event_irq = direct ? DOM0_EVENT_PPI : GUEST_EVTCHN_PPI;
    g->virt_timer = direct ? gic.virt_timer : GUEST_TIMER_VIRT_PPI;
    g->phys_timer = GUEST_TIMER_PHYS_NS_PPI;
}

int arch_domain_create(struct domain *d, const struct xen_arch_domainconfig *config)
{
    uint32_t nr_spis = domain_is_direct(d) ? gic.nr_irqs - GIC_NR_PRIVATE : config->nr_spis;
    struct p2m_leaf gicv = {
        .mfn = {gic.vcpu_pa >> PAGE_SHIFT}, .kind = P2M_MMIO, .flags = P2M_WRITE};
    struct vgic *g;
    int rc;

    rc = vgic_domain_create(d, nr_spis);
    if (rc != 0) {
        return rc;
    }
    domain_layout(d);
    vtimer_domain_init(d);
    g = d->arch.vgic.state;
    rc = mmio_register(d, g->dist_pa, g->dist_pa + PAGE_SIZE, vgic_dist_access, NULL);
    /* The guest's CPU interface is the hardware's virtual one. */
    if (rc == 0) {
        rc = p2m_map(d, gfn(g->cpu_pa >> PAGE_SHIFT), GICC_MAP_PAGES, gicv);
    }
    if (rc != 0) {
        vgic_domain_destroy(d);
    }
    return rc;
}

int arch_domain_relinquish(struct domain *d)
{
    (void)d; /* interrupts are given back by xen/irq, mappings by the p2m */
    return 0;
}

void arch_domain_destroy(struct domain *d)
{
    vgic_domain_destroy(d);
}

/* MPIDR affinity: GICv2 has no clusters, so level 0 alone [GICv2 4.3.15: eight targets]. */
uint64_t arch_vcpu_hwid(const struct domain *d __unused, unsigned int id)
{
    return id;
}

static bool domain_overlaps(paddr_t start, paddr_t end, paddr_t region, uint64_t size)
{
    return start < region + size && region < end;
}

bool arch_domain_emulates(const struct domain *d __unused, paddr_t start, paddr_t end)
{
    return domain_overlaps(start, end, gic.dist_pa, gic.dist_size) ||
           domain_overlaps(start, end, gic.cpu_pa, gic.cpu_size) ||
           domain_overlaps(start, end, gic.hyp_pa, gic.hyp_size) ||
           domain_overlaps(start, end, gic.vcpu_pa, gic.vcpu_size);
}

const char *arch_capabilities(void)
{
    return "xen-3.0-aarch64 ";
}

uint32_t arch_physinfo_capabilities(void)
{
    return 0; /* the length of SVE vectors: guests have none */
}

uint32_t arch_features(void)
{
    return 1u << XENFEAT_ARM_SMCCC_supported;
}
