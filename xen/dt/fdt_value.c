/*
 * Values of properties: cells, 64-bit numbers, lists of strings. The property itself was found by
 * fdt.c and lies within a checked blob; its length and content are still anybody's.
 */
#include <xen/fdt.h>
#include <xen/string.h>

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
