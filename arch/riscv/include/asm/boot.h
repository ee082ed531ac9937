/* SPDX-License-Identifier: Apache-2.0 */
/* The boot path of the port, between its own files. */
#pragma once

#include <xen/compiler.h>
#include <xen/types.h>

/* Make the first tables for the image at this address; returns satp. */
uint64_t boot_map(paddr_t image);
/* The boot CPU in C, paging on. fdt and image are physical addresses. */
void __noreturn boot_main(paddr_t fdt, paddr_t image, uint64_t hartid);
void __noreturn boot_secondary(void);
/* Paging did not come on: say so. Returns. */
void boot_no_paging(paddr_t fdt);
