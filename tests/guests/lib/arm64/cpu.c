/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rest of the port: entry into C, counter and timer, waiting, PSCI, the UART of a bare machine.
 */
#include <guest/dt.h>
#include <guest/memory.h>
#include <guest/print.h>
#include <guest/test.h>
#include <port/arm64.h>
#include <port/gicv2.h>
#include <public/domctl.h>
#include <public/features.h>

#define PSCI_CPU_OFF    0x84000002UL
#define PSCI_CPU_ON     0xc4000003UL
#define PSCI_SYSTEM_OFF 0x84000008UL

enum {
    VIRTUAL_TIMER = 27
};

const uint32_t port_features = 1U << XENFEAT_ARM_SMCCC_supported;

static unsigned int cpu_event_irq;
static uint64_t cpu_uart;
static void (*cpu_run[PORT_MAX_CPUS])(void);

extern char guest_secondary[];
_Noreturn void guest_entry(const void *blob);
_Noreturn void guest_secondary_entry(uint64_t cpu);

void guest_entry(const void *blob)
{
    uint64_t size;
    dt_use(blob);
    dt_node node = dt_compatible(NULL, "xen,xen");
    if (node) {
        /* A PPI: the cell counts from 16. */
        cpu_event_irq = dt_cell(node, "interrupts", 1, 0) + 16;
    } else if ((node = dt_compatible(NULL, "arm,pl011")) != NULL) {
        dt_reg(node, 0, &cpu_uart, &size);
    }
    gic_find();
    gic_cpu_init();
    guest_main();
    finish();
}

void guest_secondary_entry(uint64_t cpu)
{
    gic_cpu_init();
    cpu_run[cpu]();
    port_cpu_stop();
}

void port_check_config(const struct xen_arch_domainconfig *config)
{
    print("# spis %u clock %u\n", config->nr_spis, config->clock_frequency);
    check_eq("gic_version", config->gic_version, 0);
}

void port_first_context(struct vcpu_guest_context *context, uint64_t pc, uint64_t arg)
{
    context->flags = VGCF_online;
    context->user_regs.pc64 = pc;
    context->user_regs.cpsr = PSR_GUEST64_INIT;
    context->user_regs.x0 = arg;
    context->sctlr = SCTLR_GUEST_INIT;
}

unsigned int port_event_irq(void)
{
    return cpu_event_irq;
}

void port_irq_enable(void)
{
    __asm__ volatile("msr daifclr, #2" ::: "memory");
}

void port_irq_disable(void)
{
    __asm__ volatile("msr daifset, #2" ::: "memory");
}

unsigned int port_timer_irq(void)
{
    return VIRTUAL_TIMER;
}

void port_timer_set(uint64_t at)
{
    WRITE_SYSREG(cntv_cval_el0, at);
    WRITE_SYSREG(cntv_ctl_el0, 1);
}

void port_timer_stop(void)
{
    WRITE_SYSREG(cntv_ctl_el0, 0);
}

uint64_t port_counter(void)
{
    /* Not before what was asked for earlier is done. */
    __asm__ volatile("isb" ::: "memory");
    return READ_SYSREG(cntvct_el0);
}

uint64_t port_frequency(void)
{
    return READ_SYSREG(cntfrq_el0);
}

void port_wait(void)
{
    /* What was written is seen by whoever shall wake us. */
    __asm__ volatile("dsb sy\n\twfi" ::: "memory");
}

void port_relax(void)
{
    __asm__ volatile("yield" ::: "memory");
}

int64_t port_hypercall(uint64_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e)
{
    register uint64_t x0 __asm__("x0") = a;
    register uint64_t x1 __asm__("x1") = b;
    register uint64_t x2 __asm__("x2") = c;
    register uint64_t x3 __asm__("x3") = d;
    register uint64_t x4 __asm__("x4") = e;
    register uint64_t x16 __asm__("x16") = number;
    __asm__ volatile("hvc #0xea1"
                     : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3), "+r"(x4), "+r"(x16)
                     :
                     : "memory");
    return (int64_t)x0;
}

#define SMCCC_CALL(instruction) \
    register uint64_t x0 __asm__("x0") = function; \
    register uint64_t x1 __asm__("x1") = a; \
    register uint64_t x2 __asm__("x2") = b; \
    register uint64_t x3 __asm__("x3") = c; \
    __asm__ volatile(instruction \
                     : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3) \
                     : \
                     : "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", \
                       "x15", "x16", "x17", "memory"); \
    *result = (struct smccc_result) \
    { \
        { \
            x0, x1, x2, x3 \
        } \
    }

void smccc_hvc(uint64_t function, uint64_t a, uint64_t b, uint64_t c, struct smccc_result *result)
{
    SMCCC_CALL("hvc #0");
}

void smccc_smc(uint64_t function, uint64_t a, uint64_t b, uint64_t c, struct smccc_result *result)
{
    SMCCC_CALL("smc #0");
}

int64_t port_cpu_start(unsigned int cpu, void (*run)(void))
{
    struct smccc_result result;
    cpu_run[cpu] = run;
    smccc_hvc(PSCI_CPU_ON, cpu, port_physical(guest_secondary), cpu, &result);
    return (int32_t)result.x[0];
}

void port_cpu_stop(void)
{
    struct smccc_result result;
    smccc_hvc(PSCI_CPU_OFF, 0, 0, 0, &result);
    give_up("CPU_OFF returned");
}

void port_power_off(void)
{
    struct smccc_result result;
    smccc_hvc(PSCI_SYSTEM_OFF, 0, 0, 0, &result);
    for (;;) {
        port_wait();
    }
}

void port_uart_write(const char *text, size_t length)
{
    for (size_t i = 0; i < length && cpu_uart; i++) {
        write32(cpu_uart, (uint8_t)text[i]);
    }
}
