/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs one instruction with all general registers as given and keeps what it left in them. It must
 * not make an exception of the guest's own: sp and tp are not the kernel's then.
 */
    .text
    .macro each_register op
    .irp n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25
    \op x\n, (8 * \n)(a0)
    .endr
    .irp n, 26, 27, 28, 29, 30, 31
    \op x\n, (8 * \n)(a0)
    .endr
    .endm

    .macro kernel_registers op
    \op ra, 0(sp)
    \op tp, 8(sp)
    \op gp, 16(sp)
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
    \op s\n, (24 + 8 * \n)(sp)
    .endr
    .endm

/* In: a0 struct step, a1 instruction; a compressed one has another in its high half. */
    .globl step_run
step_run:
    lla t0, step_slot
    sw a1, 0(t0)
    /* The instruction is fetched as it was written. */
    fence.i
    addi sp, sp, -128
    kernel_registers sd
    sd sp, 256(a0)
    csrw sscratch, a0
    each_register ld
    ld a0, 80(a0)
    .balign 4
step_slot:
    .word 0x00000013
    csrrw a0, sscratch, a0
    each_register sd
    csrr t0, sscratch
    sd t0, 80(a0)
    csrw sscratch, zero
    ld sp, 256(a0)
    kernel_registers ld
    addi sp, sp, 128
    ret
