/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The index of a device tree, made in one pass that also checks the blob: parents, subtrees,
 * phandles, cells; finding nodes by path, phandle or compatible, and their properties. Addresses
 * are address.c's, interrupts interrupt.c's, what the machine is made of machine.c's. dt_open,
 * paths and properties may run with address translation off: no pointers that the linker put into
 * data.
 */
#include <xen/dt.h>
#include <xen/errno.h>
#include <xen/format.h>
#include <xen/lib.h>
#include <xen/string.h>

struct dt dt_host;
const struct dt_node *dt_reading;

/* Does a status property say so? */
static bool dt_is_okay(const struct fdt_prop *status)
{
    const char *word = fdt_string(status);

    return word != NULL && (strcmp(word, "okay") == 0 || strcmp(word, "ok") == 0);
}

static const struct dt_node *dt_note(const struct dt *t, const struct dt_node *n)
{
    if (t == &dt_host && n != NULL) {
        dt_reading = n;
    }
    return n;
}

/* What the index keeps of a property. The first one of its name counts, as for dt_prop. */
static void dt_keep_prop(const struct dt *t, struct dt_node *n, const struct fdt_prop *p)
{
    uint32_t value = p->len == 4 ? fdt_cell(p, 0) : 0;
    char first = p->name[0];

    if (first != '#' && first != 'p' && first != 's' && first != 'l') {
        return; /* most */
    }
    if (strcmp(p->name, "status") == 0) {
        n->off = n->off || (n != dt_root(t) && !dt_is_okay(p)); /* no machine has no root */
    } else if (strcmp(p->name, "#interrupt-cells") == 0 && n->irq_cells == DT_NO_CELLS) {
        n->irq_cells = (uint8_t)(value <= DT_IRQ_CELLS ? value : 0);
    } else if (p->len != 4) {
        return;
    } else if (strcmp(p->name, "#address-cells") == 0 && n->address_cells == DT_NO_CELLS) {
        n->address_cells = (uint8_t)min_u32(value, DT_MAX_CELLS);
    } else if (strcmp(p->name, "#size-cells") == 0 && n->size_cells == DT_NO_CELLS) {
        n->size_cells = (uint8_t)min_u32(value, DT_MAX_CELLS);
    } else if (strcmp(p->name, "phandle") == 0 ||
               (n->phandle == 0 && strcmp(p->name, "linux,phandle") == 0)) {
        n->phandle = value;
    }
}

/* A node whose properties are at `props`; parent NULL: the root. */
static struct dt_node *dt_enter(struct dt *t, const struct dt_node *parent, uint32_t props)
{
    struct dt_node *n = &t->nodes[t->count];

    *n = (struct dt_node){
        .name = t->at + 4,
        .props = props,
        .parent = (uint16_t)(parent == NULL ? 0 : dt_index(t, parent)),
        .off = parent != NULL && parent->off,
        .address_cells = DT_NO_CELLS,
        .size_cells = DT_NO_CELLS,
        .irq_cells = DT_NO_CELLS,
    };
    t->count++;
    return n;
}

/* The structure block: one node with nested children, properties first, then FDT_END. */
static int dt_read_nodes(struct dt *t)
{
    struct dt_node *n = NULL; /* the innermost one that is open */
    uint32_t depth = 0, next;
    bool props = false; /* may come */

    for (t->at = t->fdt.structs;; t->at = next) {
        uint32_t token = fdt_token(&t->fdt, &t->at, &next);

        if (token == FDT_BEGIN_NODE && (depth != 0 || t->count == 0)) {
            if (depth == FDT_MAX_DEPTH) {
                return -EMSGSIZE;
            }
            if (t->count == DT_MAX_NODES) {
                return -ENOSPC;
            }
            n = dt_enter(t, n, next);
            depth++;
            props = true;
        } else if (token == FDT_PROP && props) {
            struct fdt_prop p = {.next = t->at};

            (void)dt_next_prop(t, &p);
            dt_keep_prop(t, n, &p);
        } else if (token == FDT_END_NODE && depth != 0) {
            n->end = (uint16_t)t->count;
            n = &t->nodes[n->parent];
            depth--;
            props = false;
        } else {
            return token == FDT_END && depth == 0 && t->count != 0 ? 0 : -EINVAL;
        }
    }
}

