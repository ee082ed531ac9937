/* SPDX-License-Identifier: Apache-2.0 */
/* The boot path of the port, between its own files. */
#pragma once

#include <xen/compiler.h>
#include <xen/types.h>

void __noreturn boot_main(paddr_t fdt, paddr_t image);
void __noreturn boot_secondary(void);
void boot_wrong_level(paddr_t fdt, uint64_t level);
