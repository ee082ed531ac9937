/* SPDX-License-Identifier: Apache-2.0 */
/* Telling a vCPU that it has events, in its struct vcpu_info: the same for both forms of event
 * channels. */
#include <arch/irq.h>
#include <xen/domain.h>
#include <xen/evtchn_port.h>
#include <xen/guest_atomic.h>

/* Set evtchn_upcall_pending, in the word that begins with it: the byte as it was. */
static uint8_t evtchn_raise_upcall(struct vcpu *v, struct vcpu_info *info)
{
    return (uint8_t)guest_atomic_or32(v->d, (uint32_t *)(void *)info, 1);
}

/* Only who changes the byte from 0 interrupts. */
static void evtchn_tell(struct vcpu *v, uint8_t before)
{
    if (before == 0) {
        arch_virq_upcall(v);
        vcpu_kick(v);
    }
}

static __noinline void evtchn_mark_contended(struct vcpu *v)
{
    evtchn_tell(v, evtchn_raise_upcall(v, atomic_load(&v->info)));
}

/* The exchange publishes what the byte summarises. On the way of every event: the first try is
 * written out, so that nothing is saved for a second one. */
void evtchn_mark_pending(struct vcpu *v)
{
    uint32_t before;

    if (unlikely(!arch_try_or32((uint32_t *)(void *)atomic_load(&v->info), 1, &before))) {
        evtchn_mark_contended(v);
    } else {
        evtchn_tell(v, (uint8_t)before);
    }
}

void evtchn_check_upcall(struct vcpu *v)
{
    struct vcpu_info *info = atomic_load(&v->info);

    (void)guest_atomic_or64(v->d, &info->evtchn_pending_sel, ~(xen_ulong_t)0);
    (void)evtchn_raise_upcall(v, info);
    arch_virq_upcall(v);
    vcpu_kick(v);
}
