/* SPDX-License-Identifier: Apache-2.0 */
/* For assembly only: what xen.lds.S has of this port. */
#pragma once

/* clang-format off */
#define LDS_FORMAT      "elf64-littleriscv"
#define LDS_ARCH        riscv
#define LDS_ENTRY_ALIGN 64
#define LDS_ATTRIBUTES  .riscv.attributes
/* <asm/guest.h> */
#define LDS_RODATA      guest_fixups = .; KEEP(*(.guest_fixups)) guest_fixups_end = .;
/* clang-format on */
