/* SPDX-License-Identifier: Apache-2.0 */
/* From guest to C: what entry.S calls, and the pieces that the trap handlers share. */
#pragma once

#include <asm/esr.h>
#include <xen/compiler.h>
#include <xen/types.h>

struct cpu_regs;
struct vcpu;

/* entry.S: the exception vectors for a CPU whose `harden` is not 0 (speculation.c). */
extern char vectors_hardened[];

/*
 * Called on the CPU's stack with interrupts masked; v runs on this CPU. On the HVC and IRQ paths
 * only x0-x18, x29 and x30 are in v->arch.regs, and ELR_EL2, SPSR_EL2 are the guest's; on the
 * others all of regs is valid and restored from there.
 */
void trap_hvc(struct vcpu *v, uint64_t esr);
void trap_sync(struct vcpu *v, uint64_t esr);
void trap_irq(struct vcpu *v);
void trap_serror(struct vcpu *v, uint64_t esr);
/* A fault at EL2. kind: 0 synchronous, 1 interrupt, 2 SError; regs on the panic stack, sp as it
 * was. */
void __noreturn trap_hyp(const struct cpu_regs *regs, uint64_t kind, uint64_t sp);

/* Full path: an access to an AArch64 system register (sysreg.c). */
void trap_sysreg(struct vcpu *v, uint64_t esr);
/* Full path: data_abort.c. */
void trap_data_abort(struct vcpu *v, uint64_t esr);
void trap_instruction_abort(struct vcpu *v, uint64_t esr);
/* SMCCC call with its registers in v->arch.regs.x[0..]; result there too (smccc.c). */
void smccc_call(struct vcpu *v);
