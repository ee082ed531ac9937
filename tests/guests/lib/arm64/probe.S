/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a CPU starts with, kept by the CPU itself; see port_probe in <guest/port.h>. Position
 * independent, MMU off.
 */
#define SECOND 1024 /* bytes: PORT_PROBE_WORDS */

/* In: x0 page, reg. Adds one word to the page and its name to the list. */
    .macro keep name, reg
    str \reg, [x0, #(8 * slot)]
    .set slot, slot + 1
    .pushsection .rodata.probe_text, "a"
1:  .asciz "\name"
    .popsection
    .pushsection .rodata.probe_names, "a"
    .quad 1b
    .popsection
    .endm

/* The same with a system register. Uses: x1. */
    .macro keep_sysreg name
    mrs x1, \name
    keep \name, x1
    .endm

    .section .rodata.probe_names, "a"
    .balign 8
    .globl port_probe_names
port_probe_names:

    .text
    .set slot, 1
    .balign 4
    .globl port_probe, port_probe_end
port_probe:
    .irp n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24
    keep x\n, x\n
    .endr
    .irp n, 25, 26, 27, 28, 29, 30
    keep x\n, x\n
    .endr
    mov x1, sp
    keep sp, x1
    .irp n, CurrentEL, DAIF, NZCV, SPSel, sctlr_el1, cpacr_el1, ttbr0_el1, ttbr1_el1, tcr_el1
    keep_sysreg \n
    .endr
    .irp n, mair_el1, amair_el1, vbar_el1, contextidr_el1, esr_el1, far_el1, afsr0_el1, afsr1_el1
    keep_sysreg \n
    .endr
    .irp n, par_el1, sp_el0, elr_el1, spsr_el1, tpidr_el0, tpidrro_el0, tpidr_el1, cntkctl_el1
    keep_sysreg \n
    .endr
    .irp n, csselr_el1, cntv_ctl_el0, cntv_cval_el0
    keep_sysreg \n
    .endr
    mov x1, #3 << 20
    msr cpacr_el1, x1
    isb /* the FP registers are accessible from here on */
    keep_sysreg fpcr
    keep_sysreg fpsr
    fmov x1, d0
    keep d0, x1
    fmov x1, d31
    keep d31, x1
    mov x1, #1
    dmb sy /* the registers are kept before the page says so */
    str x1, [x0]
    tbnz x0, #10, 3f /* SECOND */
    add x19, x0, #SECOND
    movz x0, #0xc400, lsl #16 /* PSCI: CPU_ON */
    movk x0, #3
    mov x1, #1
    adr x2, port_probe
    mov x3, x19
    hvc #0
2:  ldr x1, [x19]
    cbz x1, 2b
    movz x0, #0x8400, lsl #16 /* PSCI: SYSTEM_OFF */
    movk x0, #8
    hvc #0
3:  wfi
    b 3b
port_probe_end:

    .pushsection .rodata.probe_names, "a"
    .quad 0
    .popsection
