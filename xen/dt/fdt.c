/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the flattened form of a device tree in place. fdt_open checks the header, fdt_token each
 * token that it meets: once tree.c has met them all, every token is whole, every name is
 * terminated, and no walk can leave the structure block. Lengths and contents of values are still
 * anybody's. All of this may run with address translation off: no pointers that the linker put into
 * data.
 */
#include <xen/errno.h>
#include <xen/fdt.h>
#include <xen/string.h>

/* Offsets of the header's other fields [DTSpec 5.2]. */
#define HDR_MAGIC        0
#define HDR_OFF_STRUCT   8
#define HDR_OFF_STRINGS  12
#define HDR_OFF_RESERVES 16
#define HDR_VERSION      20
#define HDR_LAST_COMPAT  24
#define HDR_SIZE_STRINGS 32
#define HDR_SIZE_STRUCT  36
#define VERSION_READ     17
#define VERSION_NO_SIZE  16 /* has no size of the structure block */

/* Is [offset, offset + length) inside the blob behind its header? */
static bool fdt_block_fits(const struct fdt *f, uint32_t offset, uint32_t length)
{
    return offset >= FDT_HEADER_SIZE && offset <= f->size && length <= f->size - offset;
}

static int fdt_check_blocks(struct fdt *f)
{
    uint32_t strings_size = fdt_at(f, HDR_SIZE_STRINGS), structs_size;

    f->structs = fdt_at(f, HDR_OFF_STRUCT);
    f->strings = fdt_at(f, HDR_OFF_STRINGS);
    f->reserves = fdt_at(f, HDR_OFF_RESERVES);
    if (!fdt_block_fits(f, f->structs, 0) || (f->structs & 3) != 0 ||
        !fdt_block_fits(f, f->strings, strings_size) || !fdt_block_fits(f, f->reserves, 0) ||
        (f->reserves & 7) != 0) {
        return -EINVAL;
    }
    structs_size = fdt_at(f, HDR_VERSION) == VERSION_NO_SIZE ? f->size - f->structs
                                                             : fdt_at(f, HDR_SIZE_STRUCT);
    if (!fdt_block_fits(f, f->structs, structs_size)) {
        return -EINVAL;
    }
    f->structs_end = f->structs + (structs_size & ~UINT32_C(3));
    f->strings_end = f->strings + strings_size;
    /* The block ends with its last NUL: each offset into it is then a terminated string. */
    while (f->strings_end > f->strings && f->base[f->strings_end - 1] != '\0') {
        f->strings_end--;
    }
    return 0;
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

int fdt_open(struct fdt *f, const void *base, size_t size)
{
    int rc;

    *f = (struct fdt){.base = base};
    if (((uintptr_t)base & 7) != 0) {
        return -EFAULT;
    }
    if (size < FDT_HEADER_SIZE || fdt_at(f, HDR_MAGIC) != FDT_MAGIC) {
        return -ENOEXEC;
    }
    f->size = fdt_at(f, FDT_TOTAL_SIZE);
    if (f->size > size || f->size > FDT_MAX_SIZE) {
        return -E2BIG;
    }
    if (fdt_at(f, HDR_VERSION) < VERSION_NO_SIZE || fdt_at(f, HDR_LAST_COMPAT) > VERSION_READ) {
        return -EOPNOTSUPP;
    }
    if (f->size < FDT_HEADER_SIZE) {
        return -EINVAL;
    }
    rc = fdt_check_blocks(f);
    return rc != 0 ? rc : fdt_check_reserves(f);
}

const char *fdt_strerror(int error)
{
    switch (error) {
    case -EFAULT: return "its address is not a multiple of 8";
    case -ENOEXEC: return "there is no device tree (wrong magic number)";
    case -EOPNOTSUPP: return "its version is not supported (16 and 17 are)";
    case -E2BIG: return "it is larger than the memory it may use (16 MiB at most)";
    case -EMSGSIZE: return "its nodes are nested too deeply";
    case -ENOSPC: return "it has too many nodes";
    default: return "it is damaged";
    }
}

uint32_t fdt_token(const struct fdt *f, uint32_t *at, uint32_t *next)
{
    uint32_t token, rest, length;

    for (;; *at += 4) {
        if (f->structs_end - *at < 4) {
            return FDT_DAMAGED;
        }
        token = fdt_at(f, *at);
        if (token != FDT_NOP) {
            break;
        }
    }
    *next = *at + 4;
    rest = f->structs_end - *next;
    if (token == FDT_BEGIN_NODE) {
        length = (uint32_t)strnlen((const char *)f->base + *next, rest);
        if (length == rest) {
            return FDT_DAMAGED;
        }
        *next += fdt_pad(length + 1);
    } else if (token == FDT_PROP) {
        if (rest < 8) {
            return FDT_DAMAGED;
        }
        length = fdt_at(f, *next);
        if (length > rest - 8 || fdt_at(f, *next + 4) >= f->strings_end - f->strings) {
            return FDT_DAMAGED;
        }
        *next += 8 + fdt_pad(length);
    }
    return token;
}

bool fdt_reserve(const struct fdt *f, uint32_t index, uint64_t *start, uint64_t *size)
{
    uint32_t at = f->reserves + index * FDT_RESERVE_SIZE;

    if (index >= f->reserve_count) {
        return false;
    }
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
