/*
 * The flattened form of a device tree: checked once, when it is opened (header, blocks, tokens,
 * nesting, names, lengths), then walked without further doubt. Lengths and contents of values are
 * still anybody's; their meaning is tree.c's.
 */
#include <xen/errno.h>
#include <xen/fdt.h>
#include <xen/string.h>

/* Offsets of the header's fields [DTSpec 5.2]. */
#define HDR_TOTALSIZE    4
#define HDR_OFF_STRUCT   8
#define HDR_OFF_STRINGS  12
#define HDR_OFF_RESERVES 16
#define HDR_VERSION      20
#define HDR_LAST_COMPAT  24
#define HDR_BOOT_CPU     28
#define HDR_SIZE_STRINGS 32
#define HDR_SIZE_STRUCT  36
#define HDR_MAGIC        0
#define VERSION_READ     17
#define VERSION_NO_SIZE  16 /* has no size of the structure block */

/* Is [offset, offset + length) inside the blob behind its header? */
static bool fdt_block_fits(const struct fdt *f, uint32_t offset, uint32_t length)
{
    return offset >= FDT_HEADER_SIZE && offset <= f->size && length <= f->size - offset;
}

static int fdt_check_header(struct fdt *f, size_t size)
{
    if (((uintptr_t)f->base & 7) != 0) {
        return -EFAULT;
    }
    if (size < FDT_HEADER_SIZE || fdt_at(f, HDR_MAGIC) != FDT_MAGIC) {
        return -ENOEXEC;
    }
    f->size = fdt_at(f, HDR_TOTALSIZE);
    if (f->size > size || f->size > FDT_MAX_SIZE) {
        return -E2BIG;
    }

    uint32_t version = fdt_at(f, HDR_VERSION);

    if (version < VERSION_NO_SIZE || fdt_at(f, HDR_LAST_COMPAT) > VERSION_READ) {
        return -EOPNOTSUPP;
    }
    if (f->size < FDT_HEADER_SIZE) {
        return -EINVAL;
    }

    f->structs = fdt_at(f, HDR_OFF_STRUCT);
    f->strings = fdt_at(f, HDR_OFF_STRINGS);
    f->reserves = fdt_at(f, HDR_OFF_RESERVES);
    f->boot_cpu = fdt_at(f, HDR_BOOT_CPU);

    uint32_t strings_size = fdt_at(f, HDR_SIZE_STRINGS);

    if (!fdt_block_fits(f, f->structs, 0) || (f->structs & 3) != 0 ||
        !fdt_block_fits(f, f->strings, strings_size) || !fdt_block_fits(f, f->reserves, 0) ||
        (f->reserves & 7) != 0) {
        return -EINVAL;
    }

    uint32_t structs_size =
        version == VERSION_NO_SIZE ? f->size - f->structs : fdt_at(f, HDR_SIZE_STRUCT);

    if (!fdt_block_fits(f, f->structs, structs_size)) {
        return -EINVAL;
    }
    f->structs_end = f->structs + (structs_size & ~UINT32_C(3));
    f->strings_end = f->strings + strings_size;
    return 0;
}

/*
 * Shortens the strings block to end with its last NUL: then each offset into it is a terminated
 * string.
 */
static void fdt_trim_strings(struct fdt *f)
{
    while (f->strings_end > f->strings && f->base[f->strings_end - 1] != '\0') {
        f->strings_end--;
    }
}

static int fdt_check_reserves(struct fdt *f)
{
    uint32_t at = f->reserves;

    for (f->reserve_count = 0;; f->reserve_count++, at += FDT_RESERVE_SIZE) {
        if (f->size - at < FDT_RESERVE_SIZE) {
            return -EINVAL;
        }
        if ((fdt_at(f, at) | fdt_at(f, at + 4) | fdt_at(f, at + 8) | fdt_at(f, at + 12)) == 0) {
            return 0;
        }
    }
}

/* Advances *at over a property behind its token. */
static int fdt_check_prop(const struct fdt *f, uint32_t *at)
{
    uint32_t rest = f->structs_end - *at;

    if (rest < 8) {
        return -EINVAL;
    }

    uint32_t length = fdt_at(f, *at), name = fdt_at(f, *at + 4);

    if (length > rest - 8 || name >= f->strings_end - f->strings) {
        return -EINVAL;
    }
    *at += 8 + fdt_pad(length);
    return 0;
}

/* Advances *at over a node's name behind its token. */
static int fdt_check_name(const struct fdt *f, uint32_t *at)
{
    uint32_t rest = f->structs_end - *at;
    uint32_t length = (uint32_t)strnlen((const char *)f->base + *at, rest);

    if (length == rest) {
        return -EINVAL;
    }
    *at += fdt_pad(length + 1);
    return 0;
}

