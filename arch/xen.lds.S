/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The image: one flat file with the kernel's Image header first; text, read-only data and data on
 * pages of their own (W^X). <asm/lds.h> has what differs.
 */
#include <asm/layout.h>
#include <asm/lds.h>

OUTPUT_FORMAT(LDS_FORMAT)
OUTPUT_ARCH(LDS_ARCH)
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
        . = ALIGN(LDS_ENTRY_ALIGN);
        KEEP(*(.text.entry))
        *(.text .text.*)
    } :text
    . = ALIGN(4096);
    _end_text = .;

    .rodata : {
        *(.rodata .rodata.* .srodata .srodata.*)
        . = ALIGN(8);
        LDS_RODATA
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
        *(.data .data.* .sdata .sdata.*)
        . = ALIGN(4096);
    } :data
    _end_file = .;

    .bss (NOLOAD) : {
        _start_bss = .;
        *(.bss .bss.* .sbss .sbss.*)
        *(COMMON)
        . = ALIGN(4096);
        _end_bss = .;
        *(.stacks) /* not cleared at boot */
        . = ALIGN(4096);
    } :data
    _end_image = .;
    _image_size = _end_image - _start_image;

    /DISCARD/ : {
        *(.comment) *(.eh_frame) *(LDS_ATTRIBUTES) *(.note.GNU-stack) *(.gnu.hash) *(.dynamic)
    }
}

ASSERT(_end_image - _start_image <= IMAGE_MAX_SIZE, "the image exceeds IMAGE_MAX_SIZE")
ASSERT(_end_bss - _start_bss < 0x100000, "bss has grown beyond 1 MiB")
