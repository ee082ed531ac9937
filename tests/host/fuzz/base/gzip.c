/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random gzip files and DEFLATE streams: output stays in its buffer.
 */
#include "fuzz.h"
#include "host.h"

#include <xen/inflate.h>
#include <xen/string.h>

#define ROOM 4000

void fuzz_gzip(const uint8_t *data, size_t size)
{
    uint8_t *from = host_alloc(size), *to = host_alloc(ROOM);
    size_t out, used;

    memcpy(from, data, size);
    (void)!gunzip(to, ROOM, from, size, &out);
    (void)!inflate(to, ROOM, from, size, &out, &used);
    if (out > ROOM || used > size) {
        __builtin_trap();
    }
    host_free(from);
    host_free(to);
}
