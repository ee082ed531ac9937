/* SPDX-License-Identifier: Apache-2.0 */
/* Offsets and sizes for assembly: compiled, never linked; the build reads the "->NAME value" lines
 * of its output. */
#include <xen/cpu.h>
#include <xen/domain.h>

#define DEFINE(name, value) \
    __asm__ volatile("\n.ascii \"->" #name " %c0\"" ::"i"((unsigned long)(value)))

void asm_offsets(void);

void asm_offsets(void)
{
    BUILD_BUG_ON(offsetof(struct vcpu, arch) != 0);
    BUILD_BUG_ON(offsetof(struct arch_vcpu, regs) != 0);
    DEFINE(REGS_X, offsetof(struct cpu_regs, x));
    DEFINE(REGS_PC, offsetof(struct cpu_regs, pc));
    DEFINE(REGS_SPSR, offsetof(struct cpu_regs, spsr));
    DEFINE(REGS_SIZE, sizeof(struct cpu_regs));
    DEFINE(VCPU_STACK, offsetof(struct arch_vcpu, stack));
    DEFINE(VCPU_FP, offsetof(struct arch_vcpu, fp));
    DEFINE(CPU_STACK_BYTES, (PAGE_SIZE << CPU_STACK_ORDER) + PAGE_SIZE); /* guard page first */
    DEFINE(CPU_SIZE, sizeof(struct cpu));
    DEFINE(CPU_MPIDR, offsetof(struct cpu, arch.mpidr));
    DEFINE(CPU_PANIC_STACK, offsetof(struct cpu, panic_stack));
    DEFINE(CPU_HARDEN, offsetof(struct cpu, arch.harden));
    DEFINE(CPU_CURRENT, offsetof(struct cpu, current));
    DEFINE(CPU_PENDING, offsetof(struct cpu, pending));
    DEFINE(CPU_STACK_TOP, offsetof(struct cpu, stack_top));
}
