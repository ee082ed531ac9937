/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Traps: expected exceptions are counted and passed over, others end the guest; interrupts go to
 * their handlers, IPIs among them by a word for each CPU.
 */
#include <guest/print.h>
#include <guest/test.h>
#include <port/riscv.h>
#include <port/sbi.h>

#define CAUSE_INTERRUPT (1UL << 63)

enum {
    CODE_SOFTWARE = 1
};

struct port_fault port_fault[PORT_MAX_CPUS];

/* Set around an access that may fault. */
static volatile bool trap_expected[PORT_MAX_CPUS];

static port_irq_fn *trap_handler[IRQ_COUNT];
static uint32_t trap_ipis[PORT_MAX_CPUS];

void trap_handle(struct trap_frame *frame);
_Noreturn void user_return(void *stack, uint64_t value);

unsigned int port_cpu(void)
{
    uint64_t cpu;
    __asm__ volatile("mv %0, tp" : "=r"(cpu));
    return (unsigned int)cpu;
}

static _Noreturn void trap_die(const struct trap_frame *frame)
{
    print("# cpu %u a0 %lx a1 %lx s0 %lx sp %lx\n", port_cpu(), frame->x[10], frame->x[11],
          frame->x[8], frame->x[2]);
    print("unexpected trap: scause 0x%lx stval 0x%lx sepc 0x%lx ra 0x%lx\n", CSR_READ(scause),
          CSR_READ(stval), frame->pc, frame->x[1]);
    give_up("exception");
}

static void trap_call(unsigned int irq, const struct trap_frame *frame)
{
    if (irq >= IRQ_COUNT || !trap_handler[irq]) {
        trap_die(frame);
    }
    trap_handler[irq](irq);
}

static void trap_software(const struct trap_frame *frame)
{
    CSR_CLEAR(sip, 1UL << CODE_SOFTWARE);
    uint32_t ipis = __atomic_exchange_n(&trap_ipis[port_cpu()], 0, __ATOMIC_SEQ_CST);
    for (unsigned int ipi = 0; ipi < 16; ipi++) {
        if ((ipis >> ipi & 1) != 0) {
            trap_call(ipi, frame);
        }
    }
}

static void trap_interrupt(unsigned int code, const struct trap_frame *frame)
{
    if (code == CODE_SOFTWARE) {
        trap_software(frame);
    } else if (code < 16) {
        trap_call(IRQ_STANDARD + code, frame);
    } else {
        /* Taken back before its reason is looked at: what comes later sets it again. */
        CSR_CLEAR(sip, 1UL << code);
        trap_call(code, frame);
    }
}

static unsigned int trap_length(uint64_t pc)
{
    uint16_t first = *(const uint16_t *)(uintptr_t)pc;
    return (first & 3) == 3 ? 4 : 2;
}

void trap_handle(struct trap_frame *frame)
{
    unsigned int cpu = port_cpu();
    uint64_t cause = CSR_READ(scause);
    if ((cause & CAUSE_INTERRUPT) != 0) {
        trap_interrupt((unsigned int)cause, frame);
        return;
    }
    if (cause == CAUSE_USER_ECALL) {
        user_return(frame + 1, frame->x[10]);
    }
    if (!trap_expected[cpu]) {
        trap_die(frame);
    }
    port_fault[cpu].cause = cause;
    port_fault[cpu].address = CSR_READ(stval);
    port_fault[cpu].count++;
    /* A failed fetch returns to its caller, anything else to the next instruction. */
    bool fetch = cause <= CAUSE_FETCH_ACCESS || cause == CAUSE_FETCH_PAGE;
    frame->pc = fetch ? frame->x[1] : frame->pc + trap_length(frame->pc);
}

void trap_expect(bool expect)
{
    trap_expected[port_cpu()] = expect;
}

void trap_enable(unsigned int code, bool enable)
{
    if (enable) {
        CSR_SET(sie, 1UL << code);
    } else {
        CSR_CLEAR(sie, 1UL << code);
    }
}

void port_irq_handle(unsigned int irq, port_irq_fn *handler)
{
    trap_handler[irq] = handler;
    if (irq < 16) {
        trap_enable(CODE_SOFTWARE, true);
    } else {
        trap_enable(irq < IRQ_STANDARD ? irq : irq - IRQ_STANDARD, handler != NULL);
    }
}

void port_ipi(unsigned int cpu, unsigned int ipi)
{
    __atomic_fetch_or(&trap_ipis[cpu], 1U << ipi, __ATOMIC_SEQ_CST);
    sbi_call(SBI_IPI, 0, 1, cpu, 0, 0, 0, 0);
}

bool port_try_read(uint64_t address, unsigned int size, uint64_t *value)
{
    unsigned int cpu = port_cpu();
    uint64_t before = port_fault[cpu].count;
    uint64_t result = 0;
    trap_expect(true);
    if (size == 1) {
        __asm__ volatile("lbu %0, 0(%1)" : "+r"(result) : "r"(address) : "memory");
    } else if (size == 2) {
        __asm__ volatile("lhu %0, 0(%1)" : "+r"(result) : "r"(address) : "memory");
    } else if (size == 4) {
        __asm__ volatile("lwu %0, 0(%1)" : "+r"(result) : "r"(address) : "memory");
    } else {
        __asm__ volatile("ld %0, 0(%1)" : "+r"(result) : "r"(address) : "memory");
    }
    trap_expect(false);
    *value = result;
    return port_fault[cpu].count == before;
}

bool port_try_write(uint64_t address, unsigned int size, uint64_t value)
{
    unsigned int cpu = port_cpu();
    uint64_t before = port_fault[cpu].count;
    trap_expect(true);
    if (size == 1) {
        __asm__ volatile("sb %0, 0(%1)" : : "r"(value), "r"(address) : "memory");
    } else if (size == 2) {
        __asm__ volatile("sh %0, 0(%1)" : : "r"(value), "r"(address) : "memory");
    } else if (size == 4) {
        __asm__ volatile("sw %0, 0(%1)" : : "r"(value), "r"(address) : "memory");
    } else {
        __asm__ volatile("sd %0, 0(%1)" : : "r"(value), "r"(address) : "memory");
    }
    trap_expect(false);
    return port_fault[cpu].count == before;
}

bool port_try_call(uint64_t address)
{
    unsigned int cpu = port_cpu();
    uint64_t before = port_fault[cpu].count;
    trap_expect(true);
    ((void (*)(void))(uintptr_t)address)();
    trap_expect(false);
    return port_fault[cpu].count == before;
}
