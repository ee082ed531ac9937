/* SPDX-License-Identifier: Apache-2.0 */
/* Offsets and sizes for assembly: compiled, never linked; the build reads the "->NAME value" lines
 * of its output. */
#include <xen/cpu.h>
#include <xen/domain.h>

#define DEFINE(name, value) \
    __asm__ volatile("\n.ascii \"->" #name " %0\"" ::"i"((unsigned long)(value)))

void asm_offsets(void);

void asm_offsets(void)
{
    BUILD_BUG_ON(offsetof(struct vcpu, arch) != 0);
    BUILD_BUG_ON(offsetof(struct arch_vcpu, regs) != 0);
    BUILD_BUG_ON(offsetof(struct cpu_regs, x) != 0);
    DEFINE(REGS_PC, offsetof(struct cpu_regs, pc));
    DEFINE(REGS_SIZE, sizeof(struct cpu_regs));
    DEFINE(VCPU_CPU, offsetof(struct arch_vcpu, cpu));
    DEFINE(VCPU_STACK, offsetof(struct arch_vcpu, stack));
    DEFINE(VCPU_SSTATUS, offsetof(struct arch_vcpu, sstatus));
    DEFINE(FP_FCSR, offsetof(struct vcpu_fp, fcsr));
    DEFINE(FP_VSTART, offsetof(struct vcpu_fp, vstart));
    DEFINE(FP_VL, offsetof(struct vcpu_fp, vl));
    DEFINE(FP_VTYPE, offsetof(struct vcpu_fp, vtype));
    DEFINE(FP_VCSR, offsetof(struct vcpu_fp, vcsr));
    DEFINE(FP_V, offsetof(struct vcpu_fp, v));
    DEFINE(CPU_STACK_BYTES, (PAGE_SIZE << CPU_STACK_ORDER) + PAGE_SIZE); /* guard page first */
    DEFINE(CPU_SIZE, sizeof(struct cpu));
    DEFINE(CPU_HARTID, offsetof(struct cpu, arch.hartid));
    DEFINE(CPU_PANIC_STACK, offsetof(struct cpu, panic_stack));
    DEFINE(CPU_CURRENT, offsetof(struct cpu, current));
    DEFINE(CPU_PENDING, offsetof(struct cpu, pending));
    DEFINE(CPU_STACK_TOP, offsetof(struct cpu, stack_top));
}
