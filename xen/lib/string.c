/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory and string functions. The copy loops move 64 bytes a turn in general registers when both
 * sides share their alignment, and otherwise put words together from aligned ones (a packet seldom
 * lies in both places alike); they never make an unaligned access. Device memory and guest memory
 * are not handled here.
 *
 * GCC recognises such loops and replaces them by calls of memcpy and memset, that is, of
 * themselves, also under -ffreestanding. The barrier in each loop body stops that; it costs no
 * instruction.
 */
#include <xen/string.h>

#include <stdbool.h>
#include <stdint.h>

#define WORD  sizeof(uint64_t)
#define BLOCK (8 * WORD)

/* Else GCC counts one pointer and adds the distance to the other one at each access. */
#define KEEP_APART(a, b) __asm__ volatile("" : "+r"(a), "+r"(b)::"memory")

static bool string_words_align(const void *a, const void *b)
{
    return (((uintptr_t)a ^ (uintptr_t)b) & (WORD - 1)) == 0;
}

static inline void string_copy_block(uint64_t *to, const uint64_t *from)
{
    uint64_t a = from[0], b = from[1], c = from[2], d = from[3];
    uint64_t e = from[4], f = from[5], g = from[6], h = from[7];

    to[0] = a;
    to[1] = b;
    to[2] = c;
    to[3] = d;
    to[4] = e;
    to[5] = f;
    to[6] = g;
    to[7] = h;
}

/* A word from the rest of the one before and the first bytes of the next. */
static inline uint64_t string_join(uint64_t *low, uint64_t next, unsigned int shift)
{
    uint64_t word = *low | next << shift;

    *low = next >> (64u - shift) % 64u;
    return word;
}

/* Both sides share their alignment, or it is little. */
static inline void string_copy_up(uint8_t *to, const uint8_t *from, size_t size)
{
    if (string_words_align(to, from)) {
        for (; size != 0 && ((uintptr_t)to & (WORD - 1)) != 0; size--) {
            *to++ = *from++;
            barrier();
        }
        for (; size >= BLOCK; size -= BLOCK) {
            string_copy_block((uint64_t *)(void *)to, (const uint64_t *)(const void *)from);
            to += BLOCK;
            from += BLOCK;
            KEEP_APART(to, from);
        }
        for (; size >= WORD; size -= WORD, to += WORD, from += WORD) {
            *(uint64_t *)(void *)to = *(const uint64_t *)(const void *)from;
            barrier();
        }
    }
    for (; size != 0; size--) {
        *to++ = *from++;
        barrier();
    }
}

/*
 * They do not: the source is read as aligned words that lie within the `size` bytes, at least 16.
 * Little endian.
 */
static void string_copy_odd(uint8_t *to, const uint8_t *from, size_t size)
{
    const uint64_t *next;
    uint64_t low = 0;
    unsigned int shift;

    for (; ((uintptr_t)to & (WORD - 1)) != 0; size--) {
        *to++ = *from++;
        barrier();
    }
    next = (const uint64_t *)(((uintptr_t)from + WORD) & ~(WORD - 1));
    shift = (unsigned int)((uintptr_t)next - (uintptr_t)from) * 8;
    for (unsigned int i = 0; i < shift; i += 8) {
        low |= (uint64_t)*from++ << i;
        barrier();
    }
    size -= shift / 8;
    for (; size >= 4 * WORD; size -= 4 * WORD) {
        uint64_t *words = (uint64_t *)(void *)to;
        uint64_t a = next[0], b = next[1], c = next[2], d = next[3];

        words[0] = string_join(&low, a, shift);
        words[1] = string_join(&low, b, shift);
        words[2] = string_join(&low, c, shift);
        words[3] = string_join(&low, d, shift);
        to += 4 * WORD;
        next += 4;
        KEEP_APART(to, next);
    }
    for (; size >= WORD; size -= WORD, to += WORD) {
        *(uint64_t *)(void *)to = string_join(&low, *next++, shift);
        barrier();
    }
    from = (const uint8_t *)next - shift / 8;
    for (size += shift / 8; size != 0; size--) {
        *to++ = *from++;
        barrier();
    }
}

