/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The virtual GICv2 of arm64, its own sources, against a small model of what a guest may expect.
 * Two CPUs with few list registers run three vCPUs, which take, end, enable, clear and move
 * interrupts at random; devices raise them. An interrupt comes only if it is pending, is active
 * until its end and nowhere lost, and in the end none is left over. `model SEED STEPS
 * LIST_REGISTERS`.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "guest.h"

/* A device, or the core, on this CPU. */
static void raise(void)
{
    struct vcpu *v = &vcpus[pick(NR_VCPUS)];
    uint32_t virq = pick_virq();

    if (virq >= FIRST_HW) {
        if (machine_host_fire(HOST(virq))) {
            shared[virq].pending = 1;
            irq_dispatch(HOST(virq));
        }
        return;
    }
    expect(v, virq, virq < 16 ? v->id : 0);
    if (virq < GIC_NR_SGIS) {
        vgic_inject_sgi(v, virq, v->id);
    } else if (virq < GIC_NR_PRIVATE) {
        vgic_inject_private(v, virq);
    } else { /* a device whose line is high for a moment */
        (void)arch_virq_line(&dom, virq, true);
        (void)arch_virq_line(&dom, virq, false);
    }
}

static bool line_is_high(const struct vcpu *v)
{
    return line_high[v->id];
}

static void line(bool high)
{
    struct vcpu *v = &vcpus[pick(NR_VCPUS)];
    struct expected *e = &private[v->id][LINE];

    if (high && !line_high[v->id]) {
        expect(v, LINE, 0);
    } else if (!high && line_high[v->id]) {
        e->late = 1;
    }
    line_high[v->id] = high;
    vgic_follow_line(v, LINE, line_is_high);
}

/* `id` goes to this CPU, unless another one has it. */
static void switch_to(uint32_t id)
{
    struct vcpu *v = id == IDLE ? NULL : &vcpus[id];
    uint32_t virq;

    if (v != NULL && v->arch.vgic.loaded != NULL) {
        return;
    }
    if (self->current != NULL) {
        vgic_save(self->current);
        if (self->current->arch.vgic.pull) {
            fail("left with what others wait for", self->current, 0);
        }
    }
    if (v == NULL && machine_maintenance()) {
        fail("maintenance interrupt for nobody", self->current, 0);
    }
    self->current = v;
    if (v != NULL) {
        v->cpu = self;
        vgic_load(v);
        self->pending = true;
    }
    for (virq = FIRST_HW; v != NULL && virq < NR_IRQS; virq++) {
        const struct vgic_irq *irq = vgic_irq(v, virq);

        if (vgic_is(irq, VGIC_ENABLED) && vgic_target(&dom, irq) == v &&
            machine_host_target(HOST(virq)) != self) {
            fail("the host did not follow", v, virq);
        }
    }
}

static void one_step(void)
{
    uint32_t what = pick(16);

    self = &cpus[pick(NR_CPUS)];
    if (what < 2) {
        switch_to(pick(NR_VCPUS + 1u));
    } else if (what < 5) {
        raise();
    } else if (what < 6) {
        line(pick(2) != 0);
    } else if (self->current != NULL && what < 9) {
        guest_take(); /* no exit */
        return;
    } else if (self->current != NULL && what < 12) {
        guest_end();
    } else if (self->current != NULL && what < 15) {
        guest_acts();
    }
    gate();
}

static void left_over(void)
{
    uint32_t i, virq;

    for (i = 0; i < NR_VCPUS; i++) {
        for (virq = 0; virq < NR_IRQS; virq++) {
            const struct expected *e = expected(&vcpus[i], virq);

            if (e->pending != 0 || e->active != 0) {
                fail(e->pending != 0 ? "pending for ever" : "active for ever", &vcpus[i], virq);
            }
            if ((vgic_irq(&vcpus[i], virq)->state & VGIC_STATE) != 0) {
                fail("left over", &vcpus[i], virq);
            }
            if (virq >= FIRST_HW && machine_host_active(HOST(virq))) {
                fail("active at the host", &vcpus[i], virq);
            }
        }
    }
}

/* Every vCPU runs by itself, with everything enabled, until nothing comes any more. */
static void drain(void)
{
    uint32_t round, i, n, virq;

    for (i = 0; i < NR_VCPUS; i++) {
        line_high[i] = false;
        private[i][LINE].late = 1;
        vgic_follow_line(&vcpus[i], LINE, line_is_high);
    }
    self = &cpus[1];
    switch_to(IDLE);
    self = &cpus[0];
    for (round = 0; round < 3 * NR_VCPUS; round++) {
        switch_to(IDLE);
        switch_to(round % NR_VCPUS);
        gate();
        for (virq = 0; virq < NR_IRQS; virq++) {
            guest_enable(virq, true);
        }
        for (n = 0; n < 200; n++) {
            gate();
            guest_take();
            gate();
            guest_end();
        }
    }
    left_over();
}

int main(int argc, char **argv)
{
    uint64_t steps = argc > 2 ? strtoull(argv[2], NULL, 0) : 0;
    uint32_t i;

    srand(argc > 1 ? (unsigned int)atoi(argv[1]) : 1);
    machine_init(argc > 3 ? (uint32_t)atoi(argv[3]) : 4);
    if (vgic_domain_create(&dom, 32) != 0) {
        return 1;
    }
    dom.arch.vgic.state->ctlr = 1;
    for (i = 0; i < NR_VCPUS; i++) {
        vcpus[i].id = i;
        vcpus[i].d = &dom;
        vgic_vcpu_init(&vcpus[i]);
        vcpus[i].arch.vgic.vmcr = 0xf8000001u;
    }
    for (i = FIRST_HW; i < NR_IRQS; i++) {
        irq_describe(HOST(i), true);
        if (irq_assign(&dom, HOST(i), i) != 0) {
            return 1;
        }
    }
    for (step = 0; step < steps; step++) {
        one_step();
        if (step % 5000u == 4999u) {
            drain();
        }
    }
    printf("ok\n");
    return 0;
}
