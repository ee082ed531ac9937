/* SPDX-License-Identifier: Apache-2.0 */
/* Bounds that hold under speculation too: an index taken from a guest is masked after it was
 * checked. */
#pragma once

#include <stdint.h>

/* `index` if it is below `size`, else another one below, without a branch that a CPU could predict
 * wrongly. Both below 2^63. */
static inline uint64_t index_nospec(uint64_t index, uint64_t size)
{
    /* The compiler must not conclude from an earlier comparison that the mask is all ones. */
    __asm__("" : "+r"(index));
    if (__builtin_constant_p(size) && (size & (size - 1)) == 0) {
        return index & (size - 1); /* one instruction for what the one below does with three */
    }
    return index & (uint64_t)((int64_t)(index - size) >> 63);
}