/* The structure block is one node with properly nested children, properties first, then FDT_END. */
static int fdt_check_structs(const struct fdt *f)
{
    uint32_t at = f->structs, depth = 0;
    bool root_seen = false, props_allowed = false;
    int rc = 0;

    while (rc == 0) {
        if (f->structs_end - at < 4) {
            return -EINVAL;
        }

        uint32_t token = fdt_at(f, at);

        at += 4;
        if (token == FDT_BEGIN_NODE && (depth != 0 || !root_seen)) {
            if (++depth > FDT_MAX_DEPTH) {
                return -EMSGSIZE;
            }
            root_seen = true;
            props_allowed = true;
            rc = fdt_check_name(f, &at);
        } else if (token == FDT_END_NODE && depth != 0) {
            depth--;
            props_allowed = false;
        } else if (token == FDT_PROP && props_allowed) {
            rc = fdt_check_prop(f, &at);
        } else if (token == FDT_END && depth == 0 && root_seen) {
            return 0;
        } else if (token != FDT_NOP) {
            return -EINVAL;
        }
    }
    return rc;
}

int fdt_open(struct fdt *f, const void *base, size_t size)
{
    *f = (struct fdt){.base = base};

    int rc = fdt_check_header(f, size);

    if (rc == 0) {
        fdt_trim_strings(f);
        rc = fdt_check_reserves(f);
    }
    if (rc == 0) {
        rc = fdt_check_structs(f);
    }
    return rc;
}

const char *fdt_strerror(int error)
{
    switch (error) {
    case 0: return "no error";
    case -EFAULT: return "its address is not a multiple of 8";
    case -ENOEXEC: return "there is no device tree (wrong magic number)";
    case -EOPNOTSUPP: return "its version is not supported (16 and 17 are)";
    case -E2BIG: return "it is larger than the memory it may use (16 MiB at most)";
    case -EMSGSIZE: return "its nodes are nested too deeply";
    case -ENOSPC: return "it has too many nodes";
    default: return "it is damaged";
    }
}

/* Offset behind the name of a node. */
static uint32_t fdt_body(const struct fdt *f, fdt_node_t node)
{
    uint32_t name = (uint32_t)node + 4;

    return name + fdt_pad((uint32_t)strlen((const char *)f->base + name) + 1);
}

/* Offset of the next token that is no FDT_NOP and no property. */
static uint32_t fdt_skip_props(const struct fdt *f, uint32_t at)
{
    for (;;) {
        switch (fdt_at(f, at)) {
        case FDT_NOP: at += 4; break;
        case FDT_PROP: at += 12 + fdt_pad(fdt_at(f, at + 4)); break;
        default: return at;
        }
    }
}

fdt_node_t fdt_root(const struct fdt *f)
{
    return (fdt_node_t)fdt_skip_props(f, f->structs);
}

const char *fdt_name(const struct fdt *f, fdt_node_t node)
{
    return node == fdt_root(f) ? "" : (const char *)f->base + node + 4;
}

fdt_node_t fdt_next_node(const struct fdt *f, fdt_node_t node, int *depth)
{
    uint32_t at = fdt_body(f, node);

    for (;;) {
        at = fdt_skip_props(f, at);
        switch (fdt_at(f, at)) {
        case FDT_BEGIN_NODE: (*depth)++; return (fdt_node_t)at;
        case FDT_END_NODE: (*depth)--; break;
        default: return -ENOENT;
        }
        at += 4;
    }
}

/* The property at or behind `at`, if the node has one more. */
static bool fdt_prop_at(const struct fdt *f, uint32_t at, struct fdt_prop *p)
{
    while (fdt_at(f, at) == FDT_NOP) {
        at += 4;
    }
    if (fdt_at(f, at) != FDT_PROP) {
        return false;
    }
    p->len = fdt_at(f, at + 4);
    p->name = (const char *)f->base + f->strings + fdt_at(f, at + 8);
    p->data = f->base + at + 12;
    p->next = at + 12 + fdt_pad(p->len);
    return true;
}

bool fdt_first_prop(const struct fdt *f, fdt_node_t node, struct fdt_prop *p)
{
    return fdt_prop_at(f, fdt_body(f, node), p);
}

bool fdt_next_prop(const struct fdt *f, struct fdt_prop *p)
{
    return fdt_prop_at(f, p->next, p);
}

bool fdt_reserve(const struct fdt *f, uint32_t index, uint64_t *start, uint64_t *size)
{
    if (index >= f->reserve_count) {
        return false;
    }

    uint32_t at = f->reserves + index * FDT_RESERVE_SIZE;

    *start = (uint64_t)fdt_at(f, at) << 32 | fdt_at(f, at + 4);
    *size = (uint64_t)fdt_at(f, at + 8) << 32 | fdt_at(f, at + 12);
    return true;
}

uint64_t fdt_cells(const struct fdt_prop *p, uint32_t index, uint32_t count)
{
    uint64_t value = 0;

    for (; count != 0; count--) {
        value = value << 32 | fdt_cell(p, index++);
    }
    return value;
}

/* `s` if it ends before `rest` bytes do. */
static const char *fdt_terminated(const char *s, size_t rest)
{
    return strnlen(s, rest) < rest ? s : NULL;
}

const char *fdt_string(const struct fdt_prop *p)
{
    return fdt_terminated((const char *)p->data, p->len);
}

const char *fdt_next_string(const struct fdt_prop *p, const char *s)
{
    s += strlen(s) + 1;
    return fdt_terminated(s, (size_t)((const char *)p->data + p->len - s));
}

bool fdt_has_string(const struct fdt_prop *p, const char *string)
{
    const char *s;

    fdt_for_each_string(p, s) {
        if (strcmp(s, string) == 0) {
            return true;
        }
    }
    return false;
}
