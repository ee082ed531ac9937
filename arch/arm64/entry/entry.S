/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exceptions to EL2. While a guest runs, SP_EL2 points to its struct vcpu, whose first member takes
 * the general registers; C runs on the CPU's stack. HVC and interrupts save only what C may destroy
 * (x0-x18, x29, x30) and leave ELR and SPSR in their registers; everything else, and every way to
 * the gate, saves and restores all.
 */
#include <asm/offsets.h>

/* Save what C may destroy.  In: SP = vcpu.  Uses: nothing. */
.macro save_caller
    stp x0, x1, [sp, #16 * 0]
    save_caller_but_x0_x1
.endm

.macro save_caller_but_x0_x1
    stp x2, x3, [sp, #16 * 1]
    stp x4, x5, [sp, #16 * 2]
    stp x6, x7, [sp, #16 * 3]
    stp x8, x9, [sp, #16 * 4]
    stp x10, x11, [sp, #16 * 5]
    stp x12, x13, [sp, #16 * 6]
    stp x14, x15, [sp, #16 * 7]
    stp x16, x17, [sp, #16 * 8]
    str x18, [sp, #16 * 9]
    stp x29, x30, [sp, #8 * 29]
.endm

/* The counterpart.  In: SP = vcpu.  Out: the guest's registers. */
.macro restore_caller
    ldp x2, x3, [sp, #16 * 1]
    ldp x4, x5, [sp, #16 * 2]
    ldp x6, x7, [sp, #16 * 3]
    ldp x8, x9, [sp, #16 * 4]
    ldp x10, x11, [sp, #16 * 5]
    ldp x12, x13, [sp, #16 * 6]
    ldp x14, x15, [sp, #16 * 7]
    ldp x16, x17, [sp, #16 * 8]
    ldr x18, [sp, #16 * 9]
    ldp x29, x30, [sp, #8 * 29]
    ldp x0, x1, [sp, #16 * 0]
.endm

/* Save the rest and the exception's own state.  In: x0 = vcpu.  Uses: x2, x3. */
.macro save_rest
    stp x19, x20, [x0, #8 * 19]
    stp x21, x22, [x0, #8 * 21]
    stp x23, x24, [x0, #8 * 23]
    stp x25, x26, [x0, #8 * 25]
    stp x27, x28, [x0, #8 * 27]
    mrs x2, elr_el2
    mrs x3, spsr_el2
    stp x2, x3, [x0, #REGS_PC]
.endm

/* Return to the guest. The barrier stops speculation past eret with the guest's registers. */
.macro guest_return
    eret
    dsb nsh /* speculation past eret ends here [Arm: straight-line speculation, CVE-2020-13844] */
    isb
.endm

.macro vector label
    .balign 0x80
    b \label
.endm

/* The vectors for exceptions of EL2 itself. */
.macro vectors_hyp
    vector hyp_sync          /* current EL with SP_EL0: never used */
    vector hyp_irq
    vector hyp_irq
    vector hyp_serror
    vector hyp_sync          /* current EL with SP_EL2 */
    vector hyp_irq
    vector hyp_irq
    vector hyp_serror
.endm

/*
 * A guest's exception on a CPU that must first forget what the guest taught its branch prediction
 * (speculation.c). No indirect branch comes before the barrier, whatever is predicted up to there.
 */
.macro vector_hardened label
    .balign 0x80
    stp x0, x1, [sp, #16 * 0]
    stp x2, x3, [sp, #16 * 1]
    mrs x1, tpidr_el2
    ldr w0, [x1, #CPU_HARDEN]
    tbz w0, #31, 1f
    smc #0                   /* the firmware's work-around may destroy x0-x3 [DEN0028 2.6] */
    mov w0, #1
1:  hint #22                 /* CLRBHB; does nothing where a CPU has it not [Arm ARM CLRBHB] */
2:  b 3f                     /* two taken branches in a round [Spectre-BHB] */
3:  subs w0, w0, #1
    b.ne 2b
    dsb nsh                  /* nothing is predicted from the guest's history ... */
    isb                      /* ... behind this */
    ldp x2, x3, [sp, #16 * 1]
    ldp x0, x1, [sp, #16 * 0]
    b \label
.endm

.section .text.entry, "ax"
.balign 0x800
.global vectors
vectors:
    vectors_hyp

    .balign 0x80             /* lower EL, AArch64: synchronous */
    stp x0, x1, [sp, #16 * 0]
guest_sync:
    save_caller_but_x0_x1
    mrs x1, esr_el2
    ldr x2, [sp, #VCPU_STACK]
    mov x0, sp
    lsr x3, x1, #26
    cmp x3, #0x16            /* HVC from AArch64 [Arm ARM D17.2.37] */
    mov sp, x2
    b.ne guest_sync_full
    bl trap_hvc
    b exit_fast

    vector guest_irq
    vector guest_fiq
    vector guest_serror
    vector guest_sync32      /* lower EL, AArch32 */
    vector guest_irq
    vector guest_fiq
    vector guest_serror

    .balign 0x800
.global vectors_hardened
vectors_hardened:
    vectors_hyp
    vector_hardened guest_sync_hardened
    vector_hardened guest_irq
    vector_hardened guest_fiq
    vector_hardened guest_serror
    vector_hardened guest_sync32
    vector_hardened guest_irq
    vector_hardened guest_fiq
    vector_hardened guest_serror

/*
 * HVC #0 for SMCCC_ARCH_WORKAROUND_1 or 3 [DEN0028]: the entry has done all it asks for.
 * In: x0, x1 saved, x0-x3 the guest's. Everything else goes the usual way.
 */
guest_sync_hardened:
    eor w1, w0, #0x80008000
    cbz w1, 1f
    eor w1, w0, #0x80003fff
    cbnz w1, guest_sync
1:  mrs x1, esr_el2
    mov w0, #0x5a000000      /* EC = HVC64, IL, immediate 0 */
    cmp w1, w0
    b.ne guest_sync
    ldr x1, [sp, #8]
    mov x0, #0
    guest_return

guest_sync32:
    save_caller
    mrs x1, esr_el2
    ldr x2, [sp, #VCPU_STACK]
    mov x0, sp
    mov sp, x2
guest_sync_full:
    save_rest
    bl trap_sync
    b exit_full

guest_irq:
    save_caller
    ldr x1, [sp, #VCPU_STACK]
    mov x0, sp
    mov sp, x1
    bl trap_irq

/* In: the CPU's stack; callee-saved registers, ELR, SPSR are the guest's.  Out: guest or gate. */
exit_fast:
    mrs x1, tpidr_el2
    ldr x0, [x1, #CPU_CURRENT]
    ldr w2, [x1, #CPU_PENDING]
    cbnz w2, exit_slow
    mov sp, x0
    restore_caller
    guest_return

exit_slow:
    save_rest
    bl guest_exit
    b resume

guest_fiq:
guest_serror:
    save_caller
    mrs x1, esr_el2
    ldr x2, [sp, #VCPU_STACK]
    mov x0, sp
    mov sp, x2
    save_rest
    bl trap_serror

/* All registers are in the vcpu. */
exit_full:
    mrs x1, tpidr_el2
    ldr x0, [x1, #CPU_CURRENT]
    ldr w2, [x1, #CPU_PENDING]
    cbz w2, restore_all
    bl guest_exit

/* In: x0 = vcpu to run, loaded on this CPU; SP = top of the CPU's stack. */
resume:
    mov x2, sp
    str x2, [x0, #VCPU_STACK]
restore_all:
    ldp x2, x3, [x0, #REGS_PC]
    msr elr_el2, x2
    msr spsr_el2, x3
    ldp x19, x20, [x0, #8 * 19]
    ldp x21, x22, [x0, #8 * 21]
    ldp x23, x24, [x0, #8 * 23]
    ldp x25, x26, [x0, #8 * 25]
    ldp x27, x28, [x0, #8 * 27]
    mov sp, x0
    restore_caller
    guest_return

/* void arch_vcpu_resume(struct vcpu *v): the boot path's way in. */
.global arch_vcpu_resume
arch_vcpu_resume:
    mrs x1, tpidr_el2
    ldr x2, [x1, #CPU_STACK_TOP]
    mov sp, x2
    b resume

/*
 * A fault inside the hypervisor. Nothing of the stack is trusted: registers go to this CPU's panic
 * stack; TPIDR_EL0 and TPIDRRO_EL0 (a guest's, which is lost anyway) hold what is needed for that.
 */
.macro hyp_fault_entry kind
    msr tpidr_el0, x0
    msr tpidrro_el0, x1
    mrs x0, tpidr_el2
    ldr x0, [x0, #CPU_PANIC_STACK]
    sub x0, x0, #(REGS_SIZE + 8)
    stp x2, x3, [x0, #16 * 1]
    mrs x2, tpidr_el0
    mrs x3, tpidrro_el0
    stp x2, x3, [x0, #16 * 0]
    mov x1, \kind
    b hyp_fault_common
.endm

hyp_sync:
    hyp_fault_entry #0
hyp_irq:
    hyp_fault_entry #1
hyp_serror:
    msr tpidr_el0, x0
    msr tpidrro_el0, x1
    mrs x0, elr_el2
    adrp x1, serror_window
    add x1, x1, :lo12:serror_window
    sub x1, x1, x0           /* 0 or 4: it was taken where serror_take waits for it */
    tst x1, #~4
    mrs x0, tpidr_el0
    mrs x1, tpidrro_el0
    b.ne 1f
    eret
    dsb nsh /* speculation past eret ends here, as in guest_return */
    isb
1:  hyp_fault_entry #2

/* In: x0 = struct cpu_regs on the panic stack with x0-x3 stored, x1 = kind. */
hyp_fault_common:
    stp x4, x5, [x0, #16 * 2]
    stp x6, x7, [x0, #16 * 3]
    stp x8, x9, [x0, #16 * 4]
    stp x10, x11, [x0, #16 * 5]
    stp x12, x13, [x0, #16 * 6]
    stp x14, x15, [x0, #16 * 7]
    stp x16, x17, [x0, #16 * 8]
    str x18, [x0, #16 * 9]
    save_rest
    stp x29, x30, [x0, #8 * 29]
    mov x2, sp
    mov sp, x0
    b trap_hyp
