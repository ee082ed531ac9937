/* SPDX-License-Identifier: Apache-2.0 */
/* From guest to C: what entry.S calls, and the pieces that the trap handlers share. */
#pragma once

#include <xen/compiler.h>
#include <xen/types.h>

struct vcpu;

/*
 * Called on the CPU's stack with interrupts masked; v runs on this CPU. For an ecall
 * (hypercall_enter, vsbi_call) and an interrupt (irq_trap) only the caller-saved registers, sp and
 * tp are in v->arch.regs, and sepc and sstatus are the guest's; for all else all of regs and
 * v->arch.sstatus are valid and restored from there.
 */
void trap_sync(struct vcpu *v, uint64_t cause);

/* Full path: a guest page fault of a load or store: emulated devices, and what is not there
 * (access.c). */
void trap_guest_access(struct vcpu *v, uint64_t cause);
/* Full path: an instruction that needs the hypervisor (virtual_insn.c). */
void trap_virtual_instruction(struct vcpu *v, uint64_t cause);

/*
 * fetch.c: the instruction at the guest's pc, fetched with its own rights (hlvx): false if that
 * faults. The trap's own CSRs (stval, htval, htinst) must have been read before. Full path only.
 */
bool __must_check guest_fetch(const struct vcpu *v, uint32_t *insn);
