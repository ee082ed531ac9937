/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Image header [RVBOOT], the first instructions of each CPU, the trap vector, user mode. tp is
 * the number of the CPU; sscratch is the kernel's stack while user mode runs, 0 otherwise.
 */
#define FRAME      272
#define STACK_SIZE 16384
#define STACK_LOG2 14
#define SSTATUS_SPP 0x100
#define SSTATUS_SUM 0x40000
#define SSTATUS_FS  0x2000

    .section .head, "ax"
    .option push
    .option norvc
    .globl guest_head
guest_head:
    j guest_start
    nop
    .quad 0x200000
    .quad guest_image_size
    .quad 0
    .word 2, 0
    .quad 0
    .ascii "RISCV\0\0\0"
    .ascii "RSC\x05"
    .word 0

/* In: a0 hart, a1 device tree, paging off, running where loaded. The first instruction tells who
 * counts instructions that the guest runs; `time` is read before anything else. */
guest_start:
    slti zero, zero, 127
    .option pop
    csrr s2, time
    mv s0, a0
    mv s1, a1
    lla t0, guest_bss
    lla t1, guest_bss_end
1:  bgeu t0, t1, 2f
    sd zero, 0(t0)
    addi t0, t0, 8
    j 1b
2:  lla t0, guest_first_time
    sd s2, 0(t0)
    mv a0, s0
    call guest_stack
    call mmu_build
    call guest_paging
    mv a0, s0
    mv a1, s1
    tail guest_entry

/* Where HSM starts the other CPUs. In: a0 hart, a1 its number. */
    .globl guest_secondary
guest_secondary:
    mv s0, a1
    mv a0, a1
    call guest_stack
    call guest_paging
    mv a0, s0
    tail guest_secondary_entry

/* In: a0 CPU. Out: sp, tp. */
guest_stack:
    mv tp, a0
    lla sp, guest_stacks
    addi t0, a0, 1
    slli t0, t0, STACK_LOG2
    add sp, sp, t0
    ret

/* Paging on; returns at the link address. In: sp, ra where loaded. Uses: s3. */
guest_paging:
    mv s3, ra
    call mmu_enable
    ld t0, guest_link
    lla t1, guest_image
    sub t0, t0, t1
    add sp, sp, t0
    add s3, s3, t0
    lla t1, guest_vector
    add t1, t1, t0
    csrw stvec, t1
    csrw sscratch, zero
    li t1, SSTATUS_SUM | SSTATUS_FS
    csrs sstatus, t1
    jr s3

    .balign 8
guest_link:
    .quad guest_image

    .text
    .macro for_registers op
    \op x1, 8(sp)
    .irp n, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26
    \op x\n, (8 * \n)(sp)
    .endr
    .irp n, 27, 28, 29, 30, 31
    \op x\n, (8 * \n)(sp)
    .endr
    .endm

    .balign 4
    .globl guest_vector
guest_vector:
    csrrw sp, sscratch, sp
    bnez sp, 1f
    csrrw sp, sscratch, sp
1:  addi sp, sp, -FRAME
    for_registers sd
    sd tp, 32(sp)
    csrrw t0, sscratch, zero
    bnez t0, 2f
    addi t0, sp, FRAME
2:  sd t0, 16(sp)
    csrr t0, sepc
    sd t0, 256(sp)
    csrr t0, sstatus
    sd t0, 264(sp)
    mv a0, sp
    call trap_handle
    ld t0, 256(sp)
    csrw sepc, t0
    ld t0, 264(sp)
    csrw sstatus, t0
    andi t0, t0, SSTATUS_SPP
    bnez t0, 3f
    addi t0, sp, FRAME
    csrw sscratch, t0
3:  for_registers ld
    ld sp, 16(sp)
    sret

/* In: a0 address, a1 what a0 shall be there. Out, when user mode has made an ecall: its a0. */
    .globl user_run
user_run:
    addi sp, sp, -112
    sd ra, 0(sp)
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
    sd s\n, (8 + 8 * \n)(sp)
    .endr
    csrw sscratch, sp
    csrw sepc, a0
    li t0, SSTATUS_SPP
    csrc sstatus, t0
    mv a0, a1
    sret

/* In: a0 the stack at the sret above, a1 the result. */
    .globl user_return
user_return:
    mv sp, a0
    mv a0, a1
    ld ra, 0(sp)
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
    ld s\n, (8 + 8 * \n)(sp)
    .endr
    addi sp, sp, 112
    ret

    .bss
    .align 4
/* For each CPU. */
guest_stacks:
    .space 8 * STACK_SIZE
    .globl guest_first_time
guest_first_time:
    .space 8
