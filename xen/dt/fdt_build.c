/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing a flattened device tree front to back. Layout of the result: header, reservation block,
 * structure block, strings block. Property names are collected beside the buffer, each once, and
 * appended at the end, so the only bounds are the caller's buffer and the size of that collection.
 */
#include <xen/errno.h>
#include <xen/fdt.h>
#include <xen/fdt_build.h>
#include <xen/format.h>
#include <xen/lib.h>
#include <xen/string.h>

#define NODE_NAME_SIZE 64

static void fdt_build_fail(struct fdt_builder *b, int error)
{
    if (b->error == 0) {
        b->error = error;
    }
}

/* Copies bytes behind what was written. */
static void fdt_build_bytes(struct fdt_builder *b, const void *data, size_t len)
{
    if (len > b->size - b->used) {
        fdt_build_fail(b, -ENOSPC);
    }
    if (b->error == 0) {
        memcpy(b->buffer + b->used, data, len);
        b->used += (uint32_t)len;
    }
}

/* Zeroes up to a multiple of 4, which the buffer's size is. */
static void fdt_build_pad(struct fdt_builder *b)
{
    for (; (b->used & 3) != 0; b->used++) {
        b->buffer[b->used] = 0;
    }
}

static void fdt_build_put(uint8_t *at, uint32_t value)
{
    *(uint32_t *)(void *)at = __builtin_bswap32(value);
}

static void fdt_build_cell(struct fdt_builder *b, uint32_t value)
{
    if (b->size - b->used < 4) {
        fdt_build_fail(b, -ENOSPC);
    }
    if (b->error == 0) {
        fdt_build_put(b->buffer + b->used, value);
        b->used += 4;
    }
}

void fdt_build_start(struct fdt_builder *b, void *buffer, size_t size)
{
    memset(b, 0, offsetof(struct fdt_builder, strings));
    b->buffer = buffer;
    b->size = (uint32_t)min_size(size, FDT_MAX_SIZE) & ~UINT32_C(3);
    if (((uintptr_t)buffer & 7) != 0) {
        fdt_build_fail(b, -EINVAL);
    } else if (b->size < FDT_HEADER_SIZE) {
        fdt_build_fail(b, -ENOSPC);
    }
    b->used = FDT_HEADER_SIZE;
    for (int i = 0; i < FDT_RESERVE_SIZE / 4; i++) {
        fdt_build_cell(b, 0); /* the end of the reservation block, which is empty */
    }
}

/* Nodes have names, the root alone has none; '/' would break paths. */
static bool fdt_build_name_ok(const struct fdt_builder *b, const char *name)
{
    return (b->depth == 0) == (*name == '\0') && strchr(name, '/') == NULL;
}

void fdt_build_begin(struct fdt_builder *b, const char *name)
{
    if (b->value != 0 || b->closed || b->depth == FDT_MAX_DEPTH || !fdt_build_name_ok(b, name)) {
        fdt_build_fail(b, -EINVAL);
        return;
    }
    fdt_build_cell(b, FDT_BEGIN_NODE);
    fdt_build_bytes(b, name, strlen(name) + 1);
    fdt_build_pad(b);
    b->depth++;
    b->children = false;
}

void fdt_build_begin_at(struct fdt_builder *b, const char *name, uint64_t unit)
{
    char full[NODE_NAME_SIZE];

    if (snprintf(full, sizeof(full), "%s@%lx", name, (unsigned long)unit) >= sizeof(full)) {
        fdt_build_fail(b, -EINVAL);
        return;
    }
    fdt_build_begin(b, full);
}

void fdt_build_end(struct fdt_builder *b)
{
    if (b->value != 0 || b->depth == 0) {
        fdt_build_fail(b, -EINVAL);
        return;
    }
    fdt_build_cell(b, FDT_END_NODE);
    b->depth--;
    b->children = true;
    b->closed = b->depth == 0;
}

/* FNV-1a. */
static uint32_t fdt_build_hash(const char *name)
{
    uint32_t hash = UINT32_C(2166136261);

    for (; *name != '\0'; name++) {
        hash = (hash ^ (uint8_t)*name) * UINT32_C(16777619);
    }
    return hash ^ hash >> 16;
}

/* Offset of a property name in the strings block; enters it when it is new. */
static uint32_t fdt_build_name(struct fdt_builder *b, const char *name)
{
    uint32_t slot = fdt_build_hash(name) % FDT_BUILD_HASH;
    size_t length = strlen(name) + 1;

    for (; b->hash[slot] != 0; slot = (slot + 1) % FDT_BUILD_HASH) {
        uint32_t offset = b->hash[slot] - UINT32_C(1);

        if (strcmp(b->strings + offset, name) == 0) {
            return offset;
        }
    }
    /* One slot stays free, so that the search above ends. */
    if (length > FDT_BUILD_STRINGS - b->strings_used || b->names == FDT_BUILD_HASH - 1) {
        fdt_build_fail(b, -ENOSPC);
        return 0;
    }

    uint32_t offset = b->strings_used;

    memcpy(b->strings + offset, name, length);
    b->hash[slot] = (uint16_t)(offset + 1);
    b->strings_used += (uint32_t)length;
    b->names++;
    return offset;
}

