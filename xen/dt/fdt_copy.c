/* SPDX-License-Identifier: Apache-2.0 */
/* Properties of a node of one tree for the node of another that is being written. */
#include <xen/dt.h>
#include <xen/fdt_build.h>

void fdt_build_copy(struct fdt_builder *b, const struct dt *t, const struct dt_node *n)
{
    struct fdt_prop p;

    dt_for_each_prop(t, n, &p) {
        fdt_build_prop(b, p.name, p.data, p.len);
    }
}

unsigned int fdt_build_keep(struct fdt_builder *b, const struct dt *t, const struct dt_node *n,
                            const char *const *names)
{
    unsigned int kept = 0;
    struct fdt_prop p;

    for (; n != NULL && *names != NULL; names++) {
        if (dt_prop(t, n, *names, &p)) {
            fdt_build_prop(b, *names, p.data, p.len);
            kept++;
        }
    }
    return kept;
}
