/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exceptions: expected ones are counted and skipped, others end the guest.
 */
#include <guest/print.h>
#include <guest/test.h>
#include <port/arm64.h>

#define EC_SHIFT             26
#define EC_INSTRUCTION_ABORT 0x21

struct port_fault port_fault[PORT_MAX_CPUS];

/* Set around an access that may fault. */
static volatile bool trap_expected[PORT_MAX_CPUS];

void trap_sync(struct trap_frame *frame);
void trap_serror(struct trap_frame *frame);
_Noreturn void trap_bad(struct trap_frame *frame);

unsigned int port_cpu(void)
{
    return (unsigned int)(READ_SYSREG(mpidr_el1) & 0xff);
}

static _Noreturn void trap_die(const char *what, const struct trap_frame *frame)
{
    print("# cpu %u x0 %lx x1 %lx x19 %lx\n", port_cpu(), frame->x[0], frame->x[1], frame->x[19]);
    print("unexpected %s: esr 0x%lx far 0x%lx elr 0x%lx lr 0x%lx\n", what, READ_SYSREG(esr_el1),
          READ_SYSREG(far_el1), frame->elr, frame->x[30]);
    give_up("exception");
}

void trap_sync(struct trap_frame *frame)
{
    unsigned int cpu = port_cpu();
    if (!trap_expected[cpu]) {
        trap_die("exception", frame);
    }
    uint64_t esr = READ_SYSREG(esr_el1);
    port_fault[cpu].cause = esr;
    port_fault[cpu].address = READ_SYSREG(far_el1);
    port_fault[cpu].count++;
    /* A failed fetch returns to its caller, anything else to the next instruction. */
    frame->elr = esr >> EC_SHIFT == EC_INSTRUCTION_ABORT ? frame->x[30] : frame->elr + 4;
}

void trap_serror(struct trap_frame *frame)
{
    trap_die("SError", frame);
}

void trap_bad(struct trap_frame *frame)
{
    trap_die("vector", frame);
}

void trap_expect(bool expect)
{
    trap_expected[port_cpu()] = expect;
}

bool port_try_read(uint64_t address, unsigned int size, uint64_t *value)
{
    unsigned int cpu = port_cpu();
    uint64_t before = port_fault[cpu].count;
    uint64_t result = 0;
    trap_expect(true);
    if (size == 1) {
        __asm__ volatile("ldrb %w0, [%1]" : "+r"(result) : "r"(address) : "memory");
    } else if (size == 2) {
        __asm__ volatile("ldrh %w0, [%1]" : "+r"(result) : "r"(address) : "memory");
    } else if (size == 4) {
        __asm__ volatile("ldr %w0, [%1]" : "+r"(result) : "r"(address) : "memory");
    } else {
        __asm__ volatile("ldr %0, [%1]" : "+r"(result) : "r"(address) : "memory");
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
        __asm__ volatile("strb %w0, [%1]" : : "r"(value), "r"(address) : "memory");
    } else if (size == 2) {
        __asm__ volatile("strh %w0, [%1]" : : "r"(value), "r"(address) : "memory");
    } else if (size == 4) {
        __asm__ volatile("str %w0, [%1]" : : "r"(value), "r"(address) : "memory");
    } else {
        __asm__ volatile("str %0, [%1]" : : "r"(value), "r"(address) : "memory");
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
