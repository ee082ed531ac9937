/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A vCPU's timer: vstimecmp, which needs no exit, where harts have Sstc [RVPRIV Sstc]; else a timer
 * of the core that raises VSTIP. struct vtimer is in <asm/vstate.h>.
 */
#pragma once

#include <asm/csr.h>
#include <asm/isa.h>
#include <xen/compiler.h>
#include <xen/types.h>

struct domain;
struct vcpu;

/* d's time begins now. */
void vtimer_domain_init(struct domain *d);

int __must_check vtimer_create(struct vcpu *v);
void vtimer_destroy(struct vcpu *v);
/* Never. v is not loaded. */
void vtimer_reset(struct vcpu *v);
/* SBI set_timer of v, which is loaded here: `at` in guest time, UINT64_MAX: never. */
void vtimer_set_emulated(struct vcpu *v, uint64_t at); /* for harts without Sstc */
static inline void vtimer_set(struct vcpu *v, uint64_t at)
{
    if (likely(isa_has(ISA_SSTC))) {
        csr_write(CSR_VSTIMECMP, at);
    } else {
        vtimer_set_emulated(v, at);
    }
}
/*
 * Off and on this CPU, with htimedelta. One that waits (VPF_BLOCKED) and is taken off is woken by a
 * timer of the core; one that stays loaded in the idle loop has its VSTIP in hip as ever, and WFI
 * ends for it [RVPRIV 3.3.3]: whoever polls interrupts then asks arch_vcpu_wakeup_pending.
 */
void vtimer_save(struct vcpu *v);
void vtimer_load(struct vcpu *v);
