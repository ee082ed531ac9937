/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a hart starts with, kept by the hart itself; see port_probe in <guest/port.h>. Position
 * independent, paging off. A register that cannot be read is kept as -1.
 */
#define SECOND     1024 /* bytes: PORT_PROBE_WORDS */
#define SSTATUS_FS 0x2000

/* In: a1 page, reg. Adds one word to the page and its name to the list. */
    .macro keep name, reg
    sd \reg, (8 * slot)(a1)
    .set slot, slot + 1
    .pushsection .rodata.probe_text, "a"
1:  .asciz "\name"
    .popsection
    .pushsection .rodata.probe_names, "a"
    .quad 1b
    .popsection
    .endm

/* The same with a CSR. Uses: t0. */
    .macro keep_csr name, csr
    li t0, -1
    csrr t0, \csr
    keep \name, t0
    .endm

    .section .rodata.probe_names, "a"
    .balign 8
    .globl port_probe_names
port_probe_names:

    .text
    .option push
    .option norvc
    .set slot, 1
    .balign 4
    .globl port_probe, port_probe_end
port_probe:
    .irp n, ra, sp, gp, tp, t0, t1, t2, s0, s1, a2, a3, a4, a5, a6, a7
    keep \n, \n
    .endr
    .irp n, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11, t3, t4, t5, t6
    keep \n, \n
    .endr
    keep_csr stvec, stvec
    keep_csr sstatus, sstatus
    keep_csr sie, sie
    keep_csr sip, sip
    keep_csr sscratch, sscratch
    keep_csr sepc, sepc
    keep_csr scause, scause
    keep_csr stval, stval
    keep_csr satp, satp
    keep_csr scounteren, scounteren
    keep_csr senvcfg, 0x10a
    lla t0, probe_exception
    csrw stvec, t0
    keep_csr sstateen0, 0x10c
    keep_csr stimecmp, 0x14d
    keep_csr siselect, 0x150
    li t0, SSTATUS_FS
    csrs sstatus, t0
    keep_csr fcsr, 0x003
    .insn 0xe20002d3 /* fmv.x.d t0, f0 */
    keep f0, t0
    .insn 0xe20f82d3 /* fmv.x.d t0, f31 */
    keep f31, t0
    li t0, 1
    fence rw, rw
    sd t0, 0(a1)
    andi t0, a1, SECOND
    bnez t0, 3f
    addi s1, a1, SECOND
    li a7, 0x48534d /* HSM: hart_start */
    li a6, 0
    li a0, 1
    lla a1, port_probe
    mv a2, s1
    ecall
2:  ld t0, 0(s1)
    beqz t0, 2b
    li a7, 0x53525354 /* SRST: shutdown */
    li a6, 0
    li a0, 0
    li a1, 0
    ecall
3:  wfi
    j 3b

/* Passes over the instruction. Uses: t1. */
    .balign 4
probe_exception:
    csrr t1, sepc
    addi t1, t1, 4
    csrw sepc, t1
    sret
port_probe_end:
    .option pop

    .pushsection .rodata.probe_names, "a"
    .quad 0
    .popsection
