/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest's timer. With Sstc it is the hart's own vstimecmp while the vCPU is loaded, and a timer
 * of the hypervisor only wakes one that waits off the CPU. Without Sstc a timer of the hypervisor
 * is all there is: it raises VSTIP. Time itself is the hart's, moved by htimedelta.
 */
#include <arch/time.h>
#include <asm/virq.h>
#include <asm/vtimer.h>
#include <xen/cpu.h>
#include <xen/domain.h>
#include <xen/time.h>
#include <xen/timer.h>

#define VSTIP (1ul << IRQ_VS_TIMER)

/* At this guest time. */
static void vtimer_arm(struct vcpu *v, uint64_t at)
{
    uint64_t host = arch_counter(), now = host + v->d->arch.htimedelta;

    timer_set_ticks(&v->arch.timer.timer, host, at > now ? at - now : 0);
}

static void vtimer_fired(void *data)
{
    struct vcpu *v = data;

    if (isa_has(ISA_SSTC)) {
        vcpu_kick(v); /* VSTIP is there as soon as vstimecmp is loaded */
    } else {
        virq_raise(v, VSTIP);
    }
}

void vtimer_domain_init(struct domain *d)
{
    uint64_t now = arch_counter();

    d->arch.htimedelta = 0 - now;
    d->time_offset = time_from_ticks(now) / SECONDS(1);
}

int vtimer_create(struct vcpu *v)
{
    v->arch.timer.at = UINT64_MAX;
    return timer_init(&v->arch.timer.timer, this_cpu(), vtimer_fired, v);
}

void vtimer_destroy(struct vcpu *v)
{
    timer_destroy(&v->arch.timer.timer);
}

void vtimer_reset(struct vcpu *v)
{
    v->arch.timer.at = UINT64_MAX;
    timer_stop(&v->arch.timer.timer);
}

void vtimer_set_emulated(struct vcpu *v, uint64_t at)
{
    v->arch.timer.at = at;
    virq_clear(v, VSTIP); /* set_timer takes back what is pending [RVSBI 6.1] */
    vtimer_arm(v, at);
}

void vtimer_save(struct vcpu *v)
{
    struct vtimer *t = &v->arch.timer;

    if (!isa_has(ISA_SSTC)) {
        return; /* its timer goes on wherever it is */
    }
    t->at = csr_swap(CSR_VSTIMECMP, UINT64_MAX); /* the next vCPU must not see this one's VSTIP */
    /* One that may run is loaded again soon, and then the hart compares; one that waits must be
     * woken. */
    if (atomic_load(&v->pause_flags) != 0) {
        vtimer_arm(v, t->at);
    }
}

void vtimer_load(struct vcpu *v)
{
    struct vtimer *t = &v->arch.timer;

    csr_write(CSR_HTIMEDELTA, v->d->arch.htimedelta);
    if (isa_has(ISA_SSTC)) {
        if (timer_armed(&t->timer)) {
            timer_stop(&t->timer);
        }
        csr_write(CSR_VSTIMECMP, t->at);
    }
}
