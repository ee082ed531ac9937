/* SPDX-License-Identifier: Apache-2.0 */
/* What a domain has of its architecture: virtual interrupt controller, its time; the tools'
 * configuration; identity. */
#include <arch/domain.h>
#include <arch/irq.h>
#include <arch/p2m.h>
#include <asm/isa.h>
#include <asm/virq.h>
#include <asm/vtimer.h>
#include <public/arch.h>
#include <public/domctl.h>
#include <xen/domain.h>
#include <xen/errno.h>
#include <xen/printk.h>

/* What the tools ask for. dom0's own configuration is never refused: at boot nobody is current. */
static int domain_config_refuse(const char *why)
{
    guest_printk(current_vcpu(), XENLOG_WARNING "createdomain: %s\n", why);
    return -EINVAL;
}

int arch_domain_config(struct xen_domctl_createdomain *config)
{
    const uint32_t required = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap,
                   allowed = required | XEN_DOMCTL_CDF_xs_domain;
    unsigned int bits = arch_p2m_ipa_bits();

    if ((config->flags & required) != required || (config->flags & ~allowed) != 0) {
        return domain_config_refuse(
            "flags must be hvm and hap, no IOMMU, nested virtualization or vPMU");
    }
    if (config->arch.gaddr_bits == 0) {
        config->arch.gaddr_bits = (uint8_t)bits;
    }
    if (config->arch.gaddr_bits != bits) {
        return domain_config_refuse("gaddr_bits must be 0 or 41: guests have Sv39x4");
    }
    if (config->max_vcpus == 0 || config->max_vcpus > ARCH_MAX_VCPUS) {
        return domain_config_refuse("a guest has 1 to 64 vCPUs");
    }
    if (config->altp2m_opts != 0 || config->vmtrace_size != 0) {
        return domain_config_refuse("no altp2m or vmtrace here");
    }
    return 0;
}

int arch_domain_create(struct domain *d, const struct xen_arch_domainconfig *config)
{
    (void)config; /* one width of addresses is all there is */
    if (d->is_privileged && !isa_has(ISA_SSAIA)) {
        printk(XENLOG_WARNING
               "d%u gets no /hypervisor node, because without Ssaia nothing can tell it of events: "
               "it runs as a plain SBI guest, without Xen's drivers and tools\n",
               (unsigned int)d->id);
    }
    vtimer_domain_init(d);
    return virqchip->domain_create(d);
}

int arch_domain_relinquish(struct domain *d)
{
    (void)d; /* interrupts are given back by xen/irq, mappings by the p2m */
    return 0;
}

void arch_domain_destroy(struct domain *d)
{
    virqchip->domain_destroy(d);
}

/* Hart ids are the vCPUs' numbers: IPI and fence masks of guests then have one word. */
uint64_t arch_vcpu_hwid(const struct domain *d __unused, unsigned int id)
{
    return id;
}

bool arch_domain_emulates(const struct domain *d, paddr_t start, paddr_t end)
{
    for (uint32_t i = 0; i < d->mmio.count; i++) {
        if (start < d->mmio.region[i].end && d->mmio.region[i].start < end) {
            return true;
        }
    }
    return false;
}

uint64_t arch_event_callback(const struct domain *d)
{
    return isa_has(ISA_SSAIA) ? (uint64_t)HVM_PARAM_CALLBACK_TYPE_LOCAL << 56 | arch_virq_event(d)
                              : 0;
}

bool arch_has_vpmu(void)
{
    return false; /* SBI PMU */
}

const char *arch_capabilities(void)
{
    return "xen-3.0-riscv64 ";
}

uint32_t arch_physinfo_capabilities(void)
{
    return 0; /* Xen defines none for this architecture */
}

uint32_t arch_features(void)
{
    return 0;
}
