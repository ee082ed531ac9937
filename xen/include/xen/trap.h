/* SPDX-License-Identifier: Apache-2.0 */
/* Everything of the core that a port may call, besides the library: its upcalls. */
#pragma once

#include <xen/compiler.h>
#include <xen/mmio.h>
#include <xen/types.h>

struct vcpu;
struct domain;

/* The boot path, on the boot CPU with the image mapped and a stack; fdt: physical address of the
 * device tree. */
void __noreturn xen_main(paddr_t fdt);
/* A secondary CPU, with its descriptor and stack in place. */
void __noreturn xen_main_secondary(void);

/* v made a hypercall: look it up, run it, store the result. */
void hypercall_enter(struct vcpu *v);

/* A host interrupt was acknowledged on this CPU. */
void irq_dispatch(unsigned int irq);
/* Another CPU asked for attention: work is in cpu.pending already. */
void ipi_dispatch(void);
/* The deadline of arch_timer_program has come. */
void timer_interrupt(void);

/* A guest touched a guest-physical address that is not mapped so, and no device is there
 * (<xen/mmio.h>): true if it is mapped now with the rights in `needs` (P2M_WRITE, P2M_EXEC), and the
 * guest should just try again. */
bool p2m_fault(struct vcpu *v, paddr_t gpa, uint32_t needs);

/*
 * The gate (domain/exit.c). Called on the CPU's stack with all registers of `v` stored in it (NULL:
 * boot, or no vCPU). Does all pending work, chooses, switches, flushes virtual interrupts; returns
 * the vCPU whose state is loaded and that must run now.
 */
struct vcpu *guest_exit(struct vcpu *v);

/* A fault inside the hypervisor: before anything is printed about it. */
void hyp_fault_begin(void);
/* After that: panics. */
void __noreturn hyp_fault(const char *what, uint64_t syndrome, uint64_t address, uint64_t pc);

/*
 * Declared in their own headers, for ports too: domain_shutdown, vcpu_start, vcpu_down, vcpu_block,
 * vcpu_suspend, vcpu_kick, vcpu_unblock, sched_yield, p2m_translate, console_is_there,
 * console_read_guest, console_write_guest
 */
