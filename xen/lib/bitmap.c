/*
 * Whole-map operations on arrays of bits. The inline single-bit ones are in the header. No
 * atomicity.
 */
#include <xen/bitmap.h>
#include <xen/bitops.h>
#include <xen/string.h>

/* Word `i` without the bits at and above `bits`. */
static inline uint64_t bitmap_word(const uint64_t *map, uint32_t bits, uint32_t i)
{
    uint32_t rest = bits - i * 64;

    return rest >= 64 ? map[i] : map[i] & ~(~UINT64_C(0) << rest);
}

/* The same without overflow for maps near 2^32 bits, which nobody has. */
static inline uint32_t bitmap_words(uint32_t bits)
{
    return bits / 64 + (bits % 64 != 0);
}

void bitmap_zero(uint64_t *map, uint32_t bits)
{
    memset(map, 0, bitmap_words(bits) * sizeof(*map));
}

void bitmap_fill(uint64_t *map, uint32_t bits)
{
    bitmap_zero(map, bits);
    bitmap_set_range(map, 0, bits);
}

void bitmap_copy(uint64_t *to, const uint64_t *from, uint32_t bits)
{
    for (uint32_t i = 0; i < bitmap_words(bits); i++) {
        to[i] = bitmap_word(from, bits, i);
    }
}

/* The bits of word `i` that belong to [first, end). */
static uint64_t bitmap_range_mask(uint32_t i, uint32_t first, uint32_t end)
{
    uint64_t mask = ~UINT64_C(0);

    if (i == first / 64) {
        mask &= ~UINT64_C(0) << (first % 64);
    }
    if (i == end / 64) {
        mask &= ~(~UINT64_C(0) << (end % 64));
    }
    return mask;
}

void bitmap_set_range(uint64_t *map, uint32_t first, uint32_t count)
{
    uint32_t end = first + count;

    for (uint32_t i = first / 64; i < bitmap_words(end); i++) {
        map[i] |= bitmap_range_mask(i, first, end);
    }
}

void bitmap_clear_range(uint64_t *map, uint32_t first, uint32_t count)
{
    uint32_t end = first + count;

    for (uint32_t i = first / 64; i < bitmap_words(end); i++) {
        map[i] &= ~bitmap_range_mask(i, first, end);
    }
}

void bitmap_and(uint64_t *to, const uint64_t *a, const uint64_t *b, uint32_t bits)
{
    for (uint32_t i = 0; i < bitmap_words(bits); i++) {
        to[i] = bitmap_word(a, bits, i) & b[i];
    }
}

void bitmap_or(uint64_t *to, const uint64_t *a, const uint64_t *b, uint32_t bits)
{
    for (uint32_t i = 0; i < bitmap_words(bits); i++) {
        to[i] = bitmap_word(a, bits, i) | bitmap_word(b, bits, i);
    }
}

void bitmap_andnot(uint64_t *to, const uint64_t *a, const uint64_t *b, uint32_t bits)
{
    for (uint32_t i = 0; i < bitmap_words(bits); i++) {
        to[i] = bitmap_word(a, bits, i) & ~b[i];
    }
}

bool bitmap_empty(const uint64_t *map, uint32_t bits)
{
    return bitmap_next_set(map, bits, 0) == bits;
}

bool bitmap_full(const uint64_t *map, uint32_t bits)
{
    return bitmap_next_clear(map, bits, 0) == bits;
}

bool bitmap_equal(const uint64_t *a, const uint64_t *b, uint32_t bits)
{
    for (uint32_t i = 0; i < bitmap_words(bits); i++) {
        if (bitmap_word(a, bits, i) != bitmap_word(b, bits, i)) {
            return false;
        }
    }
    return true;
}

bool bitmap_intersects(const uint64_t *a, const uint64_t *b, uint32_t bits)
{
    for (uint32_t i = 0; i < bitmap_words(bits); i++) {
        if ((bitmap_word(a, bits, i) & b[i]) != 0) {
            return true;
        }
    }
    return false;
}

bool bitmap_subset(const uint64_t *part, const uint64_t *whole, uint32_t bits)
{
    for (uint32_t i = 0; i < bitmap_words(bits); i++) {
        if ((bitmap_word(part, bits, i) & ~whole[i]) != 0) {
            return false;
        }
    }
    return true;
}

uint32_t bitmap_weight(const uint64_t *map, uint32_t bits)
{
    uint32_t weight = 0;

    for (uint32_t i = 0; i < bitmap_words(bits); i++) {
        weight += popcount64(bitmap_word(map, bits, i));
    }
    return weight;
}

/* First bit at or after `from` that differs from those of `flip` (all ones or zero). */
static uint32_t bitmap_next(const uint64_t *map, uint32_t bits, uint32_t from, uint64_t flip)
{
    if (from >= bits) {
        return bits;
    }

    uint64_t word = (map[from / 64] ^ flip) & (~UINT64_C(0) << (from % 64));

    for (uint32_t i = from / 64;;) {
        if (word != 0) {
            uint32_t bit = i * 64 + ctz64(word);

            return bit < bits ? bit : bits;
        }
        if (++i >= bitmap_words(bits)) {
            return bits;
        }
        word = map[i] ^ flip;
    }
}

uint32_t bitmap_next_set(const uint64_t *map, uint32_t bits, uint32_t from)
{
    return bitmap_next(map, bits, from, 0);
}

uint32_t bitmap_next_clear(const uint64_t *map, uint32_t bits, uint32_t from)
{
    return bitmap_next(map, bits, from, ~UINT64_C(0));
}

void bitmap_to_bytes(uint8_t *bytes, const uint64_t *map, uint32_t bits)
{
    for (uint32_t i = 0; i < bits / 8 + (bits % 8 != 0); i++) {
        bytes[i] = (uint8_t)(bitmap_word(map, bits, i / 8) >> (i % 8 * 8));
    }
}

void bitmap_from_bytes(uint64_t *map, const uint8_t *bytes, uint32_t bits)
{
    bitmap_zero(map, bits);
    for (uint32_t i = 0; i < bits / 8 + (bits % 8 != 0); i++) {
        map[i / 8] |= (uint64_t)bytes[i] << (i % 8 * 8);
    }
    if (bits % 64 != 0) {
        map[bits / 64] = bitmap_word(map, bits, bits / 64);
    }
}
