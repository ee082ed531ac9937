/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest's timers. The virtual one is the CPU's own while the vCPU is loaded; a vCPU that waits
 * elsewhere is woken by a timer of the hypervisor. The physical one is emulated: its registers
 * trap, a timer of the hypervisor raises its line.
 */
#include <arch/time.h>
#include <asm/vgic_state.h>
#include <asm/vtimer_ops.h>
#include <xen/errno.h>
#include <xen/heap.h>
#include <xen/time.h>
#include <xen/timer.h>

struct vtimer_deadlines {
    struct timer virt, phys;
};

/* At this value of the counter. */
static void vtimer_deadline_arm(struct timer *t, uint64_t ticks)
{
    uint64_t now = arch_counter();

    timer_set_ticks(t, now, ticks > now ? ticks - now : 0);
}

static void vtimer_virt_fired(void *data)
{
    vgic_timer_deadline(data);
}

static bool vtimer_phys_reached(const struct vtimer *t)
{
    return (atomic_load(&t->phys_ctl) & CNT_CTL_ENABLE) != 0 &&
           atomic_load(&t->phys_cval) <= arch_counter();
}

static bool vtimer_phys_is_high(const struct vcpu *v)
{
    const struct vtimer *t = &v->arch.timer;

    return vtimer_phys_reached(t) && (atomic_load(&t->phys_ctl) & CNT_CTL_IMASK) == 0;
}

/* The guest may write the registers on one CPU while the deadline passes on another. */
static void vtimer_phys_show(void *data)
{
    struct vcpu *v = data;

    vgic_follow_line(v, v->d->arch.vgic.state->phys_timer, vtimer_phys_is_high);
}

/* Line and deadline follow the registers. */
static void vtimer_phys_update(struct vcpu *v)
{
    struct vtimer *t = &v->arch.timer;

    if ((t->phys_ctl & (CNT_CTL_ENABLE | CNT_CTL_IMASK)) == CNT_CTL_ENABLE &&
        !vtimer_phys_reached(t)) {
        vtimer_deadline_arm(&t->deadlines->phys, t->phys_cval);
    } else {
        timer_stop(&t->deadlines->phys);
    }
    vtimer_phys_show(v);
}

uint64_t vtimer_phys_read(struct vcpu *v, enum vtimer_reg reg)
{
    const struct vtimer *t = &v->arch.timer;

    switch (reg) {
    case VTIMER_CTL: return t->phys_ctl | (vtimer_phys_reached(t) ? CNT_CTL_ISTATUS : 0);
    case VTIMER_CVAL: return t->phys_cval;
    case VTIMER_TVAL:
    default: return (t->phys_cval - arch_counter()) & UINT32_MAX;
    }
}

void vtimer_phys_write(struct vcpu *v, enum vtimer_reg reg, uint64_t value)
{
    struct vtimer *t = &v->arch.timer;

    switch (reg) {
    case VTIMER_CTL: atomic_store(&t->phys_ctl, value & (CNT_CTL_ENABLE | CNT_CTL_IMASK)); break;
    case VTIMER_CVAL: atomic_store(&t->phys_cval, value); break;
    case VTIMER_TVAL:
    default: atomic_store(&t->phys_cval, arch_counter() + (uint64_t)(int64_t)(int32_t)value); break;
    }
    vtimer_phys_update(v);
}

void vtimer_domain_init(struct domain *d)
{
    d->arch.cntvoff = arch_counter();
    d->time_offset = time_from_ticks(d->arch.cntvoff) / SECONDS(1);
}

int vtimer_vcpu_init(struct vcpu *v)
{
    struct vtimer_deadlines *dl = heap_new(struct vtimer_deadlines);
    int rc;

    if (dl == NULL) {
        return -ENOMEM;
    }
    rc = timer_init(&dl->virt, this_cpu(), vtimer_virt_fired, v);
    if (rc == 0) {
        rc = timer_init(&dl->phys, this_cpu(), vtimer_phys_show, v);
        if (rc != 0) {
            timer_destroy(&dl->virt);
        }
    }
    if (rc != 0) {
        heap_delete(dl);
        return rc;
    }
    v->arch.timer.deadlines = dl;
    return 0;
}

void vtimer_vcpu_destroy(struct vcpu *v)
{
    struct vtimer_deadlines *dl = v->arch.timer.deadlines;

    if (dl != NULL) {
        timer_destroy(&dl->virt);
        timer_destroy(&dl->phys);
        heap_delete(dl);
        v->arch.timer.deadlines = NULL;
    }
}

void vtimer_reset(struct vcpu *v)
{
    struct vtimer *t = &v->arch.timer;

    t->virt_ctl = 0;
    t->virt_cval = 0;
    t->phys_ctl = 0;
    t->phys_cval = 0;
    timer_stop(&t->deadlines->virt);
    vtimer_phys_update(v);
}

void vtimer_save(struct vcpu *v)
{
    struct vtimer *t = &v->arch.timer;

    t->virt_ctl = READ_SYSREG(cntv_ctl_el0);
    t->virt_cval = READ_SYSREG(cntv_cval_el0);
    WRITE_SYSREG(0, cntv_ctl_el0);
    isb(); /* its line is down before the next vCPU's timer is set */
    /* One that may run is loaded again soon, and then the timer itself fires; one that waits must
     * be woken. */
    if ((t->virt_ctl & (CNT_CTL_ENABLE | CNT_CTL_IMASK)) == CNT_CTL_ENABLE &&
        atomic_load(&v->pause_flags) != 0) {
        vtimer_deadline_arm(&t->deadlines->virt, t->virt_cval + v->d->arch.cntvoff);
    }
}

void vtimer_load(struct vcpu *v)
{
    struct vtimer *t = &v->arch.timer;

    if (timer_armed(&t->deadlines->virt)) {
        timer_stop(&t->deadlines->virt);
    }
    WRITE_SYSREG(v->d->arch.cntvoff, cntvoff_el2);
    WRITE_SYSREG(t->virt_cval, cntv_cval_el0);
    isb(); /* offset and comparator before the timer is on */
    WRITE_SYSREG(t->virt_ctl, cntv_ctl_el0);
}

/*
 * The guest's timer came. It is masked at the timer, as the guest's own handler does next anyway,
 * and handed on as a plain virtual interrupt: tied to the host's by a list register it could be
 * lost in QEMU (10.0), which does not look at a line that rose before the guest's end.
 */
static void vtimer_fired(unsigned int irq __unused, void *data __unused)
{
    struct vcpu *v = current_vcpu();

    if (v != NULL) {
        WRITE_SYSREG(READ_SYSREG(cntv_ctl_el0) | CNT_CTL_IMASK, cntv_ctl_el0);
        isb(); /* the line is down before the deactivation, or it would come once more */
        vgic_inject_private(v, v->d->arch.vgic.state->virt_timer);
    }
}

void vtimer_init_cpu(void)
{
    gicv2_request(gic.virt_timer, vtimer_fired);
}
