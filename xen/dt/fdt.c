/*
 * Walking a flattened device tree that fdt_check.c found sound: every token met is whole, every
 * node ends, every name is terminated. Lengths and contents of values are still anybody's; their
 * meaning is tree.c's.
 */
#include <xen/errno.h>
#include <xen/fdt.h>
#include <xen/string.h>

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

fdt_node_t fdt_first_child(const struct fdt *f, fdt_node_t node)
{
    uint32_t at = fdt_skip_props(f, fdt_body(f, node));

    return fdt_at(f, at) == FDT_BEGIN_NODE ? (fdt_node_t)at : -ENOENT;
}

fdt_node_t fdt_next_sibling(const struct fdt *f, fdt_node_t node)
{
    int depth = 0;

    do {
        node = fdt_next_node(f, node, &depth);
    } while (node >= 0 && depth > 0);
    return node >= 0 && depth == 0 ? node : -ENOENT;
}

fdt_node_t fdt_parent(const struct fdt *f, fdt_node_t node)
{
    fdt_node_t ancestors[FDT_MAX_DEPTH];
    fdt_node_t n = fdt_root(f);
    int depth = 0;

    for (; n >= 0 && n != node; n = fdt_next_node(f, n, &depth)) {
        ancestors[depth] = n;
    }
    return n >= 0 && depth > 0 ? ancestors[depth - 1] : -ENOENT;
}

bool fdt_name_matches(const char *node_name, const char *name, size_t len)
{
    if (strncmp(node_name, name, len) != 0) {
        return false;
    }
    return node_name[len] == '\0' || (node_name[len] == '@' && memchr(name, '@', len) == NULL);
}

fdt_node_t fdt_child(const struct fdt *f, fdt_node_t node, const char *name, size_t len)
{
    fdt_node_t child = fdt_first_child(f, node);

    while (child >= 0 && !fdt_name_matches(fdt_name(f, child), name, len)) {
        child = fdt_next_sibling(f, child);
    }
    return child;
}

static size_t fdt_component(const char *path)
{
    size_t len = 0;

    while (path[len] != '\0' && path[len] != '/' && path[len] != ':') {
        len++;
    }
    return len;
}

/* Goes down from `node` along the rest of a path. */
static fdt_node_t fdt_descend(const struct fdt *f, fdt_node_t node, const char *path)
{
    while (node >= 0) {
        while (*path == '/') {
            path++;
        }

        size_t len = fdt_component(path);

        if (len == 0) {
            break;
        }
        node = fdt_child(f, node, path, len);
        path += len;
    }
    return node;
}

/* The node an alias (the first `len` bytes of `name`) stands for. */
static fdt_node_t fdt_alias(const struct fdt *f, const char *name, size_t len)
{
    fdt_node_t aliases = fdt_child(f, fdt_root(f), "aliases", 7);
    struct fdt_prop p;

    if (aliases < 0) {
        return aliases;
    }
    for (bool more = fdt_first_prop(f, aliases, &p); more; more = fdt_next_prop(f, &p)) {
        if (strncmp(p.name, name, len) == 0 && p.name[len] == '\0') {
            const char *path = fdt_string(&p, 0);

            return path != NULL && *path == '/' ? fdt_descend(f, fdt_root(f), path) : -ENOENT;
        }
    }
    return -ENOENT;
}

fdt_node_t fdt_path(const struct fdt *f, const char *path)
{
    if (*path == '/') {
        return fdt_descend(f, fdt_root(f), path);
    }

    size_t len = fdt_component(path);

    return len == 0 ? -ENOENT : fdt_descend(f, fdt_alias(f, path, len), path + len);
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

bool fdt_get_prop(const struct fdt *f, fdt_node_t node, const char *name, struct fdt_prop *p)
{
    for (bool more = fdt_first_prop(f, node, p); more; more = fdt_next_prop(f, p)) {
        if (p->name[0] == name[0] && strcmp(p->name, name) == 0) {
            return true;
        }
    }
    return false;
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

bool fdt_get_u32(const struct fdt *f, fdt_node_t node, const char *name, uint32_t *value)
{
    struct fdt_prop p;

    if (!fdt_get_prop(f, node, name, &p) || p.len != 4) {
        return false;
    }
    *value = fdt_cell(&p, 0);
    return true;
}

bool fdt_get_u64(const struct fdt *f, fdt_node_t node, const char *name, uint64_t *value)
{
    struct fdt_prop p;

    if (!fdt_get_prop(f, node, name, &p) || (p.len != 4 && p.len != 8)) {
        return false;
    }
    *value = fdt_cells(&p, 0, p.len / 4);
    return true;
}

const char *fdt_string(const struct fdt_prop *p, uint32_t index)
{
    const char *s = (const char *)p->data;
    size_t rest = p->len;

    for (;; index--) {
        size_t length = strnlen(s, rest);

        if (length == rest) {
            return NULL;
        }
        if (index == 0) {
            return s;
        }
        s += length + 1;
        rest -= length + 1;
    }
}

const char *fdt_next_string(const struct fdt_prop *p, const char *s)
{
    const char *end = (const char *)p->data + p->len;

    s += strlen(s) + 1u;
    return s < end && strnlen(s, (size_t)(end - s)) < (size_t)(end - s) ? s : NULL;
}

const char *fdt_get_string(const struct fdt *f, fdt_node_t node, const char *name)
{
    struct fdt_prop p;

    return fdt_get_prop(f, node, name, &p) ? fdt_string(&p, 0) : NULL;
}

bool fdt_has_string(const struct fdt_prop *p, const char *string)
{
    size_t rest = p->len;
    const char *s = (const char *)p->data;

    while (rest != 0) {
        size_t length = 0;

        while (length < rest && s[length] != '\0' && s[length] == string[length]) {
            length++;
        }
        if (length < rest && s[length] == '\0' && string[length] == '\0') {
            return true;
        }
        length += strnlen(s + length, rest - length);
        if (length == rest) {
            break;
        }
        s += length + 1;
        rest -= length + 1;
    }
    return false;
}

bool fdt_compatible(const struct fdt *f, fdt_node_t node, const char *string)
{
    struct fdt_prop p;

    return fdt_get_prop(f, node, "compatible", &p) && fdt_has_string(&p, string);
}

bool fdt_is_okay(const struct fdt_prop *status)
{
    const char *word = fdt_string(status, 0);

    return word != NULL && (strcmp(word, "okay") == 0 || strcmp(word, "ok") == 0);
}

bool fdt_available(const struct fdt *f, fdt_node_t node)
{
    struct fdt_prop status;

    return !fdt_get_prop(f, node, "status", &status) || fdt_is_okay(&status);
}
