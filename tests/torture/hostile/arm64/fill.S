/* SPDX-License-Identifier: Apache-2.0 */
/*
 * T8: a pattern in every register.
 */

/* In: x0 pattern. Does not return. */
    .text
    .globl machine_fill
machine_fill:
    .irp name, tpidr_el0, tpidrro_el0, tpidr_el1, sp_el0, elr_el1, far_el1, par_el1, contextidr_el1
    msr \name, x0
    .endr
    .irp name, afsr0_el1, afsr1_el1, cntv_cval_el0, amair_el1, ttbr1_el1
    msr \name, x0
    .endr
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24
    dup v\n\().2d, x0
    .endr
    .irp n, 25, 26, 27, 28, 29, 30, 31
    dup v\n\().2d, x0
    .endr
    .irp n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24
    mov x\n, x0
    .endr
    .irp n, 25, 26, 27, 28, 29, 30
    mov x\n, x0
    .endr
1:  wfi
    b 1b
