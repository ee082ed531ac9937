/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The image: one flat file with the arm64 Image header first; text, read-only data and data on
 * pages of their own (W^X).
 */
#include <asm/layout.h>

OUTPUT_FORMAT("elf64-littleaarch64")
OUTPUT_ARCH(aarch64)
ENTRY(_start)

PHDRS
{
    text PT_LOAD FLAGS(5);
    rodata PT_LOAD FLAGS(4);
    note PT_NOTE FLAGS(4);
    data PT_LOAD FLAGS(6);
}

SECTIONS
{
    . = IMAGE_START;
    _start_image = .;
    .text : {
        KEEP(*(.text.head))
        . = ALIGN(0x800);
        KEEP(*(.text.entry))
        *(.text .text.*)
    } :text
    . = ALIGN(4096);
    _end_text = .;

    .rodata : {
        *(.rodata .rodata.*)
        . = ALIGN(8);
    } :rodata
    .note.gnu.build-id : {
        __note_build_id_start = .;
        KEEP(*(.note.gnu.build-id))
        __note_build_id_end = .;
    } :rodata :note
    . = ALIGN(4096);
    _end_rodata = .;

    .data : {
        *(.data .data.*)
        . = ALIGN(4096);
    } :data
    _end_file = .;

    .bss (NOLOAD) : {
        _start_bss = .;
        *(.bss .bss.*)
        *(COMMON)
        . = ALIGN(4096);
        _end_bss = .;
        *(.stacks) /* not cleared at boot */
        . = ALIGN(4096);
    } :data
    _end_image = .;
    _image_size = _end_image - _start_image;

    /DISCARD/ : {
        *(.comment) *(.eh_frame) *(.ARM.attributes) *(.note.GNU-stack) *(.gnu.hash) *(.dynamic)
    }
}

ASSERT(_end_image - _start_image <= IMAGE_MAX_SIZE, "the image exceeds IMAGE_MAX_SIZE")
ASSERT(_end_bss - _start_bss < 0x100000, "bss has grown beyond 1 MiB")
