/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first instructions: the arm64 Image header [Linux booting.rst], entry at EL2 with MMU and
 * caches off, page tables (by boot_map in C), MMU on, C. Secondary CPUs come in at secondary_entry.
 * Position independent until the MMU is on.
 */
#include <asm/layout.h>
#include <asm/offsets.h>

/* SCTLR_EL2 with the MMU on: RES1 bits, M, C, SA, I, WXN */
#define SCTLR_EL2_ON 0x30cd183d
/* Attr0 Device-nGnRnE, 1 Normal write-back, 2 Device-nGnRE, 3 Normal non-cacheable */
#define MAIR_EL2_VALUE 0x4404ff00
/* T0SZ 16 (48 bits), inner shareable write-back walks, 4 KiB granule, RES1 bits; PS is added */
#define TCR_EL2_VALUE 0x80803510

.section .text.head, "ax"
.global _start
_start:
    b boot_entry
    .long 0
    .quad 0                              /* text_offset: none */
    .quad _image_size                    /* bss and stacks included */
    .quad 0xa                            /* little endian, 4 KiB pages, anywhere in memory */
    .quad 0
    .quad 0
    .quad 0
    .ascii "ARM\x64"
    .long 0

boot_entry:
    msr daifset, #0xf
    mov x19, x0                          /* device tree */
    adrp x20, _start_image               /* where the image is */
    mrs x0, CurrentEL
    cmp x0, #(2 << 2)
    b.ne wrong_level

    bl clear_bss
    adrp x0, cpu_stacks + CPU_STACK_BYTES
    mov sp, x0
    mov x0, x20
    bl boot_map                          /* x0 = root of the boot tables */
    bl mmu_on
    ldr x1, =1f                          /* the linked address */
    br x1
1:  ldr x0, =cpu_stacks + CPU_STACK_BYTES
    mov sp, x0
    ldr x0, =cpus
    msr tpidr_el2, x0
    ldr x0, =vectors
    msr vbar_el2, x0
    mov x29, #0
    mov x30, #0
    mov x0, x19
    mov x1, x20
    bl boot_main
    b .

/* EL1 or EL3: say so on the UART of the device tree, with the MMU off, and stop. */
wrong_level:
    lsr x20, x0, #2
    bl clear_bss
    adrp x0, cpu_stacks + CPU_STACK_BYTES
    mov sp, x0
    mov x0, x19
    mov x1, x20
    bl boot_wrong_level
3:  wfe
    b 3b

/* Zero bss with the MMU off, then drop what caches may hold of it [Arm ARM B2.8].  Uses: x0-x3. */
clear_bss:
    adrp x0, _start_bss
    adrp x1, _end_bss
1:  stp xzr, xzr, [x0], #16
    stp xzr, xzr, [x0], #16
    stp xzr, xzr, [x0], #16
    stp xzr, xzr, [x0], #16
    cmp x0, x1
    b.lo 1b
    dmb sy                               /* the stores come before the invalidation */
    adrp x0, _start_image
    adrp x1, _end_image
2:  dc ivac, x0                          /* 64 bytes: the smallest line of supported CPUs */
    add x0, x0, #64
    cmp x0, x1
    b.lo 2b
    dsb sy                               /* invalidation complete before the MMU is turned on */
    ret

/* In: x0 = root table. The caller's code is identity mapped there.  Uses: x0-x2. */
mmu_on:
    ldr x1, =MAIR_EL2_VALUE
    msr mair_el2, x1
    mrs x1, id_aa64mmfr0_el1
    and x1, x1, #0xf                     /* PARange becomes TCR_EL2.PS, at most 5: 48 bits */
    mov x2, #5
    cmp x1, x2
    csel x1, x1, x2, lo
    ldr x2, =TCR_EL2_VALUE
    orr x2, x2, x1, lsl #16
    msr tcr_el2, x2
    msr ttbr0_el2, x0
    dsb sy                               /* table writes are complete */
    isb                                  /* registers take effect before the TLB is cleared */
    tlbi alle2
    ic iallu
    dsb nsh                              /* both done */
    isb                                  /* and nothing stale is in the pipeline */
    ldr x1, =SCTLR_EL2_ON
    msr sctlr_el2, x1
    isb                                  /* translation is on for the next instruction */
    ret

/* A secondary CPU: spin-table or PSCI (context id unused: the CPU finds itself by MPIDR). */
.global secondary_entry
secondary_entry:
    msr daifset, #0xf
    mrs x0, CurrentEL
    cmp x0, #(2 << 2)
    b.ne secondary_park
    mrs x0, mpidr_el1
    ldr x1, =0xff00ffffff                /* affinity fields */
    and x19, x0, x1
    adrp x0, boot_l0
    bl mmu_on
    ldr x1, =1f
    br x1
1:  ldr x20, =cpus
    mov x1, #0
    ldr x3, =nr_cpus
    ldr w3, [x3]
2:  ldr x2, [x20, #CPU_MPIDR]
    cmp x2, x19
    b.eq 3f
    add x20, x20, #CPU_SIZE
    add x1, x1, #1
    cmp x1, x3
    b.lo 2b
secondary_park:
    wfi
    b secondary_park
3:  ldr x0, [x20, #CPU_STACK_TOP]
    mov sp, x0
    msr tpidr_el2, x20
    ldr x0, =vectors
    msr vbar_el2, x0
    mov x29, #0
    mov x30, #0
    bl boot_secondary
    b secondary_park
