/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DEFLATE decompression and the gzip wrapper, memory to memory. The output buffer is also the
 * window, so nothing is copied twice. Every code set is checked for being complete before it is
 * used; a damaged stream ends with an error, never outside the buffers.
 */
#include <xen/errno.h>
#include <xen/huffman.h>
#include <xen/inflate.h>
#include <xen/lib.h>
#include <xen/string.h>

#define MAX_DIST    32
#define MAX_LENGTHS (HUFFMAN_SYMBOLS + MAX_DIST)

struct inflate_state {
    const uint8_t *in;
    const uint8_t *in_end;
    uint64_t bits; /* read ahead, the next one lowest; above `held` all are 0 */
    unsigned int held;
    uint8_t *start;
    uint8_t *out;
    uint8_t *out_end;
    struct huffman litlen;
    struct huffman dist;
};

static const uint16_t length_base[29] = {3,  4,  5,  6,   7,   8,   9,   10,  11, 13,
                                         15, 17, 19, 23,  27,  31,  35,  43,  51, 59,
                                         67, 83, 99, 115, 131, 163, 195, 227, 258};
static const uint8_t length_extra[29] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,
                                         2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
static const uint16_t dist_base[30] = {
    1,   2,   3,   4,   5,   7,    9,    13,   17,   25,   33,   49,   65,    97,    129,
    193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577};
/* The order in which lengths of the code length code are stored [RFC 1951 3.2.7]. */
static const uint8_t length_order[19] = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                         11, 4,  12, 3, 13, 2, 14, 1, 15};

/* Fills the bit buffer up to 56 bits or to the end of the input. */
static inline void inflate_refill(struct inflate_state *s)
{
    while (s->held <= 56 && s->in < s->in_end) {
        s->bits |= (uint64_t)*s->in++ << s->held;
        s->held += 8;
    }
}

static inline void inflate_drop(struct inflate_state *s, unsigned int count)
{
    s->bits >>= count;
    s->held -= count;
}

/* `count` (at most 16) bits, or -ENODATA. */
static int inflate_bits(struct inflate_state *s, unsigned int count)
{
    inflate_refill(s);
    if (s->held < count) {
        return -ENODATA;
    }

    int value = (int)(s->bits & ((UINT64_C(1) << count) - 1));

    inflate_drop(s, count);
    return value;
}

/* The next symbol. The bit buffer was refilled. */
static inline int inflate_symbol(struct inflate_state *s, const struct huffman *h)
{
    unsigned int length;
    int symbol = huffman_decode(h, s->bits, s->held, &length);

    inflate_drop(s, length);
    return symbol;
}

/* A block without compression [RFC 1951 3.2.4]. */
static int inflate_stored(struct inflate_state *s)
{
    inflate_drop(s, s->held % 8);

    int length = inflate_bits(s, 16), complement = inflate_bits(s, 16);

    if (length < 0 || complement < 0) {
        return -ENODATA;
    }
    if (length != (~complement & 0xffff)) {
        return -EINVAL;
    }
    s->in -= s->held / 8; /* give back whole bytes that wait in the bit buffer */
    s->bits = 0;
    s->held = 0;

    size_t room = (size_t)(s->out_end - s->out), rest = (size_t)(s->in_end - s->in);
    size_t copied = min_size((size_t)length, min_size(room, rest));

    memcpy(s->out, s->in, copied);
    s->out += copied;
    s->in += copied;
    if (copied < (size_t)length) {
        return rest < (size_t)length ? -ENODATA : -ENOSPC;
    }
    return 0;
}

/* A copy of `length` bytes from `distance` back; it may overlap itself, and then repeats. */
static int inflate_repeat(struct inflate_state *s, size_t length, size_t distance)
{
    if (distance > (size_t)(s->out - s->start)) {
        return -EINVAL;
    }

    size_t room = (size_t)(s->out_end - s->out), copied = min_size(length, room);
    const uint8_t *from = s->out - distance;

    if (distance >= length) {
        memcpy(s->out, from, copied);
        s->out += copied;
    } else {
        for (size_t i = 0; i < copied; i++) {
            *s->out++ = *from++;
        }
    }
    return copied < length ? -ENOSPC : 0;
}

/* The rest of a match whose length symbol was read. */
static int inflate_match(struct inflate_state *s, unsigned int symbol)
{
    if (symbol >= ARRAY_SIZE(length_base)) {
        return -EINVAL;
    }

    int more = inflate_bits(s, length_extra[symbol]);

    if (more < 0) {
        return more;
    }

    size_t length = (size_t)length_base[symbol] + (size_t)more;
    int code = inflate_symbol(s, &s->dist);

    if (code < 0) {
        return code;
    }
    if (code >= (int)ARRAY_SIZE(dist_base)) {
        return -EINVAL;
    }
    more = inflate_bits(s, code < 2 ? 0 : (unsigned int)code / 2 - 1);
    if (more < 0) {
        return more;
    }
    return inflate_repeat(s, length, (size_t)dist_base[code] + (size_t)more);
}

