/* SPDX-License-Identifier: Apache-2.0 */
/*
 * T8: a pattern in every register.
 */

/* In: a0 pattern. Does not return. */
    .text
    .option arch, +d
    .globl machine_fill
machine_fill:
    csrw sscratch, a0
    csrw sepc, a0
    csrw stval, a0
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24
    fmv.d.x f\n, a0
    .endr
    .irp n, 25, 26, 27, 28, 29, 30, 31
    fmv.d.x f\n, a0
    .endr
    .irp n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25
    mv x\n, a0
    .endr
    .irp n, 26, 27, 28, 29, 30, 31
    mv x\n, a0
    .endr
1:  wfi
    j 1b
