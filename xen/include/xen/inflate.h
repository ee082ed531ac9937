/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decompression of DEFLATE [RFC 1951] and gzip [RFC 1952] from memory to memory. Input is hostile:
 * nothing is read or written outside the two buffers. No allocation; about 3 KiB of stack.
 */
#pragma once

#include <xen/compiler.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Does the buffer begin as a gzip file with method DEFLATE? */
bool gzip_recognise(const void *from, size_t size);

/*
 * Decompress a gzip member into `to` of `room` bytes. *out is how many bytes were written, also on
 * errors. Bytes after the member are ignored (boot modules are padded). 0, or -ENOEXEC no gzip
 * file; -EINVAL damaged data; -ENODATA input ends too early; -ENOSPC `room` is too small; -EILSEQ
 * checksum or length of the trailer is wrong.
 */
int gunzip(void *to, size_t room, const void *from, size_t size, size_t *out) __must_check;

/* The same for a raw DEFLATE stream; *used is how many bytes of input it took. */
int inflate(void *to, size_t room, const void *from, size_t size, size_t *out, size_t *used)
    __must_check;

/* CRC-32 as gzip and zlib define it; start with 0, feed the result of the previous part. */
uint32_t crc32(uint32_t crc, const void *data, size_t size);
