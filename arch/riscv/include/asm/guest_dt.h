/* SPDX-License-Identifier: Apache-2.0 */
/* What a guest is told of its harts: guest_isa.c, for guest_dt.c. */
#pragma once

#include <xen/compiler.h>
#include <xen/types.h>

struct fdt_builder;

/*
 * Write riscv,isa, riscv,isa-base and riscv,isa-extensions into the open cpu node: of the host's
 * extensions those that a guest may use; `files`: its vCPUs have interrupt files. And is `name` one
 * of them?
 */
void guest_isa_write(struct fdt_builder *out, bool files);
bool guest_isa_has(const char *name);
