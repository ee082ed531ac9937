/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Third port: domains, vCPUs and the parts of a guest's device tree that are the port's.
 */
#include "state.h"

#include <arch/domain.h>
#include <arch/irq.h>
#include <arch/vcpu.h>
#include <public/arch.h>
#include <public/domctl.h>
#include <public/sysctl.h>
#include <xen/construct.h>
#include <xen/domain.h>
#include <xen/dt.h>
#include <xen/errno.h>
#include <xen/fdt_build.h>
#include <xen/lib.h>
#include <xen/printk.h>
#include <xen/string.h>

/* A kernel for this port: these eight bytes, then its size in memory. */
#define KERNEL_MAGIC "XENHOST"

/* Identity of the "image", as the linker script gives it on real ports. */
__asm__(".pushsection .rodata\n"
        ".balign 4\n"
        ".globl __note_build_id_start, __note_build_id_end\n"
        "__note_build_id_start: .long 4, 20, 3\n"
        ".asciz \"GNU\"\n"
        ".fill 20, 1, 0xab\n"
        "__note_build_id_end:\n"
        ".popsection\n");

int arch_domain_config(struct xen_domctl_createdomain *config)
{
    return config->max_vcpus == 0 || config->max_vcpus > ARCH_MAX_VCPUS ? -EINVAL : 0;
}

int arch_domain_create(struct domain *d __unused,
                       const struct xen_arch_domainconfig *config __unused)
{
    return 0;
}

int arch_domain_relinquish(struct domain *d __unused)
{
    return 0;
}

void arch_domain_destroy(struct domain *d __unused)
{
}

uint64_t arch_vcpu_hwid(const struct domain *d __unused, unsigned int id)
{
    return id;
}

int arch_kernel_probe(const void *image, uint64_t size, struct kernel_info *info)
{
    uint64_t header[2];

    if (size < sizeof(header) || memcmp(image, KERNEL_MAGIC, 8) != 0) {
        return -ENOEXEC;
    }
    memcpy(header, image, sizeof(header));
    if (header[1] < sizeof(header) || header[1] > GIB(1)) {
        return -EINVAL;
    }
    *info = (struct kernel_info){.align = MIB(2), .image_size = header[1], .entry = sizeof(header)};
    return 0;
}

bool arch_dt_skip(const struct dt_node *node __unused)
{
    return false;
}

bool arch_dt_is_intc(const struct dt_node *node)
{
    return dt_has(&dt_host, node, "interrupt-controller");
}

void arch_dt_write(struct domain *d __unused, struct fdt_builder *out __unused)
{
}

void arch_dt_write_cpus(struct fdt_builder *out)
{
    fdt_build_u32(out, "test,cpus", 1);
}

void arch_dt_write_cpu(const struct domain *d __unused, unsigned int id, const struct dt_node *host,
                       struct fdt_builder *out)
{
    fdt_build_u32(out, "test,vcpu", id);
    fdt_build_string(out, "test,host", host != NULL ? dt_name(&dt_host, host) : "");
}

void arch_dt_write_intc(struct domain *d __unused, const struct dt_node *node,
                        struct fdt_builder *out)
{
    fdt_build_begin(out, dt_name(&dt_host, node));
    fdt_build_u32(out, "phandle", node->phandle);
    fdt_build_u32(out, "#interrupt-cells", 1);
    fdt_build_empty(out, "interrupt-controller");
    fdt_build_end(out);
}

uint64_t arch_event_callback(const struct domain *d)
{
    return 2ul << 56 | arch_virq_event(d);
}

void arch_dt_event_irq(const struct domain *d __unused, struct fdt_builder *out)
{
    fdt_build_u32(out, "interrupts", 16);
}

/* A number; or as a GIC's or an APLIC's, so that trees of real machines work here. */
int arch_dt_irq(const uint32_t *cells, unsigned int nr_cells, bool *edge)
{
    bool shared = nr_cells == 3 && cells[0] == 0;
    uint32_t number = nr_cells == 3 ? cells[1] : cells[0];

    *edge = false;
    if (nr_cells == 0 || nr_cells > 3 || number >= HOST_MAX_IRQS - (shared ? 32u : 0)) {
        return -EINVAL;
    }
    return (int)(shared ? number + 32u : number);
}

bool arch_domain_emulates(const struct domain *d __unused, paddr_t start __unused,
                          paddr_t end __unused)
{
    return false;
}

const char *arch_capabilities(void)
{
    return "xen-3.0-host ";
}

bool arch_has_vpmu(void)
{
    return false;
}

uint32_t arch_physinfo_capabilities(void)
{
    return XEN_SYSCTL_PHYSCAP_hvm | XEN_SYSCTL_PHYSCAP_hap;
}

uint32_t arch_features(void)
{
    return 0;
}

int arch_vcpu_create(struct vcpu *v)
{
    return v->id < ARCH_MAX_VCPUS ? 0 : -EINVAL;
}

void arch_vcpu_destroy(struct vcpu *v __unused)
{
}

/* Registers that are on a CPU are not in struct vcpu. */
void arch_vcpu_set_entry(struct vcpu *v, uint64_t pc, uint64_t arg)
{
    BUG_ON(v->arch.loaded);
    v->arch.pc = pc;
    v->arch.entry_arg = arg;
}

/* A vCPU's state is in one place at a time. */
void arch_vcpu_save(struct vcpu *v)
{
    BUG_ON(!v->arch.loaded);
    v->arch.loaded = false;
}

void arch_vcpu_load(struct vcpu *v)
{
    BUG_ON(v->arch.loaded);
    v->arch.loaded = true;
}

void arch_vcpu_resume(struct vcpu *v)
{
    BUG_ON(v != host_cpu->current);
    host_leave(HOST_GUEST);
}

int arch_vcpu_set_context(struct vcpu *v, const struct vcpu_guest_context *ctx)
{
    BUG_ON(v->arch.loaded);
    v->arch.pc = ctx->user_regs.pc64;
    return 0;
}

void arch_vcpu_get_context(struct vcpu *v, struct vcpu_guest_context *ctx)
{
    BUG_ON(v->arch.loaded);
    memset(ctx, 0, sizeof(*ctx));
    ctx->user_regs.pc64 = v->arch.pc;
}

void arch_hypercall_repeat(struct vcpu *v)
{
    v->arch.repeat = true;
}

bool arch_vcpu_wakeup_pending(struct vcpu *v)
{
    return atomic_load(&atomic_load(&v->info)->evtchn_upcall_pending) != 0;
}
