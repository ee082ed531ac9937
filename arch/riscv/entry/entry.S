/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Traps to HS-mode. While a guest runs, sscratch points to its struct vcpu, whose first member
 * takes the general registers; in the hypervisor it is 0, tp is the CPU's descriptor, and C runs on
 * the CPU's stack. gp is the guest's throughout. Ecalls and interrupts save only what C may destroy
 * and leave sepc and sstatus in their registers; everything else, and every way to the gate, saves
 * and restores all. hstatus changes only with the vCPU (vcpu.c).
 */
#include <asm/csr.h>
#include <asm/offsets.h>

#define HYPERCALL 0x0A000007 /* a7: XEN_SBI_EXT_HYPERCALL */

/* What C may destroy, but sp and tp.  base: the vcpu. */
.macro caller op, base
    \op ra, 8 * 1(\base)
    \op t0, 8 * 5(\base)
    \op t1, 8 * 6(\base)
    \op a0, 8 * 10(\base)
    \op a1, 8 * 11(\base)
    \op a2, 8 * 12(\base)
    \op a3, 8 * 13(\base)
    \op a4, 8 * 14(\base)
    \op a5, 8 * 15(\base)
    \op a6, 8 * 16(\base)
    \op a7, 8 * 17(\base)
.endm

/* What C keeps; t2-t6 because it is compiled to do without them. */
.macro callee op, base
    \op gp, 8 * 3(\base)
    \op t2, 8 * 7(\base)
    \op s0, 8 * 8(\base)
    \op s1, 8 * 9(\base)
    \op s2, 8 * 18(\base)
    \op s3, 8 * 19(\base)
    \op s4, 8 * 20(\base)
    \op s5, 8 * 21(\base)
    \op s6, 8 * 22(\base)
    \op s7, 8 * 23(\base)
    \op s8, 8 * 24(\base)
    \op s9, 8 * 25(\base)
    \op s10, 8 * 26(\base)
    \op s11, 8 * 27(\base)
    \op t3, 8 * 28(\base)
    \op t4, 8 * 29(\base)
    \op t5, 8 * 30(\base)
    \op t6, 8 * 31(\base)
.endm

/* Save the rest and the trap's own state.  In: a0 = vcpu.  Uses: t0, t1. */
.macro save_rest
    callee sd, a0
    csrr t0, sepc
    csrr t1, sstatus
    sd t0, REGS_PC(a0)
    sd t1, VCPU_SSTATUS(a0)
.endm

/* Back to the guest.  In: tp = vcpu. */
.macro guest_return
    csrw sscratch, tp
    caller ld, tp
    ld sp, 8 * 2(tp)
    ld tp, 8 * 4(tp)
    sret
.endm

.section .text.entry, "ax"
.balign 4 /* stvec, direct mode */
.global trap_entry
trap_entry:
    csrrw tp, sscratch, tp
    beqz tp, hyp_trap
    caller sd, tp
    sd sp, 8 * 2(tp)
    csrrw t0, sscratch, zero
    csrr a1, scause
    sd t0, 8 * 4(tp)
    mv a0, tp
    ld sp, VCPU_STACK(tp)
    ld tp, VCPU_CPU(tp)
    li t0, EXC_ECALL_VS
    bne a1, t0, guest_other
    csrr t1, sepc
    li t0, HYPERCALL
    addi t1, t1, 4           /* ecall is never compressed */
    csrw sepc, t1
    bne a7, t0, guest_sbi
    call hypercall_enter

/* In: callee-saved registers, sepc, sstatus are the guest's.  Out: guest or gate. */
exit_fast:
    lw t0, CPU_PENDING(tp)
    bnez t0, exit_slow
    ld tp, CPU_CURRENT(tp)
    guest_return

guest_sbi:
    call vsbi_call
    j exit_fast

guest_other:
    bgez a1, guest_exception
    slli a0, a1, 1           /* the code, without the interrupt bit */
    srli a0, a0, 1
    call irq_trap
    j exit_fast

exit_slow:
    ld a0, CPU_CURRENT(tp)
    save_rest
    call guest_exit
    j resume

guest_exception:
    save_rest
    call trap_sync
    ld a0, CPU_CURRENT(tp)
    lw t0, CPU_PENDING(tp)
    beqz t0, restore_all
    call guest_exit

/* In: a0 = vcpu to run, loaded on this CPU; sp = top of the CPU's stack. */
resume:
    sd sp, VCPU_STACK(a0)
    sd tp, VCPU_CPU(a0)
restore_all:
    ld t0, REGS_PC(a0)
    ld t1, VCPU_SSTATUS(a0)
    csrw sepc, t0
    csrw sstatus, t1
    callee ld, a0
    mv tp, a0
    guest_return

/* void arch_vcpu_resume(struct vcpu *v): the boot path's way in. */
.global arch_vcpu_resume
arch_vcpu_resume:
    ld sp, CPU_STACK_TOP(tp)
    j resume

/*
 * A fault inside the hypervisor. One of an access to guest memory goes on where <asm/guest.h> says.
 * Otherwise nothing of the stack is trusted: registers go to this CPU's panic stack.  In: tp = 0,
 * sscratch = the CPU's descriptor.
 */
hyp_trap:
    csrrw tp, sscratch, t0
    ld t0, CPU_PANIC_STACK(tp)
    addi t0, t0, -(REGS_SIZE + 15) & -16
    sd t1, 8 * 6(t0)
    sd t2, 8 * 7(t0)
    sd t3, 8 * 28(t0)
    sd t4, 8 * 29(t0)
    csrrw t1, sscratch, zero
    sd t1, 8 * 5(t0)
    csrr t1, sepc
    lla t2, guest_fixups
    lla t3, guest_fixups_end
1:  beq t2, t3, hyp_fault
    lw t4, 0(t2)             /* the access, where to go on: each from the field itself */
    add t4, t4, t2
    addi t2, t2, 8
    bne t4, t1, 1b
    lw t4, -4(t2)
    add t4, t4, t2
    addi t4, t4, -4
    csrw sepc, t4
    ld t1, 8 * 6(t0)
    ld t2, 8 * 7(t0)
    ld t3, 8 * 28(t0)
    ld t4, 8 * 29(t0)
    ld t0, 8 * 5(t0)
    sret                     /* stays in HS-mode: the trap left SPV clear and SPP set */

hyp_fault:
    sd t1, REGS_PC(t0)
    ld t1, 8 * 6(t0)
    ld t2, 8 * 7(t0)
    ld t3, 8 * 28(t0)
    ld t4, 8 * 29(t0)
    sd ra, 8 * 1(t0)
    sd sp, 8 * 2(t0)
    sd tp, 8 * 4(t0)
    sd a0, 8 * 10(t0)
    sd a1, 8 * 11(t0)
    sd a2, 8 * 12(t0)
    sd a3, 8 * 13(t0)
    sd a4, 8 * 14(t0)
    sd a5, 8 * 15(t0)
    sd a6, 8 * 16(t0)
    sd a7, 8 * 17(t0)
    callee sd, t0
    mv a0, t0
    mv sp, t0
    call trap_hyp
