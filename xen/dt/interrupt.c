/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interrupts in a device tree: whose interrupt it is and its raw specifier [DTSpec 2.4]. What the
 * cells of a specifier mean is known by the driver of the controller.
 */
#include <xen/dt.h>
#include <xen/errno.h>
#include <xen/string.h>

/* The node that `n` names, or its parent in the tree: one step up the interrupt tree. */
static const struct dt_node *dt_irq_step(const struct dt *t, const struct dt_node *n)
{
    uint32_t phandle;

    return dt_u32(t, n, "interrupt-parent", &phandle) ? dt_by_phandle(t, phandle) : dt_parent(t, n);
}

const struct dt_node *dt_irq_parent(const struct dt *t, const struct dt_node *n)
{
    /* Phandles can form a circle; no honest way up is longer than the nesting and a few hops. */
    for (int steps = 0; steps < 2 * FDT_MAX_DEPTH; steps++) {
        n = dt_irq_step(t, n);
        if (n == NULL || n->irq_cells != DT_NO_CELLS) {
            return n;
        }
    }
    return NULL;
}

/* How many cells a specifier of this controller has; 0: it is none, or not usable. */
static uint32_t dt_irq_cells(const struct dt_node *controller)
{
    return controller->irq_cells == DT_NO_CELLS ? 0 : controller->irq_cells;
}

/* Reads a specifier that begins at cell `at`. */
static int dt_irq_read(const struct fdt_prop *p, uint32_t at, const struct dt_node *controller,
                       struct dt_irq *irq)
{
    uint32_t count = dt_irq_cells(controller);

    if (count == 0 || at > fdt_cell_count(p) || count > fdt_cell_count(p) - at) {
        return -EINVAL;
    }
    *irq = (struct dt_irq){.controller = controller, .count = count};
    for (uint32_t i = 0; i < count; i++) {
        irq->cells[i] = fdt_cell(p, at + i);
    }
    return 0;
}

/* interrupts-extended: rows of a phandle and as many cells as its controller wants. */
static int dt_irq_extended(const struct dt *t, const struct fdt_prop *p, uint32_t index,
                           struct dt_irq *irq)
{
    for (uint32_t at = 0; at < fdt_cell_count(p); at += 1 + irq->count) {
        const struct dt_node *controller = dt_by_phandle(t, fdt_cell(p, at));

        if (controller == NULL) {
            return -ENODEV;
        }

        int rc = dt_irq_read(p, at + 1, controller, irq);

        if (rc != 0 || index-- == 0) {
            return rc;
        }
    }
    return p->len % 4 == 0 ? -ENOENT : -EINVAL;
}

int dt_irq(const struct dt *t, const struct dt_node *n, uint32_t index, struct dt_irq *irq)
{
    struct fdt_prop p;

    if (dt_prop(t, n, "interrupts-extended", &p)) {
        return dt_irq_extended(t, &p, index, irq);
    }
    if (!dt_prop(t, n, "interrupts", &p)) {
        return -ENOENT;
    }

    const struct dt_node *controller = dt_irq_parent(t, n);

    if (controller == NULL) {
        return -ENODEV;
    }

    uint32_t count = dt_irq_cells(controller);

    if (count == 0 || p.len % (count * 4) != 0) {
        return -EINVAL;
    }
    if (index >= fdt_cell_count(&p) / count) {
        return -ENOENT;
    }
    return dt_irq_read(&p, index * count, controller, irq);
}

int dt_irq_map(const struct dt *t, const struct dt_node *n, uint32_t *at, struct dt_irq *irq)
{
    /* A row: address and specifier of the child, phandle, address and specifier of the parent. */
    uint32_t parent = *at + dt_address_cells(t, n) + dt_irq_cells(n);
    const struct dt_node *controller;
    struct fdt_prop p;
    int rc;

    if (!dt_prop(t, n, "interrupt-map", &p) || parent >= fdt_cell_count(&p)) {
        return -ENOENT;
    }
    controller = dt_by_phandle(t, fdt_cell(&p, parent));
    if (controller == NULL) {
        return -ENODEV;
    }
    /* Here, and only here, no #address-cells means 0 [DTSpec 2.4.3.1]. */
    parent += 1 + (controller->address_cells == DT_NO_CELLS ? 0u : controller->address_cells);
    rc = dt_irq_read(&p, parent, controller, irq);
    if (rc == 0) {
        *at = parent + irq->count;
    }
    return rc;
}
