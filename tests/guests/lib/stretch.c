/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stretches of the hypervisor with interrupts masked, measured by this kernel's timer. When it
 * comes, it is set again for a moment later: so every part of a call that is made again and again
 * has one that waits for its end.
 */
#include <guest/port.h>
#include <guest/print.h>
#include <guest/stretch.h>
#include <guest/test.h>

enum {
    ROUNDS = 4,
    SETTLE = 100000, /* ns */
    GAP_LEAST = 1500 /* ns: more than the way back from the interrupt to the call */
};

static uint64_t stretch_usual; /* ns, of an interrupt that nobody delays */
static volatile uint64_t stretch_due;
static volatile uint64_t stretch_worst;
static volatile unsigned int stretch_count;
static uint64_t stretch_gap; /* 0: do not set the timer again */
static uint64_t stretch_seed = 1;

/* One instruction takes one of these. */
static uint64_t stretch_now(void)
{
    return port_counter() * (1000000000 / port_frequency());
}

static void stretch_set(uint64_t at)
{
    uint64_t tick = 1000000000 / port_frequency();
    stretch_due = at / tick * tick;
    port_timer_set(at / tick);
}

static void stretch_set_again(void)
{
    stretch_seed = stretch_seed * 6364136223846793005UL + 1442695040888963407UL;
    stretch_set(stretch_now() + GAP_LEAST + (stretch_seed >> 33) % stretch_gap);
}

static void stretch_interrupt(unsigned int irq)
{
    uint64_t now = stretch_now();
    (void)irq;
    port_timer_stop();
    if (now > stretch_due + stretch_worst) {
        stretch_worst = now - stretch_due;
    }
    stretch_count++;
    if (stretch_gap != 0) {
        stretch_set_again();
    }
}

/* One interrupt while this kernel does nothing. */
static void stretch_idle(void)
{
    unsigned int before = stretch_count;
    stretch_set(stretch_now() + SETTLE);
    while (stretch_count == before) {
        port_relax();
    }
}

void stretch_begin(void)
{
    port_irq_handle(port_timer_irq(), stretch_interrupt);
    port_irq_enable();
    stretch_idle();
    stretch_worst = 0;
    for (unsigned int i = 0; i < ROUNDS; i++) {
        stretch_idle();
    }
    stretch_usual = stretch_worst;
    print("# an interrupt that nobody delays: %lu ns\n", stretch_usual);
    check_range("an interrupt is there soon", (int64_t)stretch_usual, 0, 5000);
}

static void stretch_report(const struct stretch *s, uint64_t worst)
{
    print("# %s: %lu instructions\n", s->name, worst);
    check_range(s->name, (int64_t)worst, 0, s->limit);
}

/* Calls once; false: the result is another one. */
static bool stretch_call(const struct stretch *s)
{
    int64_t rc = s->call();
    if (rc != s->want) {
        check_eq(s->name, rc, s->want);
    }
    return rc == s->want;
}

void stretch_measure(const struct stretch *s)
{
    uint64_t worst = 0;
    for (unsigned int i = 0; i < (s->rounds ? s->rounds : ROUNDS); i++) {
        if (s->prepare) {
            s->prepare();
        }
        stretch_worst = 0;
        stretch_gap = 2000UL << 2 * i;
        stretch_set_again();
        bool right = stretch_call(s);
        stretch_gap = 0;
        stretch_idle(); /* instead of the one that is still due */
        worst = stretch_worst > worst ? stretch_worst : worst;
        if (!right) {
            return;
        }
    }
    stretch_report(s, worst > stretch_usual ? worst - stretch_usual : 0);
}

void stretch_measure_whole(const struct stretch *s)
{
    uint64_t worst = 0;
    for (unsigned int i = 0; i < (s->rounds ? s->rounds : ROUNDS); i++) {
        if (s->prepare) {
            s->prepare();
        }
        uint64_t begin = stretch_now();
        bool right = stretch_call(s);
        uint64_t took = stretch_now() - begin;
        worst = took > worst ? took : worst;
        if (!right) {
            return;
        }
    }
    stretch_report(s, worst);
}
