/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest's timers on arm64: the port's source without headers and instructions. Two CPUs are
 * contexts, and either may go on wherever the other's view could be old. One vCPU wanders between
 * them, programs both timers and sleeps; their deadlines pass on the CPU that armed them. The
 * emulated line agrees with the registers when nobody is at work, and no virtual timer that has not
 * come is masked. `model SEED STEPS`.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <ucontext.h>

#define CPUS  2u
#define STACK (256u << 10)
#define SOON  60u /* ticks */

#define CNT_CTL_ENABLE     1ul
#define CNT_CTL_IMASK      2ul
#define CNT_CTL_ISTATUS    4ul
#define ENOMEM             12
#define PHYS               30u
#define VIRT               27u
#define SECONDS(n)         ((n) * 1000000000l)
#define time_from_ticks(t) ((int64_t)(t))
#define heap_new(type)     ((type *)calloc(1, sizeof(type)))
#define heap_delete(p)     free(p)
#define __unused           __attribute__((unused))
#define __must_check
#define READ_SYSREG(name)         (others(), regs[self].name)
#define WRITE_SYSREG(value, name) (others(), (void)(regs[self].name = (value)))
#define isb()                     ((void)0)
#define smp_mb()                  ((void)0)
#define atomic_load(p)            (*(p))
#define atomic_store(p, value)    (others(), (void)(*(p) = (value)))

struct vcpu;

struct cpu {
    unsigned int id;
};

struct timer {
    uint64_t expires;
    void (*fn)(void *data);
    void *data;
    unsigned int cpu;
    bool armed;
};

struct vgic_irq {
    int none;
};

static struct vgic {
    int lock;
    uint32_t phys_timer, virt_timer;
} vgic = {.phys_timer = PHYS, .virt_timer = VIRT};

static struct {
    uint64_t cntv_ctl_el0, cntv_cval_el0, cntvoff_el2;
} regs[CPUS];

static struct {
    unsigned int virt_timer;
} gic;

static ucontext_t context[CPUS], end;
static unsigned int self, working; /* handlers and writes that have begun */
static unsigned long steps, woken;
static uint64_t counter = 1000;
static bool line, owned;
static uint64_t guest_ctl; /* what the guest has written to the virtual timer */

#include "types.h"

struct domain {
    int64_t time_offset;
    struct {
        uint64_t cntvoff;
        struct {
            struct vgic *state;
        } vgic;
    } arch;
};

struct vcpu {
    struct domain *d;
    uint32_t pause_flags;
    struct {
        struct vtimer timer;
        struct {
            struct cpu *loaded;
            struct vgic_irq own[32];
        } vgic;
    } arch;
};

static struct cpu cpus[CPUS];
static struct domain domain = {.arch = {.vgic.state = &vgic}};
static struct vcpu vcpu = {.d = &domain};

static void fail(const char *what)
{
    const struct vtimer *t = &vcpu.arch.timer;

    printf("at %lu: %s (phys %lx %lu, virt %lx %lu)\n", counter, what, t->phys_ctl, t->phys_cval,
           t->virt_ctl, t->virt_cval);
    exit(1);
}

/* Time for the other CPU, at times for much. */
static void others(void)
{
    unsigned int from = self;

    if (steps == 0) {
        setcontext(&end);
    }
    steps--;
    counter += (uint64_t)rand() % 3;
    if (rand() % 4 == 0) {
        self = 1u - self;
        swapcontext(&context[from], &context[self]);
    }
}

static uint64_t arch_counter(void)
{
    return counter;
}

static struct cpu *this_cpu(void)
{
    return &cpus[self];
}

static struct vcpu *current_vcpu(void)
{
    return vcpu.arch.vgic.loaded == this_cpu() ? &vcpu : NULL;
}

static void spin_lock(int *lock)
{
    do {
        others();
    } while (*lock != 0);
    *lock = 1;
}

static void spin_unlock(int *lock)
{
    *lock = 0;
    others();
}

static int timer_init(struct timer *t, const struct cpu *c, void (*fn)(void *data), void *data)
{
    *t = (struct timer){.fn = fn, .data = data, .cpu = c->id};
    return 0;
}

static void timer_destroy(struct timer *t)
{
    t->armed = false;
}

static void timer_stop(struct timer *t)
{
    t->armed = false;
    others();
}

static bool timer_armed(const struct timer *t)
{
    return t->armed;
}

