/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hypfs_op: what was built, and those options of the command line that may be set while it runs, as
 * a tree of values: `xl set-parameters`, `xenhypfs`. The tree is a table; nothing in it is kept but
 * the options themselves.
 */
#include <public/hypfs.h>
#include <xen/build_info.h>
#include <xen/errno.h>
#include <xen/format.h>
#include <xen/guest_copy.h>
#include <xen/hypercall.h>
#include <xen/lib.h>
#include <xen/op.h>
#include <xen/opt.h>
#include <xen/string.h>

#define PATH_MAX    64u  /* no path of the tree is longer */
#define CONTENT_MAX 128u /* of a value, with its NUL */
#define WRITE_MAX   16u  /* said of options, as by Xen: longer forms of a value are taken, too */

enum hypfs_kind {
    HYPFS_DIR,
    HYPFS_TEXT,
    HYPFS_NUMBER, /* uint32_t */
    /* Options, which can be written. */
    HYPFS_COUNT, /* uint32_t, as text */
    HYPFS_LEVEL,
    HYPFS_TIMESTAMPS
};

struct hypfs_entry {
    const char *name;
    const void *value;
    uint8_t kind;
    uint8_t dir; /* where it is in `entries` */
};

static const uint32_t hypfs_major = XEN_MAJOR, hypfs_minor = XEN_MINOR;

#define ROOT        0
#define BUILDINFO   1
#define COMPILEINFO 3
#define VERSION     8
#define PARAMS      12

/* Entries of one directory stand in the order of their names; the root is in itself. */
static const struct hypfs_entry entries[] = {
    [ROOT] = {"", NULL, HYPFS_DIR, ROOT},
    [BUILDINFO] = {"buildinfo", NULL, HYPFS_DIR, ROOT},
    {"changeset", XEN_BUILD_CHANGESET, HYPFS_TEXT, BUILDINFO},
    [COMPILEINFO] = {"compileinfo", NULL, HYPFS_DIR, BUILDINFO},
    {"compile_by", XEN_BUILD_BY, HYPFS_TEXT, COMPILEINFO},
    {"compile_date", XEN_BUILD_DATE, HYPFS_TEXT, COMPILEINFO},
    {"compile_domain", XEN_BUILD_DOMAIN, HYPFS_TEXT, COMPILEINFO},
    {"compiler", XEN_BUILD_COMPILER, HYPFS_TEXT, COMPILEINFO},
    [VERSION] = {"version", NULL, HYPFS_DIR, BUILDINFO},
    {"extra", XEN_EXTRAVERSION, HYPFS_TEXT, VERSION},
    {"major", &hypfs_major, HYPFS_NUMBER, VERSION},
    {"minor", &hypfs_minor, HYPFS_NUMBER, VERSION},
    [PARAMS] = {"params", NULL, HYPFS_DIR, ROOT},
    {"console_timestamps", NULL, HYPFS_TIMESTAMPS, PARAMS},
    {"gnttab_max_frames", &opt.gnttab_max_frames, HYPFS_COUNT, PARAMS},
    {"gnttab_max_maptrack_frames", &opt.gnttab_max_maptrack_frames, HYPFS_COUNT, PARAMS},
    {"guest_loglvl", &opt.guest_loglvl, HYPFS_LEVEL, PARAMS},
    {"loglvl", &opt.loglvl, HYPFS_LEVEL, PARAMS},
};

static bool hypfs_writable(const struct hypfs_entry *e)
{
    return e->kind >= HYPFS_COUNT;
}

/* The first entry of a directory, at e or behind it; NULL: there is none. */
static const struct hypfs_entry *hypfs_next(const struct hypfs_entry *dir,
                                            const struct hypfs_entry *e)
{
    for (; e < entries + ARRAY_SIZE(entries); e++) {
        if (entries + e->dir == dir && e != entries) {
            return e;
        }
    }
    return NULL;
}

/* The value of an entry that is no directory; its size in bytes. */
static uint32_t hypfs_value(const struct hypfs_entry *e, char *to)
{
    static const char *const levels[] = {"none", "error", "warning", "info", "all"};
    static const char *const timestamps[] = {"none", "date", "datems", "boot", "raw"};
    const struct log_threshold *level = e->value;
    const uint32_t *number = e->value;

    if (e->kind == HYPFS_NUMBER) {
        memcpy(to, number, sizeof(*number));
        return sizeof(*number);
    }
    if (e->kind == HYPFS_COUNT) {
        (void)snprintf(to, CONTENT_MAX, "%u", *number);
    } else if (e->kind == HYPFS_LEVEL) {
        (void)snprintf(to, CONTENT_MAX, "%s/%s", levels[level->print], levels[level->limit]);
    } else {
        const char *text = e->kind == HYPFS_TEXT ? e->value : timestamps[opt.console_timestamps];

        (void)strlcpy(to, text, CONTENT_MAX);
    }
    return (uint32_t)strlen(to) + 1u;
}

/* Bytes of a directory's content for one entry. */
static uint32_t hypfs_room(const struct hypfs_entry *e)
{
    size_t aligned = _Alignof(struct xen_hypfs_direntry);

    return (uint32_t)(offsetof(struct xen_hypfs_dirlistentry, name) +
                      ((strlen(e->name) + aligned) & ~(aligned - 1)));
}

static struct xen_hypfs_direntry hypfs_describe(const struct hypfs_entry *e)
{
    struct xen_hypfs_direntry head = {.type = XEN_HYPFS_TYPE_STRING,
                                      .max_write_len = hypfs_writable(e) ? WRITE_MAX : 0};
    char value[CONTENT_MAX];

