/* SPDX-License-Identifier: Apache-2.0 */
/* The guest's timers: vtimer.c. */
#pragma once

#include <xen/compiler.h>
#include <xen/types.h>

struct domain;
struct vcpu;

void vtimer_domain_init(struct domain *d);
int __must_check vtimer_vcpu_init(struct vcpu *v);
void vtimer_vcpu_destroy(struct vcpu *v);
/* Both timers off; v is not loaded. */
void vtimer_reset(struct vcpu *v);
void vtimer_save(struct vcpu *v);
void vtimer_load(struct vcpu *v);
/* This CPU takes interrupts of the virtual timer. */
void vtimer_init_cpu(void);

/* The emulated physical timer's registers. */
enum vtimer_reg {
    VTIMER_CTL,
    VTIMER_CVAL,
    VTIMER_TVAL
};
uint64_t vtimer_phys_read(struct vcpu *v, enum vtimer_reg reg);
void vtimer_phys_write(struct vcpu *v, enum vtimer_reg reg, uint64_t value);
