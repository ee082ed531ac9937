/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses in a device tree: entries of reg, and their translation through the ranges of the buses
 * above to what the CPU uses [DTSpec 2.3.6, 2.3.8]; how far masters on a bus reach by dma-ranges
 * [DTSpec 2.3.9]. Property lengths and numbers are not trusted.
 */
#include <xen/dt.h>
#include <xen/errno.h>
#include <xen/lib.h>
#include <xen/string.h>

#define PCI_CELLS      3
#define PCI_SPACE_MASK UINT32_C(0x03000000) /* space code of the first cell of a PCI address */

/* An address on some bus; `space` is PCI's space code, 0 elsewhere. */
struct dt_address {
    uint64_t at;
    uint32_t space;
};

static struct dt_address dt_read_address(const struct fdt_prop *p, uint32_t index, uint32_t cells)
{
    return (struct dt_address){
        .at = fdt_cells(p, index, cells),
        .space = cells == PCI_CELLS ? fdt_cell(p, index) & PCI_SPACE_MASK : 0,
    };
}

/* Where row `index` of a table with rows of `row` cells begins: its first cell, or -errno. */
static int64_t dt_row(const struct fdt_prop *p, uint32_t row, uint32_t index)
{
    if (row == 0) {
        return -EINVAL;
    }
    if (index >= fdt_cell_count(p) / row) {
        return p->len % (row * 4) == 0 ? -ENOENT : -EINVAL;
    }
    return (int64_t)index * row;
}

static bool dt_wraps(uint64_t start, uint64_t size)
{
    uint64_t end;

    return add_overflows(start, size, &end);
}

/* Entry `index` of a node's reg, as the bus it sits on counts. */
static int dt_reg_on_bus(const struct dt *t, const struct dt_node *n, uint32_t index,
                         struct dt_address *address, uint64_t *size)
{
    const struct dt_node *bus = dt_parent(t, n);
    struct fdt_prop reg;

    if (bus == NULL || !dt_prop(t, n, "reg", &reg)) {
        return -ENOENT;
    }

    uint32_t address_cells = dt_address_cells(t, bus), size_cells = dt_size_cells(t, bus);
    int64_t cell = dt_row(&reg, address_cells + size_cells, index);

    if (cell < 0) {
        return (int)cell;
    }
    *address = dt_read_address(&reg, (uint32_t)cell, address_cells);
    *size = fdt_cells(&reg, (uint32_t)cell + address_cells, size_cells);
    return dt_wraps(address->at, *size) ? -EINVAL : 0;
}

/* One row of a bus's ranges. */
struct dt_ranges_row {
    uint32_t child_high;
    struct dt_address child;
    struct dt_address parent;
    uint64_t size;
};

/* `parent` is the bus's own parent, in whose cells the second column is written. */
static int dt_ranges_row(const struct dt *t, const struct dt_node *bus,
                         const struct dt_node *parent, const struct fdt_prop *ranges,
                         uint32_t index, struct dt_ranges_row *row)
{
    uint32_t child_cells = dt_address_cells(t, bus), parent_cells = dt_address_cells(t, parent);
    uint32_t size_cells = dt_size_cells(t, bus);
    int64_t cell = dt_row(ranges, child_cells + parent_cells + size_cells, index);

    if (cell < 0) {
        return (int)cell;
    }

    uint32_t at = (uint32_t)cell;

    row->child_high = child_cells == PCI_CELLS ? fdt_cell(ranges, at) : 0;
    row->child = dt_read_address(ranges, at, child_cells);
    row->parent = dt_read_address(ranges, at + child_cells, parent_cells);
    row->size = fdt_cells(ranges, at + child_cells + parent_cells, size_cells);
    return dt_wraps(row->child.at, row->size) || dt_wraps(row->parent.at, row->size) ? -EINVAL : 0;
}

/* Translates an address on `bus` into one on the bus above; `dma`: as masters see it, for whom a
 * bus that says nothing changes nothing. */
