/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Device trees: nodes by path and phandle, their properties, addresses translated to those the CPU
 * uses, interrupts with their controllers, CPUs, memory, console. dt_open checks and indexes the
 * blob once: afterwards no function reports damage or leaves the blob, and parents, phandles and
 * cells cost nothing. Trees are read-only and stay where they are; no locking is needed.
 */
#pragma once

#include <xen/compiler.h>
#include <xen/fdt.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DT_MAX_NODES 4096
#define DT_IRQ_CELLS 4
#define DT_MAX_CELLS 4
#define DT_NO_CELLS  UINT8_MAX /* no such property */

/*
 * A node; the array of them is in document order, so a node's subtree is the nodes up to its `end`.
 */
struct dt_node {
    uint32_t name;                     /* offset in the blob */
    uint32_t props;                    /* offset of the first property, if there is one */
    uint32_t phandle;                  /* 0: none */
    uint16_t parent;                   /* index; the root's is its own */
    uint16_t end;                      /* index after the last node of the subtree */
    bool off;                          /* see dt_available */
    uint8_t address_cells, size_cells; /* up to DT_MAX_CELLS, or DT_NO_CELLS */
    uint8_t irq_cells;                 /* the same up to DT_IRQ_CELLS; 0: not usable */
};

struct dt {
    struct fdt fdt;
    uint32_t at; /* how far dt_open came: offset of what it could not read */
    uint32_t count;
    struct dt_node nodes[DT_MAX_NODES];
};

/* The machine's own tree, opened first thing at boot. */
extern struct dt dt_host;

/*
 * Check and index the blob at `base`, of which `size` bytes may be read. Errors of fdt_open for the
 * header; -EINVAL: damaged at t->at; -EMSGSIZE: nested deeper than FDT_MAX_DEPTH; -ENOSPC: more
 * than DT_MAX_NODES nodes. After an error dt_reading is the node that it was found in, if any.
 */
int dt_open(struct dt *t, const void *base, size_t size) __must_check;

/*
 * The node of dt_host that a walk came to last, for messages about what stops the boot; NULL once
 * guests run.
 */
extern const struct dt_node *dt_reading;

/*
 * The available nodes in document order: parents before children. `n = dt_last(t, n)` in the body
 * goes on behind the subtree of n.
 */
#define dt_for_each_node(t, n) for ((n) = dt_next((t), NULL); (n) != NULL; (n) = dt_next((t), (n)))

#define dt_for_each_child(t, of, n) \
    for ((n) = dt_skip_off((t), dt_first_child((t), (of))); (n) != NULL; \
         (n) = dt_skip_off((t), dt_next_sibling((t), (n))))

/* The same with nodes that are switched off. A comment says why they count, too. */
#define dt_for_each_node_any(t, n) for ((n) = (t)->nodes; (n) < (t)->nodes + (t)->count; (n)++)

#define dt_for_each_child_any(t, of, n) \
    for ((n) = dt_first_child((t), (of)); (n) != NULL; (n) = dt_next_sibling((t), (n)))

static inline const struct dt_node *dt_root(const struct dt *t)
{
    return t->nodes;
}

static inline uint32_t dt_index(const struct dt *t, const struct dt_node *n)
{
    return (uint32_t)(n - t->nodes);
}

/* The last node of a subtree. */
static inline const struct dt_node *dt_last(const struct dt *t, const struct dt_node *n)
{
    return &t->nodes[n->end - 1];
}

/* The first available node after `n` (NULL: of all) in document order. */
const struct dt_node *dt_next(const struct dt *t, const struct dt_node *n);
/* `n` (which may be NULL) or the first sibling after it that is available. */
const struct dt_node *dt_skip_off(const struct dt *t, const struct dt_node *n);

/* NULL when there is none. Whether nodes are available is not looked at. */
const struct dt_node *dt_parent(const struct dt *t, const struct dt_node *n);
const struct dt_node *dt_first_child(const struct dt *t, const struct dt_node *n);
const struct dt_node *dt_next_sibling(const struct dt *t, const struct dt_node *n);