void fdt_build_open(struct fdt_builder *b, const char *name)
{
    if (b->depth == 0 || b->children || b->value != 0) {
        fdt_build_fail(b, -EINVAL);
    }
    fdt_build_cell(b, FDT_PROP);
    fdt_build_cell(b, 0); /* the length comes with fdt_build_close */
    fdt_build_cell(b, b->error == 0 ? fdt_build_name(b, name) : 0);
    b->value = b->used;
}

void fdt_build_add(struct fdt_builder *b, uint64_t value, uint32_t cells)
{
    if (b->value == 0) {
        fdt_build_fail(b, -EINVAL);
    }
    if ((cells == 1 && value > UINT32_MAX) || (cells == 0 && value != 0)) {
        fdt_build_fail(b, -ERANGE);
    }
    for (; cells > 2; cells--) {
        fdt_build_cell(b, 0);
    }
    if (cells == 2) {
        fdt_build_cell(b, (uint32_t)(value >> 32));
    }
    if (cells != 0) {
        fdt_build_cell(b, (uint32_t)value);
    }
}

void fdt_build_close(struct fdt_builder *b)
{
    if (b->error == 0 && b->value == 0) {
        fdt_build_fail(b, -EINVAL);
    }
    if (b->error == 0) {
        fdt_build_put(b->buffer + b->value - 8, b->used - b->value);
        fdt_build_pad(b);
    }
    b->value = 0;
}

void fdt_build_add_cells(struct fdt_builder *b, const uint32_t *cells, size_t count)
{
    for (; count != 0; count--) {
        fdt_build_add(b, *cells++, 1);
    }
}

void fdt_build_prop(struct fdt_builder *b, const char *name, const void *data, size_t len)
{
    fdt_build_open(b, name);
    fdt_build_bytes(b, data, len);
    fdt_build_close(b);
}

void fdt_build_empty(struct fdt_builder *b, const char *name)
{
    fdt_build_prop(b, name, "", 0);
}

void fdt_build_string(struct fdt_builder *b, const char *name, const char *value)
{
    fdt_build_prop(b, name, value, strlen(value) + 1);
}

void fdt_build_strings(struct fdt_builder *b, const char *name, const char *const *values,
                       size_t count)
{
    fdt_build_open(b, name);
    for (size_t i = 0; i < count; i++) {
        fdt_build_bytes(b, values[i], strlen(values[i]) + 1);
    }
    fdt_build_close(b);
}

void fdt_build_u32(struct fdt_builder *b, const char *name, uint32_t value)
{
    fdt_build_cells(b, name, &value, 1);
}

void fdt_build_u64(struct fdt_builder *b, const char *name, uint64_t value)
{
    fdt_build_open(b, name);
    fdt_build_add(b, value, 2);
    fdt_build_close(b);
}

void fdt_build_cells(struct fdt_builder *b, const char *name, const uint32_t *cells, size_t count)
{
    fdt_build_open(b, name);
    fdt_build_add_cells(b, cells, count);
    fdt_build_close(b);
}

int fdt_build_finish(struct fdt_builder *b, size_t *size)
{
    const uint32_t structs = FDT_HEADER_SIZE + FDT_RESERVE_SIZE;
    uint32_t structs_end;

    if (!b->closed) {
        fdt_build_fail(b, -EINVAL);
    }
    fdt_build_cell(b, FDT_END);
    structs_end = b->used;
    fdt_build_bytes(b, b->strings, b->strings_used);
    fdt_build_pad(b);
    if (b->error != 0) {
        return b->error;
    }

    /* [DTSpec 5.2], from the magic number on. */
    const uint32_t header[FDT_HEADER_SIZE / 4] = {
        FDT_MAGIC,
        b->used,         /* of the blob */
        structs,         /* where the structure block begins, */
        structs_end,     /* the strings block, */
        FDT_HEADER_SIZE, /* and the reservation block */
        17,              /* version */
        16,              /* the last one that is compatible */
        0,               /* boot CPU */
        b->strings_used,
        structs_end - structs,
    };

    for (uint32_t i = 0; i < ARRAY_SIZE(header); i++) {
        fdt_build_put(b->buffer + 4 * (size_t)i, header[i]);
    }
    *size = b->used;
    return 0;
}
