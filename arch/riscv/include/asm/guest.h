/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Port side of <arch/guest.h>: words by hlv and hsv, no translation in software. Nothing has to be
 * counted in cpu.copying: who takes a page away has other harts execute HFENCE.GVMA, each between
 * two of its instructions, so an access is over before the fence is, or comes after it and faults.
 */
#pragma once

#include <asm/guest_insn.h>

static __always_inline bool arch_guest_read32(uint64_t gva, uint32_t *to)
{
    uint64_t pc = csr_read(CSR_SEPC), value;

    GUEST_LOAD_32(value, gva, failed);
    *to = (uint32_t)value;
    return true;
failed:
    guest_access_failed(pc);
    return false;
}

static __always_inline bool arch_guest_write32(uint64_t gva, uint32_t value)
{
    uint64_t pc = csr_read(CSR_SEPC);

    GUEST_STORE_32(value, gva, failed);
    return true;
failed:
    guest_access_failed(pc);
    return false;
}

static __always_inline bool arch_guest_read_words(uint64_t gva, uint64_t *to, size_t n)
{
    uint64_t pc = csr_read(CSR_SEPC);

    for (size_t i = 0; i < n; i++) {
        uint64_t value;

        GUEST_LOAD_64(value, gva + i * sizeof(value), failed);
        to[i] = value;
    }
    return true;
failed:
    guest_access_failed(pc);
    return false;
}

static __always_inline bool arch_guest_write_words(uint64_t gva, const uint64_t *from, size_t n)
{
    uint64_t pc = csr_read(CSR_SEPC);

    for (size_t i = 0; i < n; i++) {
        GUEST_STORE_64(from[i], gva + i * sizeof(*from), failed);
    }
    return true;
failed:
    guest_access_failed(pc);
    return false;
}
