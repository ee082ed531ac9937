/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Boot modules and command lines in /chosen, by the rules of Xen's booting.txt: both families of
 * compatible strings, untyped modules in order, modules of dom0less domains kept apart, and who
 * gets which bootargs. Placement is checked in modules_check.c; contents are the business of
 * construct/.
 */
#include <xen/errno.h>
#include <xen/modules.h>
#include <xen/printk.h>
#include <xen/string.h>

#define MODULE_CELLS 4

struct boot_modules boot_modules;

static const struct {
    const char *compatible;
    enum module_kind kind;
} module_kinds[] = {
    {"multiboot,kernel", MODULE_KERNEL},   {"xen,linux-zimage", MODULE_KERNEL},
    {"multiboot,ramdisk", MODULE_RAMDISK}, {"xen,linux-initrd", MODULE_RAMDISK},
    {"xen,xsm-policy", MODULE_XSM},        {"multiboot,device-tree", MODULE_DEVICE_TREE},
};

static const struct dt_node *modules_chosen(const struct dt *t)
{
    return dt_child(t, dt_root(t), "chosen");
}

/* The next available module node inside /chosen after `n`; NULL after the last. */
static const struct dt_node *modules_next(const struct dt *t, const struct dt_node *chosen,
                                          const struct dt_node *n)
{
    static const char *const compatible[] = {"multiboot,module", "xen,multiboot-module", NULL};

    for (n = dt_next(t, n); n != NULL && dt_within(t, chosen, n); n = dt_next(t, n)) {
        if (dt_compatible_any(t, n, compatible)) {
            return n;
        }
    }
    return NULL;
}

static const struct dt_node *modules_domain(const struct dt *t, const struct dt_node *n)
{
    const struct dt_node *parent = dt_parent(t, n);

    return parent != NULL && dt_compatible(t, parent, "xen,domain") ? parent : NULL;
}

/*
 * *untyped counts modules of dom0 without a type: the first is the kernel, the second the ramdisk.
 */
static enum module_kind modules_kind(const struct dt *t, const struct dt_node *n, bool of_dom0,
                                     uint32_t *untyped)
{
    for (size_t i = 0; i < ARRAY_SIZE(module_kinds); i++) {
        if (dt_compatible(t, n, module_kinds[i].compatible)) {
            return module_kinds[i].kind;
        }
    }
    if (!of_dom0) {
        return MODULE_OTHER;
    }
    switch ((*untyped)++) {
    case 0: return MODULE_KERNEL;
    case 1: return MODULE_RAMDISK;
    default: return MODULE_OTHER;
    }
}

/*
 * Cells that `n`'s reg is written in. Unlike elsewhere they are inherited: boot scripts forget them
 * in /chosen.
 */
static uint32_t modules_cells(const struct dt *t, const struct dt_node *n, const char *name,
                              uint32_t otherwise)
{
    uint32_t cells;

    while ((n = dt_parent(t, n)) != NULL) {
        if (dt_u32(t, n, name, &cells)) {
            return cells <= MODULE_CELLS ? cells : 0;
        }
    }
    return otherwise;
}

static int modules_reg(const struct dt *t, const struct dt_node *n, struct boot_module *m)
{
    uint32_t address_cells = modules_cells(t, n, "#address-cells", 2);
    uint32_t size_cells = modules_cells(t, n, "#size-cells", 1);
    struct fdt_prop reg;

    if (address_cells == 0 || size_cells == 0 || !dt_prop(t, n, "reg", &reg) ||
        fdt_cell_count(&reg) < address_cells + size_cells) {
        return -EINVAL;
    }
    m->start = fdt_cells(&reg, 0, address_cells);
    m->size = fdt_cells(&reg, address_cells, size_cells);
    return 0;
}

static struct boot_module *modules_new(struct boot_modules *m)
{
    if (m->count == MODULES_MAX) {
        printk(XENLOG_ERR "More than %d boot modules in /chosen: remove some\n", MODULES_MAX);
        return NULL;
    }
    return &m->module[m->count++];
}

static int modules_add(const struct dt *t, const struct dt_node *n, struct boot_modules *m,
                       uint32_t *untyped)
{
    struct boot_module *module = modules_new(m);

    if (module == NULL) {
        return -ENOSPC;
    }

    const struct dt_node *domain = modules_domain(t, n);

    *module = (struct boot_module){
        .kind = modules_kind(t, n, domain == NULL, untyped),
        .node = n,
        .domain = domain,
        .bootargs = dt_string(t, n, "bootargs"),
    };

    int rc = modules_reg(t, n, module);

    if (rc != 0) {
        char path[128];

        printk(XENLOG_ERR "%s: no usable reg: write <address size> of the loaded file there, in the"
                          " #address-cells and #size-cells of the node above\n",
               dt_full_path(t, n, path, sizeof(path)));
    }
    return rc;
}

