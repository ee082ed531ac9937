/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Virtual interrupts as bits of hvip: raising them from any CPU, the event-channel upcall, moving
 * them with the vCPU. External interrupts come from the virtual controller, through its table.
 *
 * Where the bits of a vCPU are:
 *
 *     virq_raise, elsewhere --> raise --arch_virq_flush--> CSR hvip --> the guest's sip
 *     virq_raise, loaded here ----------------------------> ^   |
 *                                                 virq_load |   | virq_save
 *                                                           |   v
 *                                                           hvip
 *
 * The event bit is a level that the hypervisor computes: it follows evtchn_upcall_pending whenever
 * the vCPU passes arch_virq_flush, and is taken back when an interrupt of the host finds it stale,
 * so that a guest that does not clear it in its sip is not interrupted for ever: a timer sees to it
 * that such an interrupt comes.
 */
#include <arch/irq.h>
#include <arch/vcpu.h>
#include <asm/csr.h>
#include <asm/isa.h>
#include <asm/virq.h>
#include <public/arch-riscv.h>
#include <xen/cpu.h>
#include <xen/domain.h>
#include <xen/printk.h>
#include <xen/time.h>
#include <xen/timer.h>

#define EVENT_BIT    (1ul << XEN_RISCV_EVENT_IRQ)
#define VSEIP        (1ul << IRQ_VS_EXTERNAL)
#define SETTLE_AFTER MILLISECS(1)
/* Interrupts of VS-mode that vsip and vsie have one place lower [RVPRIV 18.2.5]. */
#define VS_BITS      (1ul << IRQ_VS_SOFT | 1ul << IRQ_VS_TIMER | VSEIP)

const struct virqchip *virqchip;

void arch_virq_forward(struct domain *d, unsigned int virq, unsigned int irq __unused)
{
    virqchip->inject(d, virq); /* arch_virq_route has told it which one is the host's */
}

bool arch_virq_line(struct domain *d, unsigned int virq, bool high)
{
    if (high) {
        virqchip->inject(d, virq);
    }
    return true;
}

int arch_virq_route(struct domain *d, unsigned int virq, unsigned int irq)
{
    return virqchip->route(d, virq, irq);
}

void arch_virq_unroute(struct domain *d, unsigned int virq)
{
    virqchip->unroute(d, virq);
}

unsigned int arch_virq_event(const struct domain *d __unused)
{
    return XEN_RISCV_EVENT_IRQ;
}

void virq_settle_later(void)
{
    struct timer *t = &this_cpu()->arch.settle;

    if (!timer_armed(t)) {
        timer_set(t, time_now() + SETTLE_AFTER);
    }
}

/* The interrupt of the timer has settled the event bit (irq_trap), unless the level is still up. */
static void virq_settle_timer(void *data __unused)
{
    if (virqchip->settle != NULL) {
        virqchip->settle();
    }
    if ((csr_read(CSR_HVIP) & EVENT_BIT) != 0) {
        virq_settle_later();
    }
}

/* v is loaded here. */
static void virq_set_here(struct vcpu *v, uint64_t bits)
{
    if ((bits & EVENT_BIT) != 0) { /* look at it again some time later */
        virq_settle_later();
    }
    if ((bits & VIRQ_FILE) != 0) {
        virqchip->messages(v);
    }
    csr_set(CSR_HVIP, bits & ~VIRQ_FILE);
}

void virq_raise(struct vcpu *v, uint64_t bits)
{
    if (virq_loaded_here(v)) {
        virq_set_here(v, bits);
        if (atomic_load(&v->pause_flags) == 0) {
            return;
        }
    } else {
        atomic_fetch_or(&v->arch.virq.raise, bits);
    }
    vcpu_kick(v);
}

void virq_clear(struct vcpu *v, uint64_t bits)
{
    struct virq_vcpu *s = &v->arch.virq;

    atomic_fetch_and(&s->raise, ~bits);
    if (virq_loaded_here(v)) {
        csr_clear(CSR_HVIP, bits);
    } else {
        s->hvip &= ~bits;
    }
}

/*
 * What is pending for v, as bits of hvip whatever the source: hvip, vstimecmp, its interrupt file.
 * Exact for the vCPU loaded on this CPU; for another one, what hvip will have when it is loaded.
 */
static uint64_t virq_pending(struct vcpu *v)
{
    const struct virq_vcpu *s = &v->arch.virq;
    uint64_t pending = atomic_load(&s->raise);

    if ((pending & VIRQ_FILE) != 0) {
        pending |= VSEIP; /* at least one message, perhaps of a masked identity */
    }
    pending |= virq_loaded_here(v) ? csr_read(CSR_HVIP) | (csr_read(CSR_HIP) & VS_BITS) : s->hvip;
    return pending & ~VIRQ_FILE;
}