/* Literals and matches up to the end-of-block symbol. */
static int inflate_codes(struct inflate_state *s)
{
    for (;;) {
        inflate_refill(s);

        int symbol = inflate_symbol(s, &s->litlen);

        if (symbol < 0) {
            return symbol;
        }
        if (symbol < 256) {
            if (s->out == s->out_end) {
                return -ENOSPC;
            }
            *s->out++ = (uint8_t)symbol;
        } else if (symbol == 256) {
            return 0;
        } else {
            int rc = inflate_match(s, (unsigned int)symbol - 257);

            if (rc != 0) {
                return rc;
            }
        }
    }
}

/* The codes of [RFC 1951 3.2.6]. */
static int inflate_fixed_codes(struct inflate_state *s)
{
    uint8_t lengths[HUFFMAN_SYMBOLS];

    memset(lengths, 8, 144);
    memset(lengths + 144, 9, 112);
    memset(lengths + 256, 7, 24);
    memset(lengths + 280, 8, 8);
    int rc = huffman_build(&s->litlen, lengths, HUFFMAN_SYMBOLS);

    if (rc != 0) {
        return rc;
    }
    memset(lengths, 5, MAX_DIST);
    return huffman_build(&s->dist, lengths, MAX_DIST);
}

/* One symbol of the code length code and what it stands for: `times` code lengths of `value`. */
static int inflate_run(struct inflate_state *s, int previous, int *value, int *times)
{
    static const uint8_t base[3] = {3, 3, 11}, bits[3] = {2, 3, 7};

    inflate_refill(s);
    int symbol = inflate_symbol(s, &s->dist);

    if (symbol < 16) {
        *value = symbol;
        *times = 1;
        return symbol < 0 ? symbol : 0;
    }
    if (symbol == 16 && previous < 0) {
        return -EINVAL;
    }

    int more = inflate_bits(s, bits[symbol - 16]);

    *value = symbol == 16 ? previous : 0;
    *times = base[symbol - 16] + more;
    return more < 0 ? more : 0;
}

/* The code lengths of a dynamic block, decoded with the code in s->dist. */
static int inflate_lengths(struct inflate_state *s, uint8_t *lengths, int wanted)
{
    int done = 0, value = -1, times;

    while (done < wanted) {
        int rc = inflate_run(s, value, &value, &times);

        if (rc != 0) {
            return rc;
        }
        if (times > wanted - done) {
            return -EINVAL;
        }
        memset(lengths + done, value, (size_t)times);
        done += times;
    }
    return 0;
}

/* The codes that precede a dynamic block [RFC 1951 3.2.7]. */
static int inflate_dynamic_codes(struct inflate_state *s)
{
    uint8_t lengths[MAX_LENGTHS] = {0};
    int litlens = inflate_bits(s, 5), dists = inflate_bits(s, 5), counts = inflate_bits(s, 4);

    if (litlens < 0 || dists < 0 || counts < 0) {
        return -ENODATA;
    }
    litlens += 257;
    dists += 1;
    if (litlens > 286 || dists > 30) {
        return -EINVAL;
    }
    for (int i = 0; i < counts + 4; i++) {
        int length = inflate_bits(s, 3);

        if (length < 0) {
            return length;
        }
        lengths[length_order[i]] = (uint8_t)length;
    }

    int rc = huffman_build(&s->dist, lengths, ARRAY_SIZE(length_order));

    if (rc == 0) {
        rc = inflate_lengths(s, lengths, litlens + dists);
    }
    if (rc == 0 && lengths[256] == 0) {
        rc = -EINVAL; /* no way to end the block */
    }
    if (rc == 0) {
        rc = huffman_build(&s->litlen, lengths, (unsigned int)litlens);
    }
    if (rc == 0) {
        rc = huffman_build(&s->dist, lengths + litlens, (unsigned int)dists);
    }
    return rc;
}

static int inflate_block(struct inflate_state *s, int type)
{
    int rc;

    switch (type) {
    case 0: return inflate_stored(s);
    case 1: rc = inflate_fixed_codes(s); break;
    case 2: rc = inflate_dynamic_codes(s); break;
    default: return type < 0 ? type : -EINVAL;
    }
    return rc == 0 ? inflate_codes(s) : rc;
}

int inflate(void *to, size_t room, const void *from, size_t size, size_t *out, size_t *used)
{
    struct inflate_state s = {
        .in = from,
        .in_end = (const uint8_t *)from + size,
        .start = to,
        .out = to,
        .out_end = (uint8_t *)to + room,
    };
    int last, rc;

    do {
        last = inflate_bits(&s, 1);
        rc = last < 0 ? last : inflate_block(&s, inflate_bits(&s, 2));
    } while (rc == 0 && last == 0);

    *out = (size_t)(s.out - s.start);
    *used = (size_t)(s.in - (const uint8_t *)from) - s.held / 8;
    return rc;
}
