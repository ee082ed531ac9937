/* SPDX-License-Identifier: Apache-2.0 */
/* Between fair.c and fair_cap.c. All with the scheduler's lock held. */
#pragma once

#include <xen/domain.h>

/* Virtual time that the vCPUs competing for v's CPUs have reached. */
uint64_t fair_reference(const struct vcpu *v, s_time_t now);
void fair_enqueue(struct vcpu *v, s_time_t now, bool woken);
void fair_charge(struct cpu *c, struct vcpu *v, s_time_t ran);

/* Has d used up its cap for this period? */
static inline bool fair_spent(const struct domain *d)
{
    return d->sched.cap != 0 && d->sched.budget <= 0;
}