int dt_open(struct dt *t, const void *base, size_t size)
{
    int rc = fdt_open(&t->fdt, base, size);

    t->count = 0;
    t->at = 0;
    if (rc != 0) {
        return rc;
    }
    rc = dt_read_nodes(t);
    if (rc != 0 && t->count != 0) {
        (void)dt_note(t, &t->nodes[t->count - 1]);
    }
    return rc;
}

const struct dt_node *dt_next(const struct dt *t, const struct dt_node *n)
{
    uint32_t i = n == NULL ? 0 : dt_index(t, n) + 1;

    while (i < t->count && t->nodes[i].off) {
        i = t->nodes[i].end; /* what lies below is off, too */
    }
    return i < t->count ? dt_note(t, &t->nodes[i]) : NULL;
}

const struct dt_node *dt_skip_off(const struct dt *t, const struct dt_node *n)
{
    while (n != NULL && n->off) {
        n = dt_next_sibling(t, n);
    }
    return dt_note(t, n);
}

const struct dt_node *dt_parent(const struct dt *t, const struct dt_node *n)
{
    return n == dt_root(t) ? NULL : &t->nodes[n->parent];
}

const struct dt_node *dt_first_child(const struct dt *t, const struct dt_node *n)
{
    return dt_index(t, n) + 1 < n->end ? n + 1 : NULL;
}

const struct dt_node *dt_next_sibling(const struct dt *t, const struct dt_node *n)
{
    const struct dt_node *parent = dt_parent(t, n);

    return parent != NULL && n->end < parent->end ? &t->nodes[n->end] : NULL;
}

bool dt_within(const struct dt *t, const struct dt_node *of, const struct dt_node *n)
{
    return n >= of && dt_index(t, n) < of->end;
}

bool dt_name_matches(const struct dt *t, const struct dt_node *n, const char *name, size_t len)
{
    const char *own = dt_name(t, n);

    if (strncmp(own, name, len) != 0) {
        return false;
    }
    return own[len] == '\0' || (own[len] == '@' && memchr(name, '@', len) == NULL);
}

static const struct dt_node *dt_child_named(const struct dt *t, const struct dt_node *n,
                                            const char *name, size_t len)
{
    const struct dt_node *child = dt_first_child(t, n);

    while (child != NULL && !dt_name_matches(t, child, name, len)) {
        child = dt_next_sibling(t, child);
    }
    return child;
}

const struct dt_node *dt_child(const struct dt *t, const struct dt_node *n, const char *name)
{
    return dt_note(t, dt_child_named(t, n, name, strlen(name)));
}

static size_t dt_component(const char *path)
{
    size_t len = 0;

    while (path[len] != '\0' && path[len] != '/' && path[len] != ':') {
        len++;
    }
    return len;
}

/* Goes down from `n` (which may be NULL) along the rest of a path. */
static const struct dt_node *dt_descend(const struct dt *t, const struct dt_node *n,
                                        const char *path)
{
    while (n != NULL) {
        size_t len;

        while (*path == '/') {
            path++;
        }
        len = dt_component(path);
        if (len == 0) {
            break;
        }
        n = dt_child_named(t, n, path, len);
        path += len;
    }
    return n;
}

/* The node that an alias, the first `len` bytes of `name`, stands for. */
static const struct dt_node *dt_alias(const struct dt *t, const char *name, size_t len)
{
    const struct dt_node *aliases = dt_child_named(t, dt_root(t), "aliases", 7);
    struct fdt_prop p;

    if (aliases == NULL) {
        return NULL;
    }
    dt_for_each_prop(t, aliases, &p) {
        if (strncmp(p.name, name, len) == 0 && p.name[len] == '\0') {
            const char *path = fdt_string(&p);

            return path != NULL && *path == '/' ? dt_descend(t, dt_root(t), path) : NULL;
        }
    }
    return NULL;
}

