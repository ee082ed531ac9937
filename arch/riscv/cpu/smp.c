/* SPDX-License-Identifier: Apache-2.0 */
/* Finding the harts in the device tree and starting them by SBI HSM [RVSBI 9]; calling for their
 * attention. */
#include <arch/cpu.h>
#include <arch/mm.h>
#include <arch/time.h>
#include <asm/irqchip.h>
#include <asm/isa.h>
#include <asm/mm.h>
#include <asm/sbi.h>
#include <xen/cpu.h>
#include <xen/dt.h>
#include <xen/errno.h>
#include <xen/printk.h>

extern char secondary_entry[];

#define START_SECONDS 2u

void arch_cpu_discover(void)
{
    uint64_t self = cpus[0].arch.hartid;
    unsigned int left_out = 0, n = 1;
    struct dt_cpu cpu;

    isa_discover();
    sbi_init();
    mm_init();
    cache_init();
    cpu_init_hs();
    for (uint32_t i = 0; dt_cpu(&dt_host, i, &cpu) == 0; i++) {
        if (cpu.id == self) {
            continue;
        }
        if (n == MAX_CPUS) {
            left_out++;
            continue;
        }
        cpus[n++].arch.hartid = cpu.id;
    }
    nr_cpus = n;
    if (left_out != 0) {
        printk(XENLOG_WARNING "%u CPUs are left out: at most %u are supported\n", left_out,
               MAX_CPUS);
    }
}

int arch_cpu_start(struct cpu *c)
{
    struct sbi_result r;
    uint64_t limit;

    fence(w, rw); /* its descriptor is in memory before the firmware lets it run */
    r = sbi_call(SBI_EXT_HSM, SBI_HSM_HART_START, c->arch.hartid, arch_va_to_pa(secondary_entry),
                 (uintptr_t)c, 0, 0);
    if (r.error != SBI_SUCCESS) {
        printk(XENLOG_ERR "The firmware does not start hart %lu: SBI error %ld\n", c->arch.hartid,
               r.error);
        return -ENODEV;
    }
    limit = arch_counter() + START_SECONDS * arch_counter_hz();
    while (atomic_load_acquire(&c->arch.up) == 0) {
        if (arch_counter() > limit) {
            c->arch.hartid = UINT64_MAX; /* should it come after all, it parks */
            return -ETIMEDOUT;
        }
        arch_wait_while_equal(&c->arch.up, 0);
    }
    return 0;
}

void arch_cpu_kick(const struct cpu *c)
{
    irqchip->send_ipi(c);
}
