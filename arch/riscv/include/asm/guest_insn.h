/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The running guest's memory by its virtual addresses, one access each, with the rights of the mode
 * that trapped: hlv, hlvx, hsv [RVPRIV 18.3.1]. An access that faults goes on at the label
 * `failed`, where guest_access_failed must be called: the fault has taken the place of the guest's
 * trap. The instructions stand as numbers, for assemblers that do not know them.
 */
#pragma once

#include <asm/csr.h>

/* A line of the table that entry.S searches: the instruction, where to go on, as distances. */
#define GUEST_FIXUP(insn, label) \
    ".pushsection .guest_fixups, \"a\"\n" \
    ".balign 4\n" \
    ".4byte " insn " - .\n" \
    ".4byte " label " - .\n" \
    ".popsection\n"

#define GUEST_LOAD(funct7, rs2, value, gva, failed) \
    __asm__ volatile goto("1: .insn r 0x73, 4, " funct7 ", %0, %1, " rs2 \
                          "\n" GUEST_FIXUP("1b", "%l[" #failed "]") \
                          : "=r"(value) \
                          : "r"(gva) \
                          : "memory" \
                          : failed)

#define GUEST_STORE(funct7, value, gva, failed) \
    __asm__ volatile goto("1: .insn r 0x73, 4, " funct7 \
                          ", x0, %0, %1\n" GUEST_FIXUP("1b", "%l[" #failed "]") \
                          : \
                          : "r"(gva), "r"(value) \
                          : "memory" \
                          : failed)

#define GUEST_FETCH_HALF(value, gva, failed) GUEST_LOAD("0x32", "x3", value, gva, failed)
#define GUEST_LOAD_32(value, gva, failed)    GUEST_LOAD("0x34", "x1", value, gva, failed)
#define GUEST_LOAD_64(value, gva, failed)    GUEST_LOAD("0x36", "x0", value, gva, failed)
#define GUEST_STORE_32(value, gva, failed)   GUEST_STORE("0x35", value, gva, failed)
#define GUEST_STORE_64(value, gva, failed)   GUEST_STORE("0x37", value, gva, failed)

/* The guest's trap again, from its kernel at pc (on the full path v->arch has what it was). */
static inline void guest_access_failed(uint64_t pc)
{
    csr_write(CSR_SEPC, pc);
    csr_set(CSR_HSTATUS, HSTATUS_SPV);
    csr_set(CSR_SSTATUS, SSTATUS_SPP);
}
