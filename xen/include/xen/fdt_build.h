/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing a flattened device tree [DTSpec 5], version 17, front to back into a buffer of fixed
 * size. The first error (no room, wrong nesting, bad name) is latched: everything after it does
 * nothing, and fdt_build_finish reports it, so callers need no checks in between. Order: start,
 * begin root "", properties, children, end, finish. Properties of a node come before
 * its children [DTSpec 5.4.2].
 */
#pragma once

#include <xen/compiler.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FDT_BUILD_STRINGS 57280U /* bytes of property names: a tree with symbols has thousands */
#define FDT_BUILD_HASH    4096U  /* slots for finding a name again; a power of 2 */

struct fdt_builder {
    uint8_t *buffer;
    uint32_t size; /* of the buffer */
    uint32_t used;
    uint32_t value; /* of the open property: offset of its data, 0 when none is open */
    uint32_t depth;
    int error;
    bool children; /* the last thing written was the end of a node: no properties now */
    bool closed;   /* the root has ended */
    uint32_t strings_used;
    uint32_t names;
    uint16_t hash[FDT_BUILD_HASH]; /* 1 + offset in strings, 0: free */
    char strings[FDT_BUILD_STRINGS];
};

/* `buffer` is 8-byte aligned. The builder is large: 64 KiB, not for the stack. */
void fdt_build_start(struct fdt_builder *b, void *buffer, size_t size);

void fdt_build_begin(struct fdt_builder *b, const char *name);
void fdt_build_begin_at(struct fdt_builder *b, const char *name, uint64_t unit); /* name@unit,
                                                                                    hexadecimal */
void fdt_build_end(struct fdt_builder *b);

/* A whole property. */
void fdt_build_prop(struct fdt_builder *b, const char *name, const void *data, size_t len);
void fdt_build_empty(struct fdt_builder *b, const char *name);
void fdt_build_string(struct fdt_builder *b, const char *name, const char *value);
void fdt_build_strings(struct fdt_builder *b, const char *name, const char *const *values,
                       size_t count);
void fdt_build_u32(struct fdt_builder *b, const char *name, uint32_t value);
void fdt_build_u64(struct fdt_builder *b, const char *name, uint64_t value);
void fdt_build_cells(struct fdt_builder *b, const char *name, const uint32_t *cells, size_t count);

/* fdt_copy.c: all properties of a node of another tree; or those that it has of these names, with
 * NULL at their end: how many. n NULL: none. */
struct dt;
struct dt_node;
void fdt_build_copy(struct fdt_builder *b, const struct dt *t, const struct dt_node *n);
unsigned int fdt_build_keep(struct fdt_builder *b, const struct dt *t, const struct dt_node *n,
                            const char *const *names);

/* A property of cells in pieces: open, add numbers of `cells` cells each (0..2), close. */
void fdt_build_open(struct fdt_builder *b, const char *name);
void fdt_build_add(struct fdt_builder *b, uint64_t value, uint32_t cells);
void fdt_build_add_cells(struct fdt_builder *b, const uint32_t *cells, size_t count);
void fdt_build_close(struct fdt_builder *b);

/*
 * Complete the blob: 0 and its size, or the first error: -ENOSPC (buffer or property names full),
 * -EINVAL (used in the wrong order, bad node name), -ERANGE (value does not fit its cells).
 */
int fdt_build_finish(struct fdt_builder *b, size_t *size) __must_check;
