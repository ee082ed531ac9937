/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Canonical Huffman codes: tables from code lengths, and decoding of the long codes. A set of
 * lengths that is not complete never becomes a table, so decoding needs no doubt about the code,
 * only about the input.
 */
#include <xen/huffman.h>
#include <xen/string.h>

/* Codes are stored with their first bit lowest, but counted with it highest. */
static unsigned int huffman_reverse(unsigned int code, unsigned int length)
{
    unsigned int reversed = 0;

    for (; length != 0; length--) {
        reversed = reversed << 1 | (code & 1);
        code >>= 1;
    }
    return reversed;
}

/* Does the set of lengths use every bit pattern exactly once? */
static int huffman_check(const struct huffman *h, unsigned int codes)
{
    int left = 1;

    for (unsigned int length = 1; length <= HUFFMAN_MAX_LENGTH; length++) {
        left = left * 2 - h->count[length];
        if (left < 0) {
            return -EINVAL;
        }
    }
    return left == 0 || codes == 0 || (codes == 1 && h->count[1] == 1) ? 0 : -EINVAL;
}

/* Enters a short code in every slot that begins with it. */
static void huffman_enter(struct huffman *h, unsigned int code, unsigned int length,
                          unsigned int symbol)
{
    unsigned int slot = huffman_reverse(code, length);

    for (; slot < 1U << HUFFMAN_FAST_BITS; slot += 1U << length) {
        h->fast[slot] = (uint16_t)(symbol << 4 | length);
    }
}

int huffman_build(struct huffman *h, const uint8_t *lengths, unsigned int symbols)
{
    uint16_t place[HUFFMAN_MAX_LENGTH + 1] = {0}, code[HUFFMAN_MAX_LENGTH + 1] = {0};

    memset(h->count, 0, sizeof(h->count));
    memset(h->fast, 0, sizeof(h->fast));
    for (unsigned int i = 0; i < symbols; i++) {
        h->count[lengths[i]]++;
    }

    unsigned int codes = symbols - h->count[0];

    h->count[0] = 0;
    if (huffman_check(h, codes) != 0) {
        return -EINVAL;
    }
    for (unsigned int i = 1; i < HUFFMAN_MAX_LENGTH; i++) {
        place[i + 1] = (uint16_t)(place[i] + h->count[i]);
        code[i + 1] = (uint16_t)((code[i] + h->count[i]) << 1);
    }
    for (unsigned int i = 0; i < symbols; i++) {
        unsigned int length = lengths[i];

        if (length != 0) {
            h->symbol[place[length]++] = (uint16_t)i;
            if (length <= HUFFMAN_FAST_BITS) {
                huffman_enter(h, code[length]++, length, i);
            }
        }
    }
    return 0;
}

int huffman_decode_slow(const struct huffman *h, uint64_t bits, unsigned int held,
                        unsigned int *length)
{
    unsigned int code = 0, first = 0, index = 0;

    *length = 0;
    for (unsigned int n = 1; n <= HUFFMAN_MAX_LENGTH; n++) {
        if (n > held) {
            return -ENODATA;
        }
        code |= (unsigned int)(bits >> (n - 1)) & 1;
        if (code - first < h->count[n]) {
            *length = n;
            return h->symbol[index + code - first];
        }
        index += h->count[n];
        first = (first + h->count[n]) << 1;
        code <<= 1;
    }
    return -EINVAL;
}
