/*
 * Arrays of bits in 64-bit words. Bit n is bit n % 64 of word n / 64. Nothing here is atomic: the
 * caller holds the lock of what the map describes. Bits at and above `bits` in the last word are
 * ignored when read and kept zero by the functions that write whole maps.
 */
#pragma once

#include <xen/compiler.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BITMAP_WORDS(bits) (((bits) + 63) / 64)

/* Declares `name` with room for `bits` bits. */
#define BITMAP(name, bits) uint64_t name[BITMAP_WORDS(bits)]

static inline bool bitmap_test(const uint64_t *map, uint32_t bit)
{
    return (map[bit / 64] >> (bit % 64)) & 1;
}

static inline void bitmap_set(uint64_t *map, uint32_t bit)
{
    map[bit / 64] |= UINT64_C(1) << (bit % 64);
}

static inline void bitmap_clear(uint64_t *map, uint32_t bit)
{
    map[bit / 64] &= ~(UINT64_C(1) << (bit % 64));
}

static inline void bitmap_assign(uint64_t *map, uint32_t bit, bool value)
{
    if (value) {
        bitmap_set(map, bit);
    } else {
        bitmap_clear(map, bit);
    }
}

void bitmap_zero(uint64_t *map, uint32_t bits);
void bitmap_fill(uint64_t *map, uint32_t bits);
void bitmap_copy(uint64_t *to, const uint64_t *from, uint32_t bits);

/* Bits first .. first + count - 1. */
void bitmap_set_range(uint64_t *map, uint32_t first, uint32_t count);
void bitmap_clear_range(uint64_t *map, uint32_t first, uint32_t count);

/* to = a op b; `to` may be either operand. */
void bitmap_and(uint64_t *to, const uint64_t *a, const uint64_t *b, uint32_t bits);
void bitmap_or(uint64_t *to, const uint64_t *a, const uint64_t *b, uint32_t bits);
void bitmap_andnot(uint64_t *to, const uint64_t *a, const uint64_t *b, uint32_t bits);

bool bitmap_empty(const uint64_t *map, uint32_t bits);
bool bitmap_full(const uint64_t *map, uint32_t bits);
bool bitmap_equal(const uint64_t *a, const uint64_t *b, uint32_t bits);
bool bitmap_intersects(const uint64_t *a, const uint64_t *b, uint32_t bits);
bool bitmap_subset(const uint64_t *part, const uint64_t *whole, uint32_t bits);
uint32_t bitmap_weight(const uint64_t *map, uint32_t bits);

/* First set (or clear) bit at or after `from`; `bits` when there is none. */
uint32_t bitmap_next_set(const uint64_t *map, uint32_t bits, uint32_t from);
uint32_t bitmap_next_clear(const uint64_t *map, uint32_t bits, uint32_t from);

#define bitmap_for_each_set(bit, map, bits) \
    for ((bit) = bitmap_next_set((map), (bits), 0); (bit) < (bits); \
         (bit) = bitmap_next_set((map), (bits), (bit) + 1))

/*
 * The form of xenctl_bitmap: bit n is bit n % 8 of byte n / 8. `bytes` has (bits + 7) / 8 bytes;
 * unused bits of the last one are written as 0 and ignored when read.
 */
void bitmap_to_bytes(uint8_t *bytes, const uint64_t *map, uint32_t bits);
void bitmap_from_bytes(uint64_t *map, const uint8_t *bytes, uint32_t bits);
