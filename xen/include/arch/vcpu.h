/* SPDX-License-Identifier: Apache-2.0 */
/* Contract: a virtual CPU's registers - create, reset, switch, tools' view, hypercall arguments,
 * injected exceptions. */
#pragma once

#include <arch/types.h>
#include <xen/compiler.h>
#include <xen/types.h>

struct domain;
struct vcpu;
struct vcpu_guest_context;
struct mmio_access;

/* Allocate and reset what the port needs for v (v->d, v->id are set). 0 or -ENOMEM. destroy is the
 * counterpart. */
int __must_check arch_vcpu_create(struct vcpu *v);
void arch_vcpu_destroy(struct vcpu *v);

/* Make the next entry of v begin at pc with the architectural boot state and one argument, where
 * the boot protocol has it. v is not running. */
void arch_vcpu_set_entry(struct vcpu *v, uint64_t pc, uint64_t arg);

/* Save v's system, FP and timer state from this CPU / load it to this CPU. General registers are in
 * v->arch already. */
void arch_vcpu_save(struct vcpu *v);
void arch_vcpu_load(struct vcpu *v);

/*
 * Continue v, whose state is loaded on this CPU, or start it; does not return. Used once per CPU by
 * the boot path; later the entry code resumes what guest_exit returned.
 */
void __noreturn arch_vcpu_resume(struct vcpu *v);

/* The tools' register view [public/arch-*.h]. v is paused. set validates: -EINVAL for a state the
 * guest must not have. */
int __must_check arch_vcpu_set_context(struct vcpu *v, const struct vcpu_guest_context *ctx);
void arch_vcpu_get_context(struct vcpu *v, struct vcpu_guest_context *ctx);

/* Hypercall number and the five argument registers of the call that v makes now. */
static inline uint64_t arch_hypercall_nr(const struct vcpu *v);
static inline uint64_t *arch_hypercall_args(struct vcpu *v);
static inline void arch_hypercall_set_result(struct vcpu *v, long result);
/* Step the program counter back onto the calling instruction, so that the guest makes the call
 * again. */
void arch_hypercall_repeat(struct vcpu *v);

/* Was an asynchronous guest state change pending that lets the vCPU leave WFI (an interrupt it has
 * not masked)? */
bool arch_vcpu_wakeup_pending(struct vcpu *v);

#include <asm/vcpu.h>