/* Descending; also right for overlap when `to` is above `from`. Both point behind the last byte. */
static void string_copy_down(uint8_t *to, const uint8_t *from, size_t size)
{
    if (string_words_align(to, from)) {
        for (; size != 0 && ((uintptr_t)to & (WORD - 1)) != 0; size--) {
            *--to = *--from;
            barrier();
        }
        for (; size >= WORD; size -= WORD) {
            to -= WORD;
            from -= WORD;
            *(uint64_t *)(void *)to = *(const uint64_t *)(const void *)from;
            barrier();
        }
    }
    for (; size != 0; size--) {
        *--to = *--from;
        barrier();
    }
}

/* Also right for overlap when `to` is below `from`. */
void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
    if (string_words_align(to, from) || size < BLOCK) {
        string_copy_up(to, from, size);
    } else {
        string_copy_odd(to, from, size);
    }
    return to;
}

void *memmove(void *to, const void *from, size_t size)
{
    if ((uintptr_t)to - (uintptr_t)from >= size) { /* below, or beyond its end */
        return memcpy(to, from, size);
    }
    string_copy_down((uint8_t *)to + size, (const uint8_t *)from + size, size);
    return to;
}

static inline void string_fill_block(uint64_t *to, uint64_t word)
{
    to[0] = word;
    to[1] = word;
    to[2] = word;
    to[3] = word;
    to[4] = word;
    to[5] = word;
    to[6] = word;
    to[7] = word;
}

void *memset(void *to, int byte, size_t size)
{
    uint8_t *p = to;
    uint64_t word = (uint8_t)byte * UINT64_C(0x0101010101010101);

    for (; size != 0 && ((uintptr_t)p & (WORD - 1)) != 0; size--) {
        *p++ = (uint8_t)byte;
        barrier();
    }
    for (; size >= BLOCK; size -= BLOCK, p += BLOCK) {
        string_fill_block((uint64_t *)(void *)p, word);
        barrier();
    }
    for (; size >= WORD; size -= WORD, p += WORD) {
        *(uint64_t *)(void *)p = word;
        barrier();
    }
    for (; size != 0; size--) {
        *p++ = (uint8_t)byte;
        barrier();
    }
    return to;
}

int memcmp(const void *a, const void *b, size_t size)
{
    const uint8_t *x = a, *y = b;

    if (string_words_align(x, y)) {
        for (; size != 0 && ((uintptr_t)x & (WORD - 1)) != 0 && *x == *y; size--) {
            x++;
            y++;
        }
        if (((uintptr_t)x & (WORD - 1)) == 0) {
            for (; size >= WORD; size -= WORD, x += WORD, y += WORD) {
                if (*(const uint64_t *)(const void *)x != *(const uint64_t *)(const void *)y) {
                    break;
                }
            }
        }
    }
    for (; size != 0; size--, x++, y++) {
        if (*x != *y) {
            return *x < *y ? -1 : 1;
        }
    }
    return 0;
}

void *memchr(const void *memory, int byte, size_t size)
{
    const uint8_t *p = memory;

    for (; size != 0; size--, p++) {
        if (*p == (uint8_t)byte) {
            return (void *)(uintptr_t)p;
        }
    }
    return NULL;
}

size_t strnlen(const char *s, size_t limit)
{
    size_t n = 0;

    while (n < limit && s[n] != '\0') {
        n++;
        barrier();
    }
    return n;
}

size_t strlen(const char *s)
{
    return strnlen(s, SIZE_MAX);
}

int strncmp(const char *a, const char *b, size_t limit)
{
    for (; limit != 0; limit--, a++, b++) {
        if (*a != *b) {
            return (uint8_t)*a < (uint8_t)*b ? -1 : 1;
        }
        if (*a == '\0') {
            break;
        }
    }
    return 0;
}

int strcmp(const char *a, const char *b)
{
    return strncmp(a, b, SIZE_MAX);
}

char *strchr(const char *s, int c)
{
    for (;; s++) {
        if (*s == (char)c) {
            return (char *)(uintptr_t)s;
        }
        if (*s == '\0') {
            return NULL;
        }
    }
}

size_t strlcpy(char *to, const char *from, size_t size)
{
    size_t length = strlen(from);

    if (size != 0) {
        size_t copied = length < size ? length : size - 1;

        memcpy(to, from, copied);
        to[copied] = '\0';
    }
    return length;
}

size_t strlcat(char *to, const char *from, size_t size)
{
    size_t used = strnlen(to, size);

    return used + strlcpy(to + used, from, size - used);
}
