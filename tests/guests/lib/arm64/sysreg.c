/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MRS and MSR of any system register: the instruction is written into a function and called.
 */
#include <port/arm64.h>
#include <port/sysreg.h>

#define MRS 0xd5300000U
#define MSR 0xd5100000U
#define RET 0xd65f03c0U

static uint32_t sysreg_code[2] __attribute__((aligned(64)));

/* Makes the instruction the body of a function. */
static void sysreg_assemble(uint32_t instruction)
{
    sysreg_code[0] = instruction;
    sysreg_code[1] = RET;
    /* To where instructions are fetched from [Arm ARM B2.4.4]. */
    __asm__ volatile("dc cvau, %0\n\tdsb ish\n\tic ivau, %0\n\tdsb ish\n\tisb"
                     :
                     : "r"(sysreg_code)
                     : "memory");
}

bool sysreg_read(uint32_t encoding, uint64_t *value)
{
    unsigned int cpu = port_cpu();
    uint64_t before = port_fault[cpu].count;
    sysreg_assemble(MRS | encoding);
    trap_expect(true);
    *value = ((uint64_t (*)(void))(uintptr_t)sysreg_code)();
    trap_expect(false);
    return port_fault[cpu].count == before;
}

bool sysreg_write(uint32_t encoding, uint64_t value)
{
    unsigned int cpu = port_cpu();
    uint64_t before = port_fault[cpu].count;
    sysreg_assemble(MSR | encoding);
    trap_expect(true);
    ((void (*)(uint64_t))(uintptr_t)sysreg_code)(value);
    trap_expect(false);
    return port_fault[cpu].count == before;
}