const struct dt_node *dt_path(const struct dt *t, const char *path)
{
    const struct dt_node *from = dt_root(t);

    if (*path != '/') {
        size_t len = dt_component(path);

        from = len != 0 ? dt_alias(t, path, len) : NULL;
        path += len;
    }
    return dt_note(t, dt_descend(t, from, path));
}

const struct dt_node *dt_by_phandle(const struct dt *t, uint32_t phandle)
{
    const struct dt_node *n;

    if (phandle != 0) {
        /* Any status: whoever refers to a node has its own. */
        dt_for_each_node_any(t, n) {
            if (n->phandle == phandle) {
                return n;
            }
        }
    }
    return NULL;
}

const struct dt_node *dt_find_compatible(const struct dt *t, const struct dt_node *after,
                                         const char *string)
{
    const struct dt_node *n = dt_next(t, after);

    while (n != NULL && !dt_compatible(t, n, string)) {
        n = dt_next(t, n);
    }
    return n;
}

const char *dt_full_path(const struct dt *t, const struct dt_node *n, char *buffer, size_t size)
{
    const struct dt_node *way[FDT_MAX_DEPTH];
    size_t used = 0, depth = 0;

    for (; n != dt_root(t); n = dt_parent(t, n)) {
        way[depth++] = n;
    }
    strlcpy(buffer, "/", size);
    while (depth > 0 && used < size) {
        used += snprintf(buffer + used, size - used, "/%s", dt_name(t, way[--depth]));
    }
    return buffer;
}

/* dt_next_prop, for dt_prop, which a boot asks a thousand times. */
static __always_inline bool dt_prop_behind(const struct dt *t, struct fdt_prop *p)
{
    const struct fdt *f = &t->fdt;
    uint32_t at = p->next, token;

    do {
        token = fdt_at(f, at);
        at += 4;
    } while (token == FDT_NOP);
    if (token != FDT_PROP) {
        return false;
    }
    p->len = fdt_at(f, at);
    p->name = (const char *)f->base + f->strings + fdt_at(f, at + 4);
    p->data = f->base + at + 8;
    p->next = at + 8 + fdt_pad(p->len);
    return true;
}

bool dt_next_prop(const struct dt *t, struct fdt_prop *p)
{
    return dt_prop_behind(t, p);
}

bool dt_prop(const struct dt *t, const struct dt_node *n, const char *name, struct fdt_prop *p)
{
    for (p->next = n->props; dt_prop_behind(t, p);) {
        if (p->name[0] == name[0] && strcmp(p->name, name) == 0) {
            return true;
        }
    }
    return false;
}

bool dt_has(const struct dt *t, const struct dt_node *n, const char *name)
{
    struct fdt_prop p;

    return dt_prop(t, n, name, &p);
}

bool dt_u32(const struct dt *t, const struct dt_node *n, const char *name, uint32_t *value)
{
    struct fdt_prop p;

    if (!dt_prop(t, n, name, &p) || p.len != 4) {
        return false;
    }
    *value = fdt_cell(&p, 0);
    return true;
}

bool dt_u64(const struct dt *t, const struct dt_node *n, const char *name, uint64_t *value)
{
    struct fdt_prop p;

    if (!dt_prop(t, n, name, &p) || (p.len != 4 && p.len != 8)) {
        return false;
    }
    *value = fdt_cells(&p, 0, p.len / 4);
    return true;
}

const char *dt_string(const struct dt *t, const struct dt_node *n, const char *name)
{
    struct fdt_prop p;

    return dt_prop(t, n, name, &p) ? fdt_string(&p) : NULL;
}

bool dt_compatible(const struct dt *t, const struct dt_node *n, const char *string)
{
    struct fdt_prop p;

    return dt_prop(t, n, "compatible", &p) && fdt_has_string(&p, string);
}

bool dt_compatible_any(const struct dt *t, const struct dt_node *n, const char *const *list)
{
    struct fdt_prop p;
    const char *s;

    if (!dt_prop(t, n, "compatible", &p)) {
        return false;
    }
    fdt_for_each_string(&p, s) {
        for (const char *const *wanted = list; *wanted != NULL; wanted++) {
            if (strcmp(s, *wanted) == 0) {
                return true;
            }
        }
    }
    return false;
}