/* A ramdisk given to booti as Linux gets it, unless a module is one. */
static int modules_add_initrd(const struct dt *t, const struct dt_node *chosen,
                              struct boot_modules *m)
{
    uint64_t start, end;

    if (modules_get(m, NULL, MODULE_RAMDISK) != NULL ||
        !dt_u64(t, chosen, "linux,initrd-start", &start) ||
        !dt_u64(t, chosen, "linux,initrd-end", &end) || end <= start) {
        return 0;
    }

    struct boot_module *module = modules_new(m);

    if (module == NULL) {
        return -ENOSPC;
    }
    *module = (struct boot_module){.kind = MODULE_RAMDISK, .start = start, .size = end - start};
    return 0;
}

/*
 * The bootargs of dom0's kernel module, found without collecting modules; NULL when there are none,
 * they are empty or not terminated.
 */
static const char *modules_kernel_bootargs(const struct dt *t, const struct dt_node *chosen)
{
    uint32_t untyped = 0;

    for (const struct dt_node *n = chosen; (n = modules_next(t, chosen, n)) != NULL;) {
        if (modules_domain(t, n) == NULL && modules_kind(t, n, true, &untyped) == MODULE_KERNEL) {
            const char *text = dt_string(t, n, "bootargs");

            return text != NULL && *text != '\0' ? text : NULL;
        }
    }
    return NULL;
}

/*
 * Xen's is xen,xen-bootargs. Without it, the plain bootargs are Xen's as soon as dom0 has its own
 * from anywhere; otherwise they are dom0's and Xen has none.
 */
const char *modules_xen_cmdline(const struct dt *t)
{
    const struct dt_node *chosen = modules_chosen(t);

    if (chosen == NULL) {
        return "";
    }

    const char *own = dt_string(t, chosen, "xen,xen-bootargs");

    if (own == NULL &&
        (dt_has(t, chosen, "xen,dom0-bootargs") || modules_kernel_bootargs(t, chosen) != NULL)) {
        own = dt_string(t, chosen, "bootargs");
    }
    return own != NULL ? own : "";
}

/*
 * dom0's is xen,dom0-bootargs, or its kernel module's, or the plain one, which then is not Xen's.
 */
static const char *modules_dom0_cmdline(const struct dt *t, const struct dt_node *chosen)
{
    const char *own = dt_string(t, chosen, "xen,dom0-bootargs");

    if (own == NULL) {
        own = modules_kernel_bootargs(t, chosen);
    }
    if (own == NULL) {
        own = dt_string(t, chosen, "bootargs");
    }
    return own != NULL ? own : "";
}

int modules_find(const struct dt *t, struct boot_modules *m)
{
    const struct dt_node *chosen = modules_chosen(t);
    uint32_t untyped = 0;

    *m = (struct boot_modules){.xen_cmdline = "", .dom0_cmdline = ""};
    if (chosen == NULL) {
        printk(XENLOG_ERR
               "The device tree has no /chosen node, so there is nothing to boot: let the"
               " boot loader add it with modules (multiboot,kernel ...)\n");
        return -ENODEV;
    }
    m->xen_cmdline = modules_xen_cmdline(t);
    m->dom0_cmdline = modules_dom0_cmdline(t, chosen);
    for (const struct dt_node *n = chosen; (n = modules_next(t, chosen, n)) != NULL;) {
        int rc = modules_add(t, n, m, &untyped);

        if (rc != 0) {
            return rc;
        }
    }
    return modules_add_initrd(t, chosen, m);
}

const struct boot_module *modules_get(const struct boot_modules *m, const struct dt_node *domain,
                                      enum module_kind kind)
{
    for (uint32_t i = 0; i < m->count; i++) {
        if (m->module[i].kind == kind && m->module[i].domain == domain) {
            return &m->module[i];
        }
    }
    return NULL;
}

const char *modules_path(const struct dt *t, const struct boot_module *m, char *buffer, size_t size)
{
    if (m->node != NULL) {
        return dt_full_path(t, m->node, buffer, size);
    }
    strlcpy(buffer, "/chosen (linux,initrd-start)", size);
    return buffer;
}
