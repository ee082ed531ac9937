/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first instructions: the RISC-V Image header [RVBOOT], entry in HS-mode with paging off, page
 * tables (by boot_map in C), paging on, C. Secondary CPUs come in at secondary_entry. Position
 * independent until paging is on.
 */
#include <asm/csr.h>
#include <asm/layout.h>
#include <asm/offsets.h>

.section .text.head, "ax"
.option norvc
.global _start
_start:
    j boot_entry
    .long 0
    .quad 0x200000                       /* text_offset: RAM + 2 MiB is a good place */
    .quad _image_size                    /* bss and stacks included */
    .quad 0                              /* little endian */
    .long 2                              /* header version 0.2 */
    .long 0
    .quad 0
    .ascii "RISCV\0\0\0"
    .ascii "RSC\x05"
    .long 0
.option rvc

/* a0 = hart id, a1 = device tree [RVBOOT]. */
boot_entry:
    mv s0, a0
    mv s1, a1
    lla s2, _start_image                 /* where the image is */
    call plain_state

    lla t0, _start_bss
    lla t1, _end_bss
1:  sd zero, 0(t0)
    sd zero, 8(t0)
    addi t0, t0, 16
    bltu t0, t1, 1b

    lla sp, cpu_stacks + CPU_STACK_BYTES
    mv a0, s2
    call boot_map                        /* a0 = satp */
    call paging_on
    lla sp, cpu_stacks + CPU_STACK_BYTES /* the linked address */
    lla tp, cpus
    mv a0, s1
    mv a1, s2
    mv a2, s0
    lla t0, boot_main

/* In: t0 = C function that does not return, tp, sp, a0-a2. */
enter_c:
    lla t1, trap_entry
    csrw stvec, t1
    csrw sscratch, zero                  /* no guest: a trap is the hypervisor's own fault */
    li s0, 0
    li ra, 0
    jalr t0

/* A secondary CPU, from SBI hart_start: a0 = hart id, a1 = its struct cpu at the linked address. */
.global secondary_entry
secondary_entry:
    mv s0, a0
    li s1, 0
    mv s2, a1
    call plain_state
    lla t0, xen_satp
    ld a0, 0(t0)
    call paging_on
    mv tp, s2
    ld t0, CPU_HARTID(tp)
    bne t0, s0, park                     /* too late: the descriptor is another hart's by now */
    ld sp, CPU_STACK_TOP(tp)
    lla t0, boot_secondary
    j enter_c

/* No interrupts, no FP or vector unit, no user memory.  Uses: t0. */
plain_state:
    csrw sie, zero
    li t0, SSTATUS_SIE | SSTATUS_FS | SSTATUS_VS | SSTATUS_XS | SSTATUS_SUM | SSTATUS_MXR
    csrc sstatus, t0
    ret

/*
 * In: a0 = satp, s1 = device tree or 0.  Out: returns to the linked address of the caller.
 * Uses: t0, t1. Physical addresses are not mapped, so the fetch after csrw faults, to stvec.
 */
paging_on:
    lla t0, _start_image
    li t1, IMAGE_START
    sub t1, t1, t0
    add ra, ra, t1
    lla t0, 1f
    add t0, t0, t1
    csrw stvec, t0
    sfence.vma                           /* table writes before the walks by the new satp */
    csrw satp, a0
    j no_paging                          /* still here: satp has no effect */
.balign 4
1:  sfence.vma                           /* drops what was cached under this ASID before */
    ret

/* M-mode, or no Sv39. All harts may come here at once: the first one speaks. */
no_paging:
    lla t0, speaker
    li t1, 1
    amoswap.w t0, t1, (t0)
    bnez t0, park
    mv a0, s1
    call boot_no_paging
park:
    csrw sie, zero
    wfi
    j park

.section .data
.balign 4
speaker:
    .long 0
