/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The flattened form of a device tree [DTSpec 5]: what stands where in the blob, and the values of
 * properties. Only <xen/dt.h> and the builder look at the form; everybody looks at values.
 */
#pragma once

#include <xen/compiler.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FDT_MAGIC     UINT32_C(0xd00dfeed)
#define FDT_MAX_DEPTH 32
#define FDT_MAX_SIZE  (16U << 20)

/* Tokens of the structure block [DTSpec 5.4.1]. */
#define FDT_DAMAGED    0 /* none: what stands there is not whole */
#define FDT_BEGIN_NODE 1
#define FDT_END_NODE   2
#define FDT_PROP       3
#define FDT_NOP        4
#define FDT_END        9

#define FDT_HEADER_SIZE  40
#define FDT_TOTAL_SIZE   4  /* offset in the header [DTSpec 5.2] */
#define FDT_RESERVE_SIZE 16 /* an entry of the memory reservation block */

/* A blob: offsets from `base`. */
struct fdt {
    const uint8_t *base;
    uint32_t size; /* totalsize of the header */
    uint32_t structs;
    uint32_t structs_end;
    uint32_t strings;
    uint32_t strings_end;
    uint32_t reserves;
    uint32_t reserve_count;
};

/* A property. `data` is 4-byte aligned and has `len` bytes, big-endian cells or text. */
struct fdt_prop {
    const char *name;
    const uint8_t *data;
    uint32_t len;
    uint32_t next; /* offset of what follows it */
};

/* Two orders exist, and every port is little-endian. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "device trees are read on little-endian");

/* A big-endian cell at a 4-byte aligned place. */
static inline uint32_t fdt_be32(const uint8_t *at)
{
    return __builtin_bswap32(*(const uint32_t *)(const void *)at);
}

/* The cell at an offset that was checked. */
static inline uint32_t fdt_at(const struct fdt *f, uint32_t offset)
{
    return fdt_be32(f->base + offset);
}

/* Names and values are padded to whole cells. */
static inline uint32_t fdt_pad(uint32_t length)
{
    return (length + 3) & ~UINT32_C(3);
}

/*
 * Check header and blocks of the blob at `base`, of which `size` bytes may be read, and fill *f.
 * -EFAULT: base not 8-byte aligned; -ENOEXEC: no device tree there; -EOPNOTSUPP: version before 16
 * or after 17 without compatibility; -E2BIG: larger than `size` or FDT_MAX_SIZE; -EINVAL: damaged.
 */
int fdt_open(struct fdt *f, const void *base, size_t size) __must_check;

/* What an error of dt_open means, for a message. Not with address translation off. */
const char *fdt_strerror(int error);

/*
 * The token at *at, or behind padding (FDT_NOP) there: *at moves to it. It lies whole in the
 * structure block, with its name or value, and *next is the offset behind these; else FDT_DAMAGED.
 */
uint32_t fdt_token(const struct fdt *f, uint32_t *at, uint32_t *next);

/* Entry `index` of the memory reservation block; false past the end. */
bool fdt_reserve(const struct fdt *f, uint32_t index, uint64_t *start, uint64_t *size);

/* Number of whole cells. */
static inline uint32_t fdt_cell_count(const struct fdt_prop *p)
{
    return p->len / 4;
}

/* Cell `index`, which is below fdt_cell_count. */
static inline uint32_t fdt_cell(const struct fdt_prop *p, uint32_t index)
{
    return fdt_be32(p->data + 4 * (size_t)index);
}

/* `count` cells from `index`, which exist, as one number: its low 64 bits, 0 for a count of 0. */
uint64_t fdt_cells(const struct fdt_prop *p, uint32_t index, uint32_t count);

/* The first string of a list; NULL when there is none, or it is not terminated. */
const char *fdt_string(const struct fdt_prop *p);
/* The string behind `s`, which is of this list. */
const char *fdt_next_string(const struct fdt_prop *p, const char *s);
#define fdt_for_each_string(p, s) \
    for ((s) = fdt_string(p); (s) != NULL; (s) = fdt_next_string((p), (s)))

/* Does the list of strings hold `string`? */
bool fdt_has_string(const struct fdt_prop *p, const char *string);