/* Is `n` inside the subtree of `of`, or `of` itself? */
bool dt_within(const struct dt *t, const struct dt_node *of, const struct dt_node *n);

/*
 * The node of an absolute path, or of a path that begins with an alias ("serial0", "soc/uart"),
 * which ends at NUL or ':', as in stdout-path; a child by name. Without '@' there, a node with any
 * unit address matches too. NULL: none. Whether nodes are available is not looked at.
 */
const struct dt_node *dt_path(const struct dt *t, const char *path);
const struct dt_node *dt_child(const struct dt *t, const struct dt_node *n, const char *name);
/* Is that the name, its first `len` bytes, of a node? */
bool dt_name_matches(const struct dt *t, const struct dt_node *n, const char *name, size_t len);
const struct dt_node *dt_by_phandle(const struct dt *t, uint32_t phandle);

/* The first available node after `after` (NULL: of all) that is compatible with `string`. */
const struct dt_node *dt_find_compatible(const struct dt *t, const struct dt_node *after,
                                         const char *string);

/* The name with its unit address, "" for the root. */
static inline const char *dt_name(const struct dt *t, const struct dt_node *n)
{
    return n == dt_root(t) ? "" : (const char *)t->fdt.base + n->name;
}

/* Writes the full path, cut to `size`, and returns `buffer`: for messages. */
const char *dt_full_path(const struct dt *t, const struct dt_node *n, char *buffer, size_t size);

/* The property behind p->next. */
bool dt_next_prop(const struct dt *t, struct fdt_prop *p);
#define dt_for_each_prop(t, n, p) for ((p)->next = (n)->props; dt_next_prop((t), (p));)

/* The property called `name`; false when there is none. */
bool dt_prop(const struct dt *t, const struct dt_node *n, const char *name, struct fdt_prop *p);
bool dt_has(const struct dt *t, const struct dt_node *n, const char *name);
/* One of exactly one cell, or, for u64, one or two. False when absent or of another size. */
bool dt_u32(const struct dt *t, const struct dt_node *n, const char *name, uint32_t *value);
bool dt_u64(const struct dt *t, const struct dt_node *n, const char *name, uint64_t *value);
/* Its first string; NULL when absent or not terminated. */
const char *dt_string(const struct dt *t, const struct dt_node *n, const char *name);

/* Does "compatible" hold `string`, or any of a list that ends with NULL? */
bool dt_compatible(const struct dt *t, const struct dt_node *n, const char *string);
bool dt_compatible_any(const struct dt *t, const struct dt_node *n, const char *const *list);

/* It and all its parents have no status, "okay" or "ok". The root is always available. */
static inline bool dt_available(const struct dt *t __unused, const struct dt_node *n)
{
    return !n->off;
}

/*
 * #address-cells and #size-cells of `n`, which its children's reg is written in; 2 and 1 when
 * absent, at most DT_MAX_CELLS.
 */
static inline uint32_t dt_address_cells(const struct dt *t __unused, const struct dt_node *n)
{
    return n->address_cells == DT_NO_CELLS ? 2 : n->address_cells;
}

static inline uint32_t dt_size_cells(const struct dt *t __unused, const struct dt_node *n)
{
    return n->size_cells == DT_NO_CELLS ? 1 : n->size_cells;
}

/* An address range as the CPU sees it. */
struct dt_range {
    uint64_t start;
    uint64_t size;
};

/*
 * Entry `index` of reg, translated through the ranges of all parents. -ENOENT: no such entry;
 * -EINVAL: malformed or wraps; -ENXIO: a parent does not map it to the CPU (I2C devices, CPUs: see
 * dt_reg_raw).
 */
int dt_reg(const struct dt *t, const struct dt_node *n, uint32_t index, struct dt_range *r)
    __must_check;

/* The same without translation: what the parent bus calls it. */
int dt_reg_raw(const struct dt *t, const struct dt_node *n, uint32_t index, struct dt_range *r)
    __must_check;

