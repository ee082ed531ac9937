/* SPDX-License-Identifier: Apache-2.0 */
/* Contract: what a domain has of its architecture; the parts of its device tree; recognising its
 * kernel. */
#pragma once

#include <arch/types.h>
#include <xen/compiler.h>
#include <xen/types.h>

struct domain;
struct fdt_builder;
struct dt_node;
struct xen_arch_domainconfig;
struct xen_domctl_createdomain;
struct kernel_info;

/*
 * ARCH_VUART_BASE: where a guest with a virtual PL011 has its page; 0: guests of this architecture
 * have none. ARCH_VUART_IRQ: its shared interrupt.
 */

/* Check and complete the tools' configuration (fills in chosen values). -EINVAL, or -ENODEV for a
 * device that the host has not; the reason is printed as a warning. */
int __must_check arch_domain_config(struct xen_domctl_createdomain *config);

/* Create d's architectural part: virtual interrupt controller, timers' offsets. d->p2m exists. 0 or
 * -errno. */
int __must_check arch_domain_create(struct domain *d, const struct xen_arch_domainconfig *config);
/* Give back everything in slices: 0 done, -ERESTART call again. */
int __must_check arch_domain_relinquish(struct domain *d);
void arch_domain_destroy(struct domain *d);

/* Is this vCPU id allowed, and how is it named in the guest's device tree (`reg` of /cpus/cpu)? */
uint64_t arch_vcpu_hwid(const struct domain *d, unsigned int id);

/*
 * Recognise a kernel image: fills load address rules, entry offset, image size incl. bss. `image`
 * holds its first `size` bytes, `size` >= 64. 0, -ENOEXEC (not ours; the caller has tried gzip
 * already), or -EINVAL (ours, but broken).
 */
int __must_check arch_kernel_probe(const void *image, uint64_t size, struct kernel_info *info);

/*
 * dom0's device tree, called by construct/guest_dt.c while it copies the host's tree:
 * - arch_dt_skip: is this host node the port's own (interrupt controller, timer, psci, firmware) so
 *   that it is left out and written anew by arch_dt_write?
 * - arch_dt_write: write psci/firmware, timer, into the root node being written.
 * - arch_dt_write_cpus: properties of /cpus besides its cells; arch_dt_write_cpu: what the node of
 *   vCPU id has besides reg, device_type and compatible (of the host's CPU, or
 *   ARCH_DT_CPU_COMPATIBLE). host: the node of the host's first CPU; NULL: there is none.
 * - arch_dt_write_intc: write the interrupt controller node in place of host node `node` (same
 * phandle, same cells).
 * - arch_dt_event_irq: the cells that describe the event-channel interrupt in /hypervisor, which is
 * written only if arch_event_callback is not 0.
 */
bool arch_dt_skip(const struct dt_node *node);
bool arch_dt_is_intc(const struct dt_node *node);
void arch_dt_write(struct domain *d, struct fdt_builder *out);
void arch_dt_write_cpus(struct fdt_builder *out);
void arch_dt_write_cpu(const struct domain *d, unsigned int id, const struct dt_node *host,
                       struct fdt_builder *out);
void arch_dt_write_intc(struct domain *d, const struct dt_node *node, struct fdt_builder *out);
void arch_dt_event_irq(const struct domain *d, struct fdt_builder *out);

/* HVM_PARAM_CALLBACK_IRQ of d: kind and number of its event-channel interrupt. 0: this host cannot
 * raise one, and d must do without Xen's interfaces; arch_domain_create has said why. */
uint64_t arch_event_callback(const struct domain *d);

/* Interrupt number of a device-tree specifier at the host's controller; -EINVAL if it is none.
 * *edge: triggered by an edge. */
int __must_check arch_dt_irq(const uint32_t *cells, unsigned int nr_cells, bool *edge);

/* Guest physical range kept for the port's emulated devices that dom0 must not see as host device
 * (GICD …): 0-based index. */
bool arch_domain_emulates(const struct domain *d, paddr_t start, paddr_t end);

/* Bits of the tools' `xen_caps` string ("xen-3.0-aarch64 ..."), NUL terminated; and the hw_cap
 * words of physinfo. */
const char *arch_capabilities(void);
/* Can guests have event counters (XEN_DOMCTL_CDF_vpmu)? */
bool arch_has_vpmu(void);
uint32_t arch_physinfo_capabilities(void);
/* XENFEAT_ bits that only this architecture's guests have (word 0 of XENVER_get_features). */
uint32_t arch_features(void);

#include <asm/domain.h>
