/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest kernel: the Image at the start, its data, its pool. Linked at the last gigabyte of a
 * 39-bit address space and mapped there by mmu.c, wherever it was loaded.
 */
OUTPUT_ARCH(aarch64)
ENTRY(guest_head)

PHDRS
{
    code PT_LOAD FLAGS(5);
    data PT_LOAD FLAGS(6);
}

SECTIONS
{
    . = 0x7fc0000000;
    guest_image = .;
    .text : { KEEP(*(.head)) *(.text .text.*) } :code
    .rodata : { *(.rodata .rodata.*) *(.note.gnu.build-id) } :code
    .data : { . = ALIGN(4096); *(.data .data.*) } :data
    .bss (NOLOAD) : {
        . = ALIGN(16);
        guest_bss = .;
        *(.bss .bss.* COMMON)
        . = ALIGN(16);
        guest_bss_end = .;
    } :data
    .pool (NOLOAD) : { . = ALIGN(4096); *(.pool) } :data
    guest_image_end = .;
    guest_image_size = guest_image_end - guest_image;
    /DISCARD/ : { *(.comment) *(.eh_frame) *(.ARM.attributes) *(.riscv.attributes) }
}
