/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Canonical Huffman codes as DEFLATE uses them [RFC 1951 3.2.2]: built from the lengths of the
 * codes, decoded from a word of bits. Used by inflate.
 */
#pragma once

#include <xen/compiler.h>
#include <xen/errno.h>

#include <stdint.h>

#define HUFFMAN_MAX_LENGTH 15
#define HUFFMAN_SYMBOLS    288
#define HUFFMAN_FAST_BITS  9

/*
 * Codes of up to HUFFMAN_FAST_BITS are found by one look in `fast` (symbol << 4 | length, 0: longer
 * or unused); longer ones are counted down canonically from `count` and `symbol`.
 */
struct huffman {
    uint16_t fast[1 << HUFFMAN_FAST_BITS];
    uint16_t count[HUFFMAN_MAX_LENGTH + 1]; /* codes of each length */
    uint16_t symbol[HUFFMAN_SYMBOLS];       /* in the order of their codes */
};

/*
 * Build the code in which symbol i has a code of lengths[i] bits (0: none, at most 15); `symbols`
 * is at most HUFFMAN_SYMBOLS. -EINVAL when the lengths do not describe a complete code; a single
 * code of one bit and no code at all are allowed, as every compressor writes them.
 */
int huffman_build(struct huffman *h, const uint8_t *lengths, unsigned int symbols) __must_check;

/* A code longer than HUFFMAN_FAST_BITS, or a damaged one. Called by huffman_decode only. */
int huffman_decode_slow(const struct huffman *h, uint64_t bits, unsigned int held,
                        unsigned int *length);

/*
 * The symbol whose code begins in the lowest of the `held` valid `bits`; *length is how many it
 * took, 0 on errors: -ENODATA when the bits end within the code, -EINVAL when there is no such
 * code.
 */
static inline int huffman_decode(const struct huffman *h, uint64_t bits, unsigned int held,
                                 unsigned int *length)
{
    unsigned int entry = h->fast[bits & ((1U << HUFFMAN_FAST_BITS) - 1)];

    *length = entry & 15;
    if (*length == 0 || *length > held) {
        return huffman_decode_slow(h, bits, held, length);
    }
    return (int)(entry >> 4);
}
