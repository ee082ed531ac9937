/* SPDX-License-Identifier: Apache-2.0 */
/* Virtual addresses of the hypervisor; read by C, assembly and the linker script. */
#pragma once

#ifdef __ASSEMBLER__
#define LAYOUT(x) x
#else
#define LAYOUT(x) x##ul
#endif

/*
 * 0x0000000000000000  slot 0..: identity map of the entry code, only in the boot tables
 * 0x0000008000000000  the image, 4 KiB pages, at most 2 MiB
 * 0x0000008040000000  device mappings (1 GiB)
 * 0x0000008080000000  boot-time read-only window: the device tree
 * 0x0000800000000000  direct map of all RAM
 */
#define IMAGE_START     LAYOUT(0x0000008000000000)
#define IMAGE_MAX_SIZE  LAYOUT(0x200000)
#define DEVICE_START    LAYOUT(0x0000008040000000)
#define DEVICE_SIZE     LAYOUT(0x40000000)
#define EARLY_START     LAYOUT(0x0000008080000000)
#define EARLY_SIZE      LAYOUT(0x40000000)
#define DIRECTMAP_START LAYOUT(0x0000800000000000)
#define DIRECTMAP_SIZE  LAYOUT(0x0000800000000000)