static int dt_translate_step(const struct dt *t, const struct dt_node *bus, bool dma,
                             struct dt_address *address, uint64_t size)
{
    struct fdt_prop ranges;

    if (!dt_prop(t, bus, dma ? "dma-ranges" : "ranges", &ranges)) {
        return dma ? 0 : -ENXIO;
    }
    if (ranges.len == 0) {
        return 0; /* the same addresses on both sides */
    }
    for (uint32_t i = 0;; i++) {
        struct dt_ranges_row row;
        int rc = dt_ranges_row(t, bus, dt_parent(t, bus), &ranges, i, &row);

        if (rc != 0) {
            return rc == -ENOENT ? -ENXIO : rc;
        }
        if (row.child.space == address->space && address->at >= row.child.at &&
            address->at - row.child.at < row.size &&
            size <= row.size - (address->at - row.child.at)) {
            address->at = row.parent.at + (address->at - row.child.at);
            address->space = row.parent.space;
            return 0;
        }
    }
}

/* Translates an address on `bus` up to the root, whose addresses are the CPU's. */
static int dt_translate(const struct dt *t, const struct dt_node *bus, bool dma,
                        struct dt_address *address, uint64_t size)
{
    for (; bus != dt_root(t); bus = dt_parent(t, bus)) {
        int rc = dt_translate_step(t, bus, dma, address, size);

        if (rc != 0) {
            return rc;
        }
    }
    return dt_wraps(address->at, size) ? -EINVAL : 0;
}

int dt_reg_raw(const struct dt *t, const struct dt_node *n, uint32_t index, struct dt_range *r)
{
    struct dt_address address;
    uint64_t size;
    int rc = dt_reg_on_bus(t, n, index, &address, &size);

    if (rc == 0) {
        *r = (struct dt_range){address.at, size};
    }
    return rc;
}

int dt_reg(const struct dt *t, const struct dt_node *n, uint32_t index, struct dt_range *r)
{
    struct dt_address address;
    uint64_t size;
    int rc = dt_reg_on_bus(t, n, index, &address, &size);

    if (rc == 0) {
        rc = dt_translate(t, dt_parent(t, n), false, &address, size);
    }
    if (rc == 0) {
        *r = (struct dt_range){address.at, size};
    }
    return rc;
}

int dt_window(const struct dt *t, const struct dt_node *n, uint32_t index, struct dt_window *w)
{
    const struct dt_node *parent = dt_parent(t, n);
    struct fdt_prop ranges;
    struct dt_ranges_row row;

    if (parent == NULL || !dt_prop(t, n, "ranges", &ranges) || ranges.len == 0) {
        return -ENOENT;
    }

    int rc = dt_ranges_row(t, n, parent, &ranges, index, &row);

    if (rc == 0) {
        rc = dt_translate(t, parent, false, &row.parent, row.size);
    }
    if (rc == 0) {
        *w = (struct dt_window){row.child_high, row.child.at, row.parent.at, row.size};
    }
    return rc;
}

uint64_t dt_dma_end(const struct dt *t, const struct dt_node *bus)
{
    const struct dt_node *parent = dt_parent(t, bus);
    struct fdt_prop ranges;
    struct dt_ranges_row row;
    uint64_t end = 0, row_end;

    if (parent == NULL || !dt_available(t, bus) || !dt_prop(t, bus, "dma-ranges", &ranges)) {
        return 0;
    }
    for (uint32_t i = 0; dt_ranges_row(t, bus, parent, &ranges, i, &row) == 0; i++) {
        /* Only where it begins: a window above may be smaller, and is a limit of its own then. */
        if (row.size != 0 && dt_translate(t, parent, true, &row.parent, 1) == 0 &&
            !add_overflows(row.parent.at, row.size, &row_end)) {
            end = max_u64(end, row_end);
        }
    }
    return end;
}
