/*
 * Checking a flattened device tree once, when it is opened: header, blocks, tokens, nesting, names,
 * lengths. What passes here can be walked by fdt.c without further doubt.
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