/* One row of `ranges` of a bus: what lies behind it, seen from the CPU. */
struct dt_window {
    uint32_t child_high; /* first cell of the child address if that has 3 cells (PCI: space code),
                            else 0 */
    uint64_t child;
    uint64_t start; /* CPU address */
    uint64_t size;
};

/* Row `index` of ranges; errors as dt_reg. An empty ranges (1:1) has no rows. */
int dt_window(const struct dt *t, const struct dt_node *n, uint32_t index, struct dt_window *w)
    __must_check;

/*
 * How far up in the CPU's addresses DMA masters on this bus reach by its dma-ranges. 0: there is no
 * limit, or the bus is not available.
 */
uint64_t dt_dma_end(const struct dt *t, const struct dt_node *bus);

/* An interrupt: its controller and the raw specifier, whose meaning is the controller's binding. */
struct dt_irq {
    const struct dt_node *controller;
    uint32_t count;
    uint32_t cells[DT_IRQ_CELLS];
};

/*
 * Interrupt `index` of interrupts-extended or else interrupts. The controller is the node's
 * interrupt domain; nexus nodes (interrupt-map) are not followed: see dt_irq_map. -ENOENT: no such
 * entry; -EINVAL: malformed; -ENODEV: the controller cannot be found.
 */
int dt_irq(const struct dt *t, const struct dt_node *n, uint32_t index, struct dt_irq *irq)
    __must_check;

/*
 * The parent side of the row of interrupt-map (PCI host bridges) that begins at cell *at, which
 * moves on to the next one; errors as dt_irq.
 */
int dt_irq_map(const struct dt *t, const struct dt_node *n, uint32_t *at, struct dt_irq *irq)
    __must_check;

/*
 * The interrupt parent: nearest interrupt-parent property upwards, or a controller that is a
 * parent. NULL: none.
 */
const struct dt_node *dt_irq_parent(const struct dt *t, const struct dt_node *n);

/*
 * Called for each range; a result other than 0 ends the walk and is its result. `what` names the
 * range in messages.
 */
typedef int dt_range_fn(void *context, const char *what, uint64_t start, uint64_t end);

/*
 * RAM of all available memory nodes. -EINVAL: a malformed one, which dt_reading is then; else the
 * result of `fn`.
 */
int dt_walk_memory(const struct dt *t, dt_range_fn *fn, void *context) __must_check;

/*
 * What the firmware keeps: the reservation block, the children of /reserved-memory that have a reg,
 * and the frame buffers that it has left on. Errors as above.
 */
int dt_walk_reserved(const struct dt *t, dt_range_fn *fn, void *context) __must_check;

/* Is a node one of these children? Its reg counts as it is written, not translated. */
bool dt_is_reservation(const struct dt *t, const struct dt_node *n);

/* A picture in memory, which a screen shows as long as nobody says otherwise [Linux
 * Documentation/devicetree/bindings/display/simple-framebuffer.yaml]. */
bool dt_is_framebuffer(const struct dt *t, const struct dt_node *n);

/* Those of /reserved-memory that nobody may map cached: their owner may use other attributes, or forbid
 * reads. */
int dt_walk_no_map(const struct dt *t, dt_range_fn *fn, void *context) __must_check;

/* A CPU that can be used. */
struct dt_cpu {
    const struct dt_node *node;
    uint64_t id;               /* reg: MPIDR affinity on Arm, hart id on RISC-V */
    const char *enable_method; /* "psci", "spin-table"...; NULL when the tree says none */
    uint64_t release_address;  /* cpu-release-addr, 0 when absent */
};

/*
 * CPU `index` of those in /cpus that are not marked failed and have a usable reg; -ENOENT past the
 * last.
 */
int dt_cpu(const struct dt *t, uint32_t index, struct dt_cpu *cpu) __must_check;

/*
 * The console of /chosen (stdout-path, linux,stdout-path) or NULL; *options is the text after ':'
 * or "".
 */
const struct dt_node *dt_stdout(const struct dt *t, const char **options);