    if (e->kind != HYPFS_DIR) {
        head.content_len = hypfs_value(e, value);
        head.type = e->kind == HYPFS_NUMBER ? XEN_HYPFS_TYPE_UINT : XEN_HYPFS_TYPE_STRING;
        return head;
    }
    head.type = XEN_HYPFS_TYPE_DIR;
    for (const struct hypfs_entry *in = hypfs_next(e, entries); in != NULL;
         in = hypfs_next(e, in + 1)) {
        head.content_len += hypfs_room(in);
    }
    return head;
}

static long hypfs_list(const struct hypfs_entry *dir, uint64_t to)
{
    const struct hypfs_entry *e = hypfs_next(dir, entries);

    while (e != NULL) {
        const struct hypfs_entry *next = hypfs_next(dir, e + 1);
        uint32_t room = hypfs_room(e);
        struct xen_hypfs_dirlistentry head = {.e = hypfs_describe(e),
                                              .off_next = next != NULL ? (uint16_t)room : 0};

        if (guest_copy_to(to, &head, offsetof(struct xen_hypfs_dirlistentry, name)) != 0 ||
            guest_copy_to(to + offsetof(struct xen_hypfs_dirlistentry, name), e->name,
                          strlen(e->name) + 1) != 0) {
            return -EFAULT;
        }
        to += room;
        e = next;
    }
    return 0;
}

/* The entry of a path that begins with '/'; NULL: there is none. The path is taken apart. */
static const struct hypfs_entry *hypfs_walk(char *path)
{
    const struct hypfs_entry *at = entries;

    while (*++path != '\0') {
        char *end = strchr(path, '/');
        const struct hypfs_entry *e = hypfs_next(at, entries);

        if (end != NULL) {
            *end = '\0';
        }
        while (e != NULL && strcmp(e->name, path) != 0) {
            e = hypfs_next(at, e + 1);
        }
        if (e == NULL || end == NULL) {
            return e;
        }
        if (e->kind != HYPFS_DIR) {
            return NULL;
        }
        at = e;
        path = end;
    }
    return at;
}

/* The entry whose path is at reg[1], of reg[2] bytes. 0 or a negative error. */
static long hypfs_find(const uint64_t *reg, const struct hypfs_entry **found)
{
    char path[PATH_MAX];
    size_t size = (size_t)reg[2];

    if (reg[2] > XEN_HYPFS_MAX_PATHLEN) {
        return -EINVAL;
    }
    if (size > sizeof(path)) {
        return -ENOENT;
    }
    if (guest_copy_from(path, reg[1], size) != 0) {
        return -EFAULT;
    }
    if (size == 0 || memchr(path, 0, size) != path + size - 1 || path[0] != '/') {
        return -EINVAL;
    }
    *found = hypfs_walk(path);
    return *found != NULL ? 0 : -ENOENT;
}

static long hypfs_get_version(struct op_call *call)
{
    const uint64_t *reg = call->reg;

    return (reg[1] | reg[2] | reg[3] | reg[4]) != 0 ? -EINVAL : XEN_HYPFS_VERSION;
}

static long hypfs_read(struct op_call *call)
{
    uint64_t to = call->reg[3], room = call->reg[4];
    const struct hypfs_entry *e = NULL;
    struct xen_hypfs_direntry head;
    char value[CONTENT_MAX];
    long rc = hypfs_find(call->reg, &e);

    if (rc != 0) {
        return rc;
    }
    if (room < sizeof(head)) {
        return -EINVAL;
    }
    head = hypfs_describe(e);
    if (guest_copy_to(to, &head, sizeof(head)) != 0) {
        return -EFAULT;
    }
    if (room - sizeof(head) < head.content_len) {
        return -ENOBUFS;
    }
    to += sizeof(head);
    if (e->kind == HYPFS_DIR) {
        return hypfs_list(e, to);
    }
    /* It may be longer by now than what there is room for. */
    return guest_copy_to(to, value, min_u32(hypfs_value(e, value), head.content_len));
}

static long hypfs_write(struct op_call *call)
{
    uint64_t from = call->reg[3], size = call->reg[4];
    const struct hypfs_entry *e = NULL;
    char value[CONTENT_MAX];
    long rc = hypfs_find(call->reg, &e);

    if (rc != 0) {
        return rc;
    }
    if (!hypfs_writable(e)) {
        return -EACCES;
    }
    if (size > sizeof(value)) {
        return -ENOSPC;
    }
    if (guest_copy_from(value, from, (size_t)size) != 0) {
        return -EFAULT;
    }
    if (size == 0 || memchr(value, 0, (size_t)size) != value + size - 1) {
        return -EDOM;
    }
    return opt_set(e->name, value) ? 0 : -EINVAL;
}

/* Xen looks for the path first. */
static long hypfs_other(struct op_call *call)
{
    const struct hypfs_entry *e = NULL;
    long rc = hypfs_find(call->reg, &e);

    return rc != 0 ? rc : -EOPNOTSUPP;
}

static const struct op hypfs_rows[] = {
    [XEN_HYPFS_OP_get_version] = OP_BARE(hypfs_get_version, ACCESS_CONTROL),
    [XEN_HYPFS_OP_read] = OP_BARE(hypfs_read, ACCESS_CONTROL),
    [XEN_HYPFS_OP_write_contents] = OP_BARE(hypfs_write, ACCESS_CONTROL),
};

static const struct op hypfs_others = OP_BARE(hypfs_other, ACCESS_CONTROL);

const struct op_table hypfs_ops = {OP_TABLE(op_run, hypfs_rows), .others = &hypfs_others};
