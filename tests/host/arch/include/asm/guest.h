/* SPDX-License-Identifier: Apache-2.0 */
/* Third port's side of <arch/guest.h>: words by translation and the direct map, as all guest
 * memory. */
#pragma once

#include <xen/guest_direct.h>

static __always_inline bool arch_guest_read32(uint64_t gva, uint32_t *to)
{
    return guest_direct_read32(gva, to);
}

static __always_inline bool arch_guest_write32(uint64_t gva, uint32_t value)
{
    return guest_direct_write32(gva, value);
}

static __always_inline bool arch_guest_read_words(uint64_t gva, uint64_t *to, size_t n)
{
    return guest_direct_read_words(gva, to, n);
}

static __always_inline bool arch_guest_write_words(uint64_t gva, const uint64_t *from, size_t n)
{
    return guest_direct_write_words(gva, from, n);
}
