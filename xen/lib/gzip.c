/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gzip wrapper around DEFLATE [RFC 1952]: header, CRC-32, length. Decompression itself is
 * inflate.c's.
 */
#include <xen/errno.h>
#include <xen/inflate.h>

#define GZIP_HEADER  10
#define GZIP_TRAILER 8

#define FHCRC     0x02
#define FEXTRA    0x04
#define FNAME     0x08
#define FCOMMENT  0x10
#define FRESERVED 0xe0

static uint32_t gzip_le32(const uint8_t *b)
{
    return (uint32_t)b[3] << 24 | (uint32_t)b[2] << 16 | (uint32_t)b[1] << 8 | b[0];
}

/*
 * The table is built for each call: it is cheap beside the megabytes that are summed, and needs no
 * state.
 */
uint32_t crc32(uint32_t crc, const void *data, size_t size)
{
    uint32_t table[256];
    const uint8_t *b = data;

    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;

        for (int bit = 0; bit < 8; bit++) {
            c = c >> 1 ^ (UINT32_C(0xedb88320) & (0 - (c & 1)));
        }
        table[i] = c;
    }
    crc = ~crc;
    for (; size != 0; size--) {
        crc = crc >> 8 ^ table[(crc ^ *b++) & 0xff];
    }
    return ~crc;
}

bool gzip_recognise(const void *from, size_t size)
{
    const uint8_t *b = from;

    return size >= GZIP_HEADER + GZIP_TRAILER && b[0] == 0x1f && b[1] == 0x8b && b[2] == 8;
}

/* Length of the header with its optional fields; 0 when it does not end within `size` bytes. */
static size_t gzip_header(const uint8_t *b, size_t size)
{
    uint8_t flags = b[3];
    size_t at = GZIP_HEADER;

    if ((flags & FEXTRA) != 0) {
        if (size - at < 2) {
            return 0;
        }
        at += 2 + ((size_t)b[at] | (size_t)b[at + 1] << 8);
    }
    for (uint8_t text = FNAME; text <= FCOMMENT; text = (uint8_t)(text << 1)) {
        if ((flags & text) != 0) {
            while (at < size && b[at] != 0) {
                at++;
            }
            at++;
        }
    }
    if ((flags & FHCRC) != 0) {
        at += 2;
    }
    return at <= size ? at : 0;
}

int gunzip(void *to, size_t room, const void *from, size_t size, size_t *out)
{
    const uint8_t *b = from;
    size_t used;

    *out = 0;
    if (!gzip_recognise(from, size)) {
        return -ENOEXEC;
    }
    if ((b[3] & FRESERVED) != 0) {
        return -EINVAL;
    }

    size_t header = gzip_header(b, size);

    if (header == 0) {
        return -ENODATA;
    }

    int rc = inflate(to, room, b + header, size - header, out, &used);

    if (rc != 0) {
        return rc;
    }
    if (size - header - used < GZIP_TRAILER) {
        return -ENODATA;
    }
    b += header + used;
    if (gzip_le32(b) != crc32(0, to, *out) || gzip_le32(b + 4) != (uint32_t)*out) {
        return -EILSEQ;
    }
    return 0;
}
