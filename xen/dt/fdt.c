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
