/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Device-tree reader: a walk over the structure block [DT v0.4 5.4].
 */
#include <guest/dt.h>
#include <guest/memory.h>

enum {
    DT_BEGIN = 1,
    DT_END = 2,
    DT_PROPERTY = 3,
    DT_NOP = 4,
    DT_FINISH = 9
};

static const uint8_t *dt_blob;

static uint32_t dt_be32(const void *at)
{
    const uint8_t *b = at;
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static uint32_t dt_header(unsigned int word)
{
    return dt_be32(dt_blob + 4 * word);
}

static const uint32_t *dt_structure(void)
{
    return (const uint32_t *)(const void *)(dt_blob + dt_header(2));
}

static bool dt_same(const char *a, const char *b)
{
    return strlen(a) == strlen(b) && memcmp(a, b, strlen(a)) == 0;
}

/* Words that `bytes` fill. */
static uint32_t dt_words(uint32_t bytes)
{
    return (bytes + 3) / 4;
}

/* The token behind the one at `at`. */
static const uint32_t *dt_next(const uint32_t *at)
{
    switch (dt_be32(at)) {
    case DT_BEGIN: return at + 1 + dt_words((uint32_t)strlen((const char *)(at + 1)) + 1);
    case DT_PROPERTY: return at + 3 + dt_words(dt_be32(at + 1));
    default: return at + 1;
    }
}

void dt_use(const void *blob)
{
    dt_blob = blob;
}

const void *dt_used(void)
{
    return dt_blob;
}

const void *dt_property(dt_node node, const char *name, uint32_t *length)
{
    for (const uint32_t *at = node;; at = dt_next(at)) {
        uint32_t token = dt_be32(at);
        if (token != DT_PROPERTY && token != DT_NOP) {
            return NULL;
        }
        if (token == DT_PROPERTY &&
            dt_same((const char *)(dt_blob + dt_header(3) + dt_be32(at + 2)), name)) {
            *length = dt_be32(at + 1);
            return at + 3;
        }
    }
}

/* The first node behind `from` that has the string in the list `property`. */
static dt_node dt_find(dt_node from, const char *property, const char *string)
{
    for (const uint32_t *at = from ? from : dt_structure(); dt_be32(at) != DT_FINISH;
         at = dt_next(at)) {
        uint32_t length = 0;
        if (dt_be32(at) != DT_BEGIN) {
            continue;
        }
        const char *list = dt_property(dt_next(at), property, &length);
        for (uint32_t i = 0; list && i < length; i += (uint32_t)strlen(list + i) + 1) {
            if (dt_same(list + i, string)) {
                return dt_next(at);
            }
        }
    }
    return NULL;
}

dt_node dt_compatible(dt_node from, const char *compatible)
{
    return dt_find(from, "compatible", compatible);
}

dt_node dt_of_type(dt_node from, const char *type)
{
    return dt_find(from, "device_type", type);
}

dt_node dt_child(const char *name)
{
    unsigned int depth = 0;
    for (const uint32_t *at = dt_structure(); dt_be32(at) != DT_FINISH; at = dt_next(at)) {
        if (dt_be32(at) == DT_BEGIN) {
            if (depth == 1 && dt_same((const char *)(at + 1), name)) {
                return dt_next(at);
            }
            depth++;
        } else if (dt_be32(at) == DT_END) {
            depth--;
        }
    }
    return NULL;
}

bool dt_reg(dt_node node, unsigned int index, uint64_t *address, uint64_t *size)
{
    uint32_t length = 0;
    const uint32_t *cells = dt_property(node, "reg", &length);
    if (!cells || length < (index + 1) * 16) {
        return false;
    }
    cells += 4 * index;
    *address = (uint64_t)dt_be32(cells) << 32 | dt_be32(cells + 1);
    *size = (uint64_t)dt_be32(cells + 2) << 32 | dt_be32(cells + 3);
    return true;
}

uint32_t dt_cell(dt_node node, const char *name, unsigned int index, uint32_t otherwise)
{
    uint32_t length = 0;
    const uint32_t *cells = dt_property(node, name, &length);
    return cells && length >= (index + 1) * 4 ? dt_be32(cells + index) : otherwise;
}
