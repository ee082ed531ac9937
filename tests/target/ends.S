/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest without a console, for arm64 and RISC-V: it ends at once for REASON (public/sched.h), or
 * for AGAIN after some second, or never for SLEEP. The header is explained in docs/bare/bare.c.
 */
#define AGAIN 1
#define SLEEP 255

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
#if REASON == AGAIN
    rdtime t0
1:  rdtime t1
    sub t1, t1, t0
    srli t1, t1, 23
    beqz t1, 1b
#endif
#if REASON != SLEEP
    li a1, 2 /* SCHEDOP_shutdown */
    lla a2, reason
    li a6, 29 /* sched_op */
    li a7, 0x0a000007 /* Xen's hypercalls */
    ecall
#endif
2:  wfi
    j 2b
#else
_start: b begin
    .word 0
    .quad 0, 0x10000, 0xa, 0, 0, 0
    .word 0x644d5241, 0
begin:
#if REASON == AGAIN
    mrs x2, cntvct_el0
1:  mrs x1, cntvct_el0
    sub x1, x1, x2
    tbz x1, #26, 1b
#endif
#if REASON != SLEEP
    mov x0, #2 /* SCHEDOP_shutdown */
    adr x1, reason
    mov x16, #29 /* sched_op */
    hvc #0xea1
#endif
2:  wfi
    b 2b
#endif
    .balign 8
reason: .word REASON