bool virq_wanted(struct vcpu *v)
{
    uint64_t enabled = csr_read(CSR_VSIE);

    return (virq_pending(v) & ((enabled & VS_BITS >> 1) << 1 | (enabled & EVENT_BIT))) != 0;
}

/* Its own interrupts end WFI too, because sie has what vsie has [RVPRIV 18.2.2, 3.3.3]. */
void virq_wake_idle(void)
{
    struct vcpu *v = current_vcpu();

    if (v != NULL && (atomic_load(&v->pause_flags) & VPF_BLOCKED) != 0 && virq_wanted(v)) {
        vcpu_kick(v);
    }
}

/* The caller wakes v (evtchn_mark_pending). */
void arch_virq_upcall(struct vcpu *v)
{
    if (!isa_has(ISA_SSAIA)) {
        return; /* the guest was not told of events */
    }
    if (virq_loaded_here(v)) {
        virq_set_here(v, EVENT_BIT);
    } else {
        atomic_fetch_or(&v->arch.virq.raise, EVENT_BIT);
    }
}

static bool virq_event_level(const struct vcpu *v)
{
    return atomic_load(&atomic_load(&v->info)->evtchn_upcall_pending) != 0;
}

void virq_settle_event(struct vcpu *v)
{
    if (v != NULL && virq_loaded_here(v) && !virq_event_level(v)) {
        csr_clear(CSR_HVIP, EVENT_BIT);
    }
}

void arch_virq_flush(struct vcpu *v)
{
    struct virq_vcpu *s = &v->arch.virq;
    uint64_t bits = 0;

    if (atomic_load(&s->raise) != 0) {
        bits = atomic_exchange(&s->raise, 0ul);
    }
    if (isa_has(ISA_SSAIA)) {
        if (virq_event_level(v)) {
            bits |= EVENT_BIT;
        } else {
            bits &= ~EVENT_BIT;
            csr_clear(CSR_HVIP, EVENT_BIT);
        }
    }
    if (bits != 0) {
        virq_set_here(v, bits);
    }
}

void virq_load(struct vcpu *v)
{
    struct virq_vcpu *s = &v->arch.virq;

    csr_write(CSR_HVIP, s->hvip);
    csr_write(CSR_VSIE, v->arch.csrs.vsie);
    atomic_store(&s->loaded, this_cpu());
    virqchip->vcpu_load(v);
    if (isa_has(ISA_SSAIA)) {
        csr_write(CSR_VSISELECT, s->siselect);
    }
}

/* vsie and hvip stay 0 while nobody is loaded: WFI would end at once for what is pending there. */
void virq_save(struct vcpu *v)
{
    struct virq_vcpu *s = &v->arch.virq;

    if (isa_has(ISA_SSAIA)) {
        s->siselect = csr_read(CSR_VSISELECT);
    }
    if (virqchip->vcpu_save != NULL) {
        virqchip->vcpu_save(v);
    }
    atomic_store(&s->loaded, (struct cpu *)NULL);
    s->hvip = csr_swap(CSR_HVIP, 0ul);
    v->arch.csrs.vsie = csr_swap(CSR_VSIE, 0ul);
}

int virq_vcpu_create(struct vcpu *v)
{
    return virqchip->vcpu_create != NULL ? virqchip->vcpu_create(v) : 0;
}

void virq_vcpu_destroy(struct vcpu *v)
{
    if (virqchip->vcpu_destroy != NULL) {
        virqchip->vcpu_destroy(v);
    }
}

/* A PLIC's output is not reset: at worst the guest claims once, and finds nothing. */
void virq_vcpu_reset(struct vcpu *v)
{
    struct virq_vcpu *s = &v->arch.virq;

    s->siselect = 0;
    atomic_fetch_and(&s->raise, VIRQ_FILE | VSEIP);
    s->hvip &= VSEIP;
}

void virq_init_cpu(void)
{
    struct cpu *c = this_cpu();

    if (timer_init(&c->arch.settle, c, virq_settle_timer, NULL) != 0) {
        panic("CPU%u: no memory for a timer\n", c->id);
    }
    csr_write(CSR_HVIP, 0ul);
    csr_write(CSR_VSIE, 0ul);
    if (isa_has(ISA_SSAIA)) {
        csr_write(CSR_HVIEN, EVENT_BIT);
        csr_write(CSR_HVICTL, 0ul);
        csr_write(CSR_HVIPRIO1, 0ul); /* default priorities [RVAIA 6.4.2] */
        csr_write(CSR_HVIPRIO2, 0ul);
    }
}
