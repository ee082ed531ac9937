/* SPDX-License-Identifier: Apache-2.0 */
/* Virtual addresses of the hypervisor; read by C, assembly and the linker script. */
#pragma once

#ifdef __ASSEMBLER__
#define LAYOUT(x) x
#else
#define LAYOUT(x) x##ul
#endif

/*
 * The upper half of Sv39 [RVPRIV Sv39]; nothing is mapped in the lower one.
 *
 * 0xffffffc000000000  direct map of RAM, 240 GiB
 * 0xfffffffc00000000  device mappings (1 GiB)
 * 0xfffffffc40000000  boot-time read-only window: the device tree
 * 0xfffffffe00000000  the image, 4 KiB pages, at most 2 MiB; not where Linux links its kernel
 *                     (0xffffffff80000000), so that a debugger can have the symbols of both
 */
#define DIRECTMAP_START LAYOUT(0xffffffc000000000)
#define DIRECTMAP_SIZE  LAYOUT(0x0000003c00000000)
#define DEVICE_START    LAYOUT(0xfffffffc00000000)
#define DEVICE_SIZE     LAYOUT(0x0000000040000000)
#define EARLY_START     LAYOUT(0xfffffffc40000000)
#define EARLY_SIZE      LAYOUT(0x0000000040000000)
#define IMAGE_START     LAYOUT(0xfffffffe00000000)
#define IMAGE_MAX_SIZE  LAYOUT(0x0000000000200000)
