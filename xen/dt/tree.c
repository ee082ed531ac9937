/*
 * The index of a device tree: parents, subtrees, phandles, and finding nodes by path, phandle or
 * compatible. Addresses are address.c's, interrupts interrupt.c's, what the machine is made of
 * machine.c's.
 */
#include <xen/dt.h>
#include <xen/errno.h>
#include <xen/format.h>
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

/* What the index keeps of a node's properties: its phandle and its status, in one pass. */
static void dt_read_props(const struct fdt *f, struct dt_node *n)
{
    struct fdt_prop p;

    for (bool more = fdt_first_prop(f, n->fdt, &p); more; more = fdt_next_prop(f, &p)) {
        if (strcmp(p.name, "status") == 0) {
            n->off = n->off || !dt_is_okay(&p);
        } else if (p.len == 4 && (strcmp(p.name, "phandle") == 0 ||
                                  (n->phandle == 0 && strcmp(p.name, "linux,phandle") == 0))) {
            n->phandle = fdt_cell(&p, 0);
        }
    }
}

int dt_open(struct dt *t, const void *base, size_t size)
{
    t->count = 0;

    int rc = fdt_open(&t->fdt, base, size);

    if (rc != 0) {
        return rc;
    }

    uint16_t open[FDT_MAX_DEPTH]; /* the nodes around the current one, by depth */
    int depth = 0, previous = -1;

    for (fdt_node_t node = fdt_root(&t->fdt); node >= 0;
         node = fdt_next_node(&t->fdt, node, &depth)) {
        if (t->count == DT_MAX_NODES) {
            t->count = 0;
            return -ENOSPC;
        }

        uint16_t index = (uint16_t)t->count++;

        for (; previous >= depth; previous--) {
            t->nodes[open[previous]].end = index;
        }
        t->nodes[index] = (struct dt_node){
            .fdt = node,
            .parent = depth == 0 ? index : open[depth - 1],
            .off = depth != 0 && t->nodes[open[depth - 1]].off,
        };
        dt_read_props(&t->fdt, &t->nodes[index]);
        t->nodes[0].off = false; /* there is no machine without a root */
        open[depth] = index;
        previous = depth;
    }
    for (; previous >= 0; previous--) {
        t->nodes[open[previous]].end = (uint16_t)t->count;
    }
    return 0;
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
    for (bool more = fdt_first_prop(&t->fdt, aliases->fdt, &p); more;
         more = fdt_next_prop(&t->fdt, &p)) {
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

const char *dt_name(const struct dt *t, const struct dt_node *n)
{
    return fdt_name(&t->fdt, n->fdt);
}

const char *dt_full_path(const struct dt *t, const struct dt_node *n, char *buffer, size_t size)
{
    const struct dt_node *way[FDT_MAX_DEPTH];
    size_t used = 0;
    int depth = 0;

    for (; n != dt_root(t); n = dt_parent(t, n)) {
        way[depth++] = n;
    }
    strlcpy(buffer, "/", size);
    while (depth > 0 && used < size) {
        used += snprintf(buffer + used, size - used, "/%s", dt_name(t, way[--depth]));
    }
    return buffer;
}

bool dt_prop(const struct dt *t, const struct dt_node *n, const char *name, struct fdt_prop *p)
{
    for (bool more = fdt_first_prop(&t->fdt, n->fdt, p); more; more = fdt_next_prop(&t->fdt, p)) {
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
