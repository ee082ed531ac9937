/* Parts of dom0's device tree that files of the port share: the CPUs' nodes are written by
 * guest_dt.c, interrupt controllers by irq/. */
#pragma once

#include <xen/compiler.h>
#include <xen/types.h>

struct domain;
struct fdt_builder;

/* Phandle of the "riscv,cpu-intc" node of a vCPU: no node of the host's tree has it. */
uint32_t guest_dt_cpu_intc_phandle(const struct domain *d, unsigned int vcpu);

/*
 * guest_isa.c: write riscv,isa, riscv,isa-base and riscv,isa-extensions into the open cpu node: of
 * the host's extensions those that a guest may use. And is `name` one of them?
 */
void guest_isa_write(struct fdt_builder *out);
bool guest_isa_has(const char *name);
