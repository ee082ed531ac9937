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

void evtchn_mark_pending(struct vcpu *v)
{
    /* This publishes what the byte summarises; only who changes it from 0 interrupts. */
    if (evtchn_raise_upcall(v, atomic_load(&v->info)) == 0) {
        arch_virq_upcall(v);
        vcpu_kick(v);
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
