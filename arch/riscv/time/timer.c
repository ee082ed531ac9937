/* SPDX-License-Identifier: Apache-2.0 */
/* The time counter and the hypervisor's deadline: frequency, interrupt. Guests' timers are
 * vtimer.c's. */
#include <arch/time.h>
#include <asm/isa.h>
#include <asm/sbi.h>
#include <xen/dt.h>
#include <xen/printk.h>

bool timer_by_stimecmp;
static uint64_t counter_hz;

/* In /cpus, or in older trees in each cpu node [DTSpec 3.8]. */
void arch_time_init(void)
{
    const struct dt_node *cpus_node = dt_path(&dt_host, "/cpus");
    struct dt_cpu cpu;

    if (cpus_node != NULL && dt_u64(&dt_host, cpus_node, "timebase-frequency", &counter_hz) &&
        counter_hz != 0) {
        return;
    }
    if (dt_cpu(&dt_host, 0, &cpu) != 0 ||
        !dt_u64(&dt_host, cpu.node, "timebase-frequency", &counter_hz) || counter_hz == 0) {
        panic("the counter's frequency is unknown: the device tree's /cpus has no "
              "timebase-frequency\n");
    }
}

void timer_program_sbi(uint64_t ticks)
{
    (void)sbi_call(SBI_EXT_TIME, SBI_TIME_SET_TIMER, ticks, 0, 0, 0, 0);
}

void arch_time_init_cpu(void)
{
    timer_by_stimecmp = isa_has(ISA_SSTC);
    arch_timer_program(UINT64_MAX);
    csr_set(CSR_SIE, 1ul << IRQ_S_TIMER);
}

uint64_t arch_counter_hz(void)
{
    return counter_hz;
}