static void timer_set_ticks(struct timer *t, uint64_t now, uint64_t left)
{
    t->expires = now + left;
    t->cpu = self;
    t->armed = true;
    others();
}

static void gicv2_request(unsigned int irq, void (*fn)(unsigned int irq, void *data))
{
    (void)irq;
    (void)fn;
}

static void vgic_follow_line(struct vcpu *v, uint32_t virq, bool (*is_high)(const struct vcpu *v))
{
    spin_lock(&v->d->arch.vgic.state->lock);
    line = is_high(v);
    others();
    spin_unlock(&v->d->arch.vgic.state->lock);
}

static void vgic_inject_private(struct vcpu *v, uint32_t virq)
{
    (void)v;
    woken += virq == VIRT;
}

static void vgic_deliver(struct vcpu *v, struct vgic_irq *irq, uint32_t virq, bool host)
{
    (void)irq;
    (void)host;
    vgic_inject_private(v, virq);
}

#include "body.h"

static void expire(struct timer *t)
{
    if (t->armed && t->cpu == self && t->expires <= counter) {
        t->armed = false;
        working++;
        others();
        t->fn(t->data);
        working--;
    }
}

static uint64_t some_time(void)
{
    return rand() % 8 == 0 ? UINT64_MAX / 2 : counter + (uint64_t)rand() % SOON - SOON / 4;
}

static void program(void)
{
    working++;
    if (rand() % 2 == 0) {
        vtimer_phys_write(&vcpu, VTIMER_CVAL, some_time());
    }
    vtimer_phys_write(&vcpu, VTIMER_CTL, (uint64_t)rand() % 4);
    working--;
    regs[self].cntv_cval_el0 = some_time() - domain.arch.cntvoff;
    regs[self].cntv_ctl_el0 = guest_ctl = CNT_CTL_ENABLE | (rand() % 4 == 0 ? CNT_CTL_IMASK : 0);
}

/* Nobody is at work, and no deadline waits for its CPU. */
static void check_line(void)
{
    const struct vtimer *t = &vcpu.arch.timer;
    bool high = t->phys_ctl == CNT_CTL_ENABLE && t->phys_cval <= counter;

    if (working == 0 && !t->deadlines->phys.armed && line != high) {
        fail("the line of the physical timer is wrong");
    }
}

static void run_guest(void)
{
    uint64_t now;

    vcpu.pause_flags = 0;
    spin_lock(&vgic.lock);
    vcpu.arch.vgic.loaded = this_cpu();
    spin_unlock(&vgic.lock);
    vtimer_load(&vcpu);
    now = counter - domain.arch.cntvoff;
    if (((regs[self].cntv_ctl_el0 ^ guest_ctl) & CNT_CTL_IMASK) != 0 &&
        regs[self].cntv_cval_el0 > now) {
        fail("the virtual timer is masked before its time");
    }
    for (unsigned int n = (unsigned int)rand() % 3; n != 0; n--) {
        program();
        others();
    }
    vcpu.pause_flags = 1;
    vtimer_save(&vcpu);
    spin_lock(&vgic.lock);
    vcpu.arch.vgic.loaded = NULL;
    spin_unlock(&vgic.lock);
}

static void run(void)
{
    for (;;) {
        others();
        expire(&vcpu.arch.timer.deadlines->virt);
        expire(&vcpu.arch.timer.deadlines->phys);
        check_line();
        if (!owned && rand() % 8 == 0) {
            owned = true;
            run_guest();
            owned = false;
        }
    }
}

int main(int argc, char **argv)
{
    static uint8_t stack[CPUS][STACK];

    srand(argc > 1 ? (unsigned int)atoi(argv[1]) : 1);
    steps = argc > 2 ? strtoul(argv[2], NULL, 0) : 100000;
    vtimer_domain_init(&domain);
    for (unsigned int i = 0; i < CPUS; i++) {
        cpus[i].id = i;
        getcontext(&context[i]);
        context[i].uc_stack.ss_sp = stack[i];
        context[i].uc_stack.ss_size = STACK;
        makecontext(&context[i], run, 0);
    }
    if (vtimer_vcpu_init(&vcpu) != 0) {
        return 2;
    }
    getcontext(&end);
    if (steps != 0) {
        setcontext(&context[0]);
    }
    puts(woken != 0 ? "ok" : "no deadline woke the vCPU");
    return 0;
}
