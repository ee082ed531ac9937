/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the harts of this machine can do: from the device tree (riscv,isa-extensions, else
 * riscv,isa), probed where reading a register tells. An extension counts only if every hart has it.
 */
#pragma once

#include <xen/compiler.h>
#include <xen/types.h>

struct fdt;

enum isa_extension {
    ISA_H,
    ISA_F,
    ISA_D,
    ISA_V,
    ISA_SSTC,
    ISA_SVPBMT,
    ISA_SVADU,
    ISA_SVINVAL,
    ISA_SSAIA,
    ISA_SMSTATEEN, /* sstateen0 of guests and hstateen0 exist */
    ISA_SSCOFPMF,
    ISA_ZBB,
    ISA_ZICBOM,
    ISA_ZICBOZ,
    ISA_ZIHINTPAUSE,
    ISA_ZAWRS,
    ISA_EXTENSIONS
};

extern uint64_t isa_bits;      /* 1 << enum isa_extension */
extern uint32_t isa_cbom_size; /* bytes of a cache block, 0 without Zicbom */
extern uint32_t isa_cboz_size; /* the same for Zicboz */

static inline bool isa_has(enum isa_extension e)
{
    return (isa_bits >> e & 1u) != 0;
}

/* Boot CPU, once the device tree is open; panics when H, or what else is required, is missing. */
void isa_discover(void);
