/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this hart remembers of guests' translations [RVPRIV 18.3.2]. HFENCE.GVMA drops guest-stage
 * entries and everything combined from them, after earlier stores to the tables are visible to the
 * hart; HFENCE.VVMA drops the first stage's of the VMID in hgatp. The instructions stand as
 * numbers, for assemblers that do not know them.
 */
#pragma once

#include <xen/compiler.h>
#include <xen/types.h>

static inline void hfence_gvma_all(void)
{
    __asm__ volatile(".insn r 0x73, 0, 0x31, x0, x0, x0" ::: "memory");
}

static inline void hfence_gvma_vmid(uint64_t vmid)
{
    __asm__ volatile(".insn r 0x73, 0, 0x31, x0, x0, %0" ::"r"(vmid) : "memory");
}

static inline void hfence_gvma_page(paddr_t gpa, uint64_t vmid)
{
    __asm__ volatile(".insn r 0x73, 0, 0x31, x0, %0, %1" ::"r"(gpa >> 2), "r"(vmid) : "memory");
}

static inline void hfence_vvma_all(void)
{
    __asm__ volatile(".insn r 0x73, 0, 0x11, x0, x0, x0" ::: "memory");
}

static inline void hfence_vvma_asid(uint64_t asid)
{
    __asm__ volatile(".insn r 0x73, 0, 0x11, x0, x0, %0" ::"r"(asid) : "memory");
}

static inline void hfence_vvma_page(uint64_t gva)
{
    __asm__ volatile(".insn r 0x73, 0, 0x11, x0, %0, x0" ::"r"(gva) : "memory");
}

static inline void hfence_vvma_page_asid(uint64_t gva, uint64_t asid)
{
    __asm__ volatile(".insn r 0x73, 0, 0x11, x0, %0, %1" ::"r"(gva), "r"(asid) : "memory");
}
