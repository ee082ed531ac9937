/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a device tree says the machine is made of: RAM, memory the firmware keeps, CPUs, the
 * console. Finding only; drivers and allocators decide what to do with it.
 */
#include <xen/dt.h>
#include <xen/errno.h>
#include <xen/string.h>

/*
 * Not translated: these nodes are below the root, and some trees forget the ranges of
 * /reserved-memory.
 */
static int dt_walk_memory_node(const struct dt *t, const struct dt_node *n, dt_range_fn *fn,
                               void *context)
{
    struct dt_range r;
    int rc;

    for (uint32_t i = 0; (rc = dt_reg_raw(t, n, i, &r)) == 0; i++) {
        if (r.size != 0) {
            rc = fn(context, dt_name(t, n), r.start, r.start + r.size);
            if (rc != 0) {
                return rc;
            }
        }
    }
    return rc == -ENOENT ? 0 : rc;
}

int dt_walk_memory(const struct dt *t, dt_range_fn *fn, void *context)
{
    const struct dt_node *n;

    dt_for_each_child(t, dt_root(t), n) {
        const char *type = dt_string(t, n, "device_type");

        if (type != NULL && strcmp(type, "memory") == 0) {
            int rc = dt_walk_memory_node(t, n, fn, context);

            if (rc != 0) {
                return rc;
            }
        }
    }
    return 0;
}

/* With any unit address, and there may be several: none of the memory there is ours. */
static bool dt_is_reserved_memory(const struct dt *t, const struct dt_node *n)
{
    static const char name[] = "reserved-memory";

    return dt_parent(t, n) == dt_root(t) && dt_name_matches(t, n, name, sizeof(name) - 1u);
}

bool dt_is_reservation(const struct dt *t, const struct dt_node *n)
{
    return n != dt_root(t) && dt_is_reserved_memory(t, dt_parent(t, n));
}

/* The children of /reserved-memory, or only those that have property `with`. */
static int dt_walk_reserved_nodes(const struct dt *t, const char *with, dt_range_fn *fn,
                                  void *context)
{
    const struct dt_node *area, *n;

    dt_for_each_child(t, dt_root(t), area) {
        if (!dt_is_reserved_memory(t, area)) {
            continue;
        }
        dt_for_each_child(t, area, n) {
            int rc =
                with == NULL || dt_has(t, n, with) ? dt_walk_memory_node(t, n, fn, context) : 0;

            if (rc != 0) {
                return rc;
            }
        }
    }
    return 0;
}

bool dt_is_framebuffer(const struct dt *t, const struct dt_node *n)
{
    return dt_compatible(t, n, "simple-framebuffer");
}

/* What the firmware shows on a screen. A reg that cannot be used is of no use to anybody. */
static int dt_walk_framebuffers(const struct dt *t, dt_range_fn *fn, void *context)
{
    const struct dt_node *n;
    struct dt_range r;

    dt_for_each_node(t, n) {
        for (uint32_t i = 0; dt_is_framebuffer(t, n) && dt_reg(t, n, i, &r) == 0; i++) {
            int rc = r.size != 0 ? fn(context, dt_name(t, n), r.start, r.start + r.size) : 0;

            if (rc != 0) {
                return rc;
            }
        }
    }
    return 0;
}

int dt_walk_reserved(const struct dt *t, dt_range_fn *fn, void *context)
{
    uint64_t start, size;
    int rc;

    for (uint32_t i = 0; fdt_reserve(&t->fdt, i, &start, &size); i++) {
        if (size != 0) {
            uint64_t end = size > UINT64_MAX - start ? UINT64_MAX : start + size;

            rc = fn(context, "/memreserve/", start, end);
            if (rc != 0) {
                return rc;
            }
        }
    }
    rc = dt_walk_reserved_nodes(t, NULL, fn, context);
    return rc == 0 ? dt_walk_framebuffers(t, fn, context) : rc;
}

int dt_walk_no_map(const struct dt *t, dt_range_fn *fn, void *context)
{
    return dt_walk_reserved_nodes(t, "no-map", fn, context);
}

/*
 * A CPU that is "disabled" waits for its enable method [DTSpec 3.8.1]; other states mean it is
 * broken.
 */
static bool dt_cpu_usable(const struct dt *t, const struct dt_node *n)
{
    const char *type = dt_string(t, n, "device_type");

    if (type == NULL || strcmp(type, "cpu") != 0) {
        return false;
    }
    if (dt_available(t, n)) {
        return true;
    }

    const char *status = dt_string(t, n, "status");

    return status != NULL && strcmp(status, "disabled") == 0 && dt_has(t, n, "enable-method");
}

int dt_cpu(const struct dt *t, uint32_t index, struct dt_cpu *cpu)
{
    const struct dt_node *cpus = dt_child(t, dt_root(t), "cpus"), *n;

    if (cpus == NULL) {
        return -ENOENT;
    }
    /* Any status: dt_cpu_usable knows what it means for a CPU. */
    dt_for_each_child_any(t, cpus, n) {
        struct dt_range reg;

        if (!dt_cpu_usable(t, n) || dt_reg_raw(t, n, 0, &reg) != 0 || index-- != 0) {
            continue;
        }
        *cpu = (struct dt_cpu){
            .node = n,
            .id = reg.start,
            .enable_method = dt_string(t, n, "enable-method"),
        };
        if (!dt_u64(t, n, "cpu-release-addr", &cpu->release_address)) {
            cpu->release_address = 0;
        }
        return 0;
    }
    return -ENOENT;
}

const struct dt_node *dt_stdout(const struct dt *t, const char **options)
{
    const struct dt_node *chosen = dt_child(t, dt_root(t), "chosen");
    const char *path = NULL;

    *options = "";
    if (chosen != NULL) {
        path = dt_string(t, chosen, "stdout-path");
        if (path == NULL) {
            path = dt_string(t, chosen, "linux,stdout-path");
        }
    }
    if (path == NULL) {
        return NULL;
    }

    const char *colon = strchr(path, ':');

    if (colon != NULL) {
        *options = colon + 1;
    }
    return dt_path(t, path);
}
