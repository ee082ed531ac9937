/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Firmware at EL3 as tests want it: the little of PSCI and SMCCC that the hypervisor uses, and
 * work-arounds that do nothing but count. tests/guests/test_firmware.py defines the constants:
 * WORKAROUND_1 to 3: answers of SMCCC_ARCH_FEATURES; TREE, KERNEL: addresses; CALLS: a page of
 * counters, 32 bytes for each CPU: calls of work-around 1, 2, 3; x1 of the last one.
 */
#define GICD        0x08000000
#define GICC        0x08010000
#define SECURE_GPIO 0x090b0000
#define CPUS        8

    .text
    .globl monitor_start
/* Every CPU comes here from reset, at EL3 with the MMU off. */
monitor_start:
    mrs x20, mpidr_el1
    and x20, x20, #(CPUS - 1)
    adr x0, stacks
    add x0, x0, x20, lsl #6
    add sp, x0, #64
    adr x0, monitor_vectors
    msr vbar_el3, x0
    mov x0, #0x531                 /* SCR_EL3: NS, HCE, RW and RES1 bits; SMC enabled */
    msr scr_el3, x0
    msr cptr_el3, xzr
    ldr x0, =0x30c50830
    msr sctlr_el2, x0
    ldr x1, =GICD                  /* all interrupts belong to the non-secure world */
    mov w0, #-1
    str w0, [x1, #0x80]
    cbnz x20, 2f
    mov x2, #0x84
1:  str w0, [x1, x2]
    add x2, x2, #4
    cmp x2, #0x100
    b.ne 1b
2:  ldr x1, =GICC
    mov w0, #0xff
    str w0, [x1, #4]               /* GICC_PMR */
    ldr x0, =TREE
    ldr x4, =KERNEL
    cbz x20, 4f
    adr x1, starts
    add x1, x1, x20, lsl #4
3:  wfe
    ldp x4, x0, [x1]
    cbz x4, 3b
4:  mov x1, #0x3c9                 /* EL2 with its own stack, interrupts masked */
    msr spsr_el3, x1
    msr elr_el3, x4
    mov x1, #0
    mov x2, #0
    mov x3, #0
    isb                            /* all registers are set before the next level uses them */
    eret

    .balign 0x800
monitor_vectors:
    .rept 8
    .balign 0x80
    b .
    .endr
    .balign 0x80
    b smc                          /* lower level, AArch64, synchronous */
    .rept 7
    .balign 0x80
    b .
    .endr

/* Branches to `label` if w0 is the function. Uses: w4. */
    .macro on function, label
    ldr w4, =\function
    cmp w0, w4
    b.eq \label
    .endm

/* Counts, and destroys x0-x3, as a caller must expect. Uses: x4, x5. */
    .macro counted index
    mrs x4, mpidr_el1
    and x4, x4, #(CPUS - 1)
    ldr x5, =CALLS
    add x5, x5, x4, lsl #5
    ldr x4, [x5, #(8 * \index)]
    add x4, x4, #1
    str x4, [x5, #(8 * \index)]
    str x1, [x5, #24]
    mov x0, #-1
    mov x1, x0
    mov x2, x0
    mov x3, x0
    b 9f
    .endm

smc:
    stp x4, x5, [sp, #-16]!
    on 0x80008000, 1f
    on 0x80007fff, 2f
    on 0x80003fff, 3f
    on 0x80000000, 4f              /* SMCCC_VERSION */
    on 0x84000000, 4f              /* PSCI_VERSION */
    on 0x80000001, 5f              /* SMCCC_ARCH_FEATURES */
    on 0x8400000a, 6f              /* PSCI_FEATURES */
    on 0xc4000003, 7f              /* PSCI_CPU_ON */
    on 0x84000008, 8f              /* PSCI_SYSTEM_OFF */
unknown:
    mov x0, #-1
    b 9f
1:  counted 0
2:  counted 1
3:  counted 2
4:  ldr w0, =0x10001
    b 9f
5:  mov w0, w1
    on 0x80008000, 51f
    on 0x80007fff, 52f
    on 0x80003fff, 53f
    b unknown
51: mov x0, #WORKAROUND_1
    b 9f
52: mov x0, #WORKAROUND_2
    b 9f
53: mov x0, #WORKAROUND_3
    b 9f
6:  mov w0, w1
    on 0x80000000, 61f
    b unknown
61: mov x0, #0
    b 9f
7:  and x1, x1, #(CPUS - 1)
    adr x4, starts
    add x4, x4, x1, lsl #4
    stp x2, x3, [x4]
    dsb sy                         /* the entry is in memory before the event */
    sev
    mov x0, #0
    b 9f
8:  ldr x1, =SECURE_GPIO
    mov w0, #1
    str w0, [x1, #0x400]           /* line 0, which ends the machine, is an output ... */
    str w0, [x1, #4]               /* ... and high */
    b .
9:  ldp x4, x5, [sp], #16
    eret

    .ltorg
    .balign 64
stacks:
    .space CPUS * 64
/* Entry and context for each CPU that waits. */
starts:
    .space CPUS * 16
