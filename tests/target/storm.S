/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest without a console that has the machine's clock: it lets the clock's alarm be due, never
 * clears it, and ends the interrupt again and again, COUNT times (0: for ever). Then it powers off.
 * For arm64 (PL031, interrupt 34, GICv2) and RISC-V (Goldfish, interrupt 11, PLIC). It asks its
 * controller, with interrupts masked. The header is explained in docs/bare/bare.c.
 */
    .globl _start
#ifdef __riscv
    .option norvc
_start: j begin
    nop
    .dword 0x200000, 0x10000, 0
    .word 2, 0, 0, 0
    .dword 0x5643534952
    .word 0x05435352, 0
begin:
    li s1, 1 << 11
    li s2, 11
    li s0, 0x0c000000 /* PLIC */
    li t0, 1
    sw t0, 4 * 11(s0)
    li t1, 0x2000
    add t1, t1, s0
    sw s1, 0(t1)
    li t1, 0x200000
    add s0, t1, s0
    sw zero, 0(s0)
    li t1, 0x101000
    li t0, 1
    sw t0, 0x10(t1)  /* IRQ_ENABLED */
    sw zero, 0xc(t1) /* ALARM_HIGH, ALARM_LOW: long past */
    sw zero, 8(t1)
    li s3, COUNT
1:  lw t0, 4(s0)
    bne t0, s2, 1b
    sw t0, 4(s0)
    sw zero, 8(t1) /* for QEMU's PLIC, which forgets that the line is high */
    addi s3, s3, -1
    bnez s3, 1b
    li a1, 2 /* SCHEDOP_shutdown */
    lla a2, reason
    li a6, 29 /* sched_op */
    li a7, 0x0a000007 /* Xen's hypercalls */
    ecall
2:  wfi
    j 2b
#else
_start: b begin
    .word 0
    .quad 0, 0x10000, 0xa, 0, 0, 0
    .word 0x644d5241, 0
begin:
    mov w4, #1
    mov w5, #4 /* interrupt 34 in its word */
    ldr x1, =0x03001000
    str w5, [x1, #0x104] /* GICD_ISENABLER1 */
    str w4, [x1]         /* GICD_CTLR */
    ldr x1, =0x03002000
    mov w0, #0xff
    str w0, [x1, #4] /* GICC_PMR */
    str w4, [x1]     /* GICC_CTLR */
    ldr x2, =0x09010000
    str w4, [x2, #0x10] /* RTCIMSC */
    ldr w0, [x2]
    str w0, [x2, #4] /* RTCMR = RTCDR */
    ldr x3, =COUNT
1:  ldr w0, [x1, #0xc] /* GICC_IAR */
    cmp w0, #34
    b.ne 1b
    str w0, [x1, #0x10] /* GICC_EOIR */
    subs x3, x3, #1
    b.ne 1b
    mov x0, #2 /* SCHEDOP_shutdown */
    adr x1, reason
    mov x16, #29 /* sched_op */
    hvc #0xea1
2:  wfi
    b 2b
    .ltorg
#endif
    .balign 8
reason: .word 0
