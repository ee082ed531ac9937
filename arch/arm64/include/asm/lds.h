/* SPDX-License-Identifier: Apache-2.0 */
/* For assembly only: what xen.lds.S has of this port. */
#pragma once

/* clang-format off */
#define LDS_FORMAT      "elf64-littleaarch64"
#define LDS_ARCH        aarch64
#define LDS_ENTRY_ALIGN 0x800 /* the exception vectors */
#define LDS_ATTRIBUTES  .ARM.attributes
#define LDS_RODATA
/* clang-format on */
