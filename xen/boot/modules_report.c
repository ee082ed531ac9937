/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the boot loader asks for in Xen's words and nothing here does: guests, pools, shared memory,
 * modules without a user. Each node is named, so that nobody waits for a guest that never starts.
 */
#include <xen/modules.h>
#include <xen/printk.h>
#include <xen/string.h>

/* The first of a node's compatible strings that begins with one of Xen's prefixes; NULL: none. */
static const char *report_binding(const struct dt *t, const struct dt_node *n,
                                  const char *const *prefixes)
{
    struct fdt_prop p;
    const char *s;

    if (!dt_prop(t, n, "compatible", &p)) {
        return NULL;
    }
    fdt_for_each_string(&p, s) {
        for (const char *const *prefix = prefixes; *prefix != NULL; prefix++) {
            if (strncmp(s, *prefix, strlen(*prefix)) == 0) {
                return s;
            }
        }
    }
    return NULL;
}

/* Why nobody uses a module; NULL: dom0 does. */
static const char *report_module(const struct boot_modules *m, const struct boot_module *module)
{
    switch (module->kind) {
    case MODULE_KERNEL:
    case MODULE_RAMDISK:
        return modules_get(m, NULL, module->kind) == module ? NULL : "another one was found before";
    case MODULE_OTHER: return "its compatible does not say what it is";
    default: return "not supported yet";
    }
}

/* Why nobody uses a node that has one of Xen's bindings; NULL: somebody does. */
static const char *report_reason(const struct dt *t, const struct boot_modules *m,
                                 const struct dt_node *n, const char *binding)
{
    if (!dt_available(t, n)) {
        return "its status is not okay";
    }
    for (uint32_t i = 0; i < m->count; i++) {
        if (m->module[i].node == n) {
            return report_module(m, &m->module[i]);
        }
    }
    return strncmp(binding, "multiboot,", 10) == 0 ? "its compatible has no multiboot,module"
                                                   : "not supported yet";
}

static void report_nodes(const struct dt *t, const struct boot_modules *m,
                         const struct dt_node *area, const char *const *prefixes)
{
    const struct dt_node *n;

    /* Any status: what is off is named, too, for Xen does not look at it. */
    dt_for_each_node_any(t, n) {
        const char *binding =
            n != area && dt_within(t, area, n) ? report_binding(t, n, prefixes) : NULL;
        const char *reason = binding != NULL ? report_reason(t, m, n, binding) : NULL;
        char path[128];

        if (reason != NULL) {
            printk(XENLOG_WARNING "%s (%s): %s: ignored\n", dt_full_path(t, n, path, sizeof(path)),
                   binding, reason);
            n = dt_last(t, n);
        }
    }
}

static void report_properties(const struct dt *t, const struct dt_node *chosen)
{
    static const char *const read[] = {"xen,xen-bootargs", "xen,dom0-bootargs"};
    struct fdt_prop p;

    dt_for_each_prop(t, chosen, &p) {
        if (strncmp(p.name, "xen,", 4) == 0 && strcmp(p.name, read[0]) != 0 &&
            strcmp(p.name, read[1]) != 0) {
            printk(XENLOG_WARNING "/chosen, property %s: not supported yet: ignored\n", p.name);
        }
    }
}

void modules_report(const struct dt *t, const struct boot_modules *m)
{
    static const char *const all[] = {"xen,", "multiboot,", NULL};
    static const char *const ours[] = {"xen,domain", NULL}; /* others may be dom0's business */
    const struct dt_node *chosen = dt_child(t, dt_root(t), "chosen");
    const struct dt_node *reserved = dt_child(t, dt_root(t), "reserved-memory");

    if (chosen != NULL) {
        report_properties(t, chosen);
        report_nodes(t, m, chosen, all);
    }
    if (reserved != NULL) {
        report_nodes(t, m, reserved, ours);
    }
}
