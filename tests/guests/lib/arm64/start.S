/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Image header [booting.rst], the first instructions of each CPU, and the exception vectors.
 */
#define FRAME 304

    .section .head, "ax"
    .globl guest_head
guest_head:
    b guest_start
    .word 0
    .quad 0
    .quad guest_image_size
    .quad 0xa
    .quad 0, 0, 0
    .ascii "ARM\x64"
    .word 0

/* In: x0 device tree, MMU off, running where loaded. The counters are read before anything else. */
guest_start:
    mrs x20, cntpct_el0
    mrs x21, cntvct_el0
    mov x19, x0
    mov x0, #3 << 20
    msr cpacr_el1, x0
    adrp x0, guest_bss
    add x0, x0, :lo12:guest_bss
    adrp x1, guest_bss_end
    add x1, x1, :lo12:guest_bss_end
1:  cmp x0, x1
    b.hs 2f
    stp xzr, xzr, [x0], #16
    b 1b
2:  adrp x0, guest_first_count
    add x0, x0, :lo12:guest_first_count
    stp x20, x21, [x0]
    adrp x0, guest_stacks + 16384
    add sp, x0, :lo12:guest_stacks + 16384
    mov x0, x19
    bl mmu_build
    bl mmu_enable
    ldr x0, =guest_vectors
    msr vbar_el1, x0
    ldr x0, =guest_stacks + 16384
    mov sp, x0
    mov x0, x19
    ldr x1, =guest_entry
    br x1

/* Where PSCI starts the other CPUs. In: x0 CPU number. */
    .globl guest_secondary
guest_secondary:
    mov x19, x0
    adrp x0, guest_stacks
    add x0, x0, :lo12:guest_stacks
    add x1, x19, #1
    add x0, x0, x1, lsl #14
    mov sp, x0
    mov x0, #3 << 20
    msr cpacr_el1, x0
    bl mmu_enable
    ldr x0, =guest_vectors
    msr vbar_el1, x0
    ldr x0, =guest_stacks
    add x1, x19, #1
    add x0, x0, x1, lsl #14
    mov sp, x0
    mov x0, x19
    ldr x1, =guest_secondary_entry
    br x1

    .section .text.vectors, "ax"

/* Saves what C may change, and all of x0..x30 for the handler to see. In x0: counter at entry. */
    .macro vector handler
    .align 7
    sub sp, sp, #FRAME
    stp x0, x1, [sp]
    mrs x0, cntvct_el0
    str x0, [sp, #288]
    b \handler
    .endm

    .align 11
    .globl guest_vectors
guest_vectors:
    vector vector_bad
    vector vector_bad
    vector vector_bad
    vector vector_bad
    vector vector_sync
    vector vector_irq
    vector vector_bad
    vector vector_serror
    .align 7
    b user_fault
    .rept 7
    vector vector_bad
    .endr

vector_save:
    stp x2, x3, [sp, #16]
    stp x4, x5, [sp, #32]
    stp x6, x7, [sp, #48]
    stp x8, x9, [sp, #64]
    stp x10, x11, [sp, #80]
    stp x12, x13, [sp, #96]
    stp x14, x15, [sp, #112]
    stp x16, x17, [sp, #128]
    stp x18, x19, [sp, #144]
    stp x20, x21, [sp, #160]
    stp x22, x23, [sp, #176]
    stp x24, x25, [sp, #192]
    stp x26, x27, [sp, #208]
    stp x28, x29, [sp, #224]
    mrs x1, elr_el1
    mrs x2, spsr_el1
    stp x1, x2, [sp, #256]
    ret

vector_restore:
    ldp x1, x2, [sp, #256]
    msr elr_el1, x1
    msr spsr_el1, x2
    ldp x2, x3, [sp, #16]
    ldp x4, x5, [sp, #32]
    ldp x6, x7, [sp, #48]
    ldp x8, x9, [sp, #64]
    ldp x10, x11, [sp, #80]
    ldp x12, x13, [sp, #96]
    ldp x14, x15, [sp, #112]
    ldp x16, x17, [sp, #128]
    ldp x18, x19, [sp, #144]
    ldp x20, x21, [sp, #160]
    ldp x22, x23, [sp, #176]
    ldp x24, x25, [sp, #192]
    ldp x26, x27, [sp, #208]
    ldp x28, x29, [sp, #224]
    ldr x30, [sp, #240]
    ldp x0, x1, [sp]
    add sp, sp, #FRAME
    eret

    .macro handler name, function
\name:
    str x30, [sp, #240]
    bl vector_save
    mov x0, sp
    bl \function
    b vector_restore
    .endm

handler vector_sync, trap_sync
handler vector_irq, gic_interrupt
handler vector_serror, trap_serror
handler vector_bad, trap_bad

/* In: x0 address, x1 and x2 what x0 and x1 shall be there. Runs it at EL0, with interrupts masked,
 * until an exception. Out: x0 as it is then, x1 its syndrome. */
    .globl user_run
user_run:
    sub sp, sp, #96
    stp x19, x20, [sp]
    stp x21, x22, [sp, #16]
    stp x23, x24, [sp, #32]
    stp x25, x26, [sp, #48]
    stp x27, x28, [sp, #64]
    stp x29, x30, [sp, #80]
    msr elr_el1, x0
    mov x0, #0x3c0
    msr spsr_el1, x0
    mov x0, x1
    mov x1, x2
    eret

user_fault:
    mrs x1, esr_el1
    ldp x19, x20, [sp]
    ldp x21, x22, [sp, #16]
    ldp x23, x24, [sp, #32]
    ldp x25, x26, [sp, #48]
    ldp x27, x28, [sp, #64]
    ldp x29, x30, [sp, #80]
    add sp, sp, #96
    ret

    .bss
    .align 4
/* 16 KiB for each CPU. */
guest_stacks:
    .space 8 * 16384
    .globl guest_first_count
guest_first_count:
    .space 16
