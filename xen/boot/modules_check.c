/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Are the boot modules where they may be? Each fault that makes a boot die in silence later (a
 * module over reserved memory, over another one, beyond RAM, with the wrong size) is told here by
 * name, with what to change.
 */
#include <xen/errno.h>
#include <xen/lib.h>
#include <xen/modules.h>
#include <xen/printk.h>

#define CHECK_PAGE 4096

/* What is being checked; passed through the walk over reserved memory. */
struct modules_check {
    const struct dt *t;
    const struct boot_module *module;
    uint32_t faults;
};

static const char *modules_kind_name(enum module_kind kind)
{
    static const char *const names[] = {
        [MODULE_KERNEL] = "kernel",  [MODULE_RAMDISK] = "ramdisk",
        [MODULE_XSM] = "XSM policy", [MODULE_DEVICE_TREE] = "device tree",
        [MODULE_OTHER] = "untyped",
    };

    return names[kind];
}

/* Begins the message about a fault of a module: what and where it is. */
static void modules_blame(struct modules_check *c, const struct boot_module *m)
{
    char path[128];

    printk(XENLOG_ERR "Boot module %s, %s at %#lx, %#lx bytes: ",
           modules_path(c->t, m, path, sizeof(path)), modules_kind_name(m->kind),
           (unsigned long)m->start, (unsigned long)m->size);
    c->faults++;
}

static void modules_check_overlap(struct modules_check *c, const char *what, uint64_t start,
                                  uint64_t end)
{
    const struct boot_module *m = c->module;

    if (ranges_overlap(m->start, m->start + m->size, start, end)) {
        modules_blame(c, m);
        printk("lies over %s at %#lx-%#lx: load it elsewhere and correct reg\n", what,
               (unsigned long)start, (unsigned long)end);
    }
}

/*
 * Boot loaders reserve the modules that they know themselves (an initrd, say): a reservation of
 * just the pages of a module is no fault.
 */
static int modules_check_reserved(void *context, const char *what, uint64_t start, uint64_t end)
{
    struct modules_check *c = context;
    const struct boot_module *m = c->module;
    bool is_module = start >= round_down(m->start, CHECK_PAGE) &&
                     end <= round_up(m->start + m->size, CHECK_PAGE) && start <= m->start &&
                     end >= m->start + m->size;

    if (!is_module) {
        modules_check_overlap(c, what, start, end);
    }
    return 0;
}

static void modules_check_one(struct modules_check *c, const struct modules_layout *layout)
{
    const struct boot_module *m = c->module;
    uint64_t end;

    if (m->size == 0) {
        modules_blame(c, m);
        printk("its size is 0: write the size of the file into reg\n");
        return;
    }
    if (add_overflows(m->start, m->size, &end) || !rangeset_contains(layout->ram, m->start, end)) {
        modules_blame(c, m);
        printk("is not all in RAM: correct reg, or load it where memory is\n");
        return;
    }
    modules_check_overlap(c, "the hypervisor", layout->image_start, layout->image_end);
    modules_check_overlap(c, "the device tree", layout->fdt_start, layout->fdt_end);
    if (dt_walk_reserved(c->t, modules_check_reserved, c) != 0) {
        printk(XENLOG_ERR "The device tree's reserved memory is malformed: correct its reg\n");
        c->faults++;
    }
}

int modules_check(const struct dt *t, const struct boot_modules *m,
                  const struct modules_layout *layout)
{
    struct modules_check c = {.t = t};

    for (uint32_t i = 0; i < m->count; i++) {
        c.module = &m->module[i];
        modules_check_one(&c, layout);
        for (uint32_t j = 0; j < i; j++) {
            const struct boot_module *other = &m->module[j];
            uint64_t end;

            if (!add_overflows(other->start, other->size, &end)) {
                modules_check_overlap(&c, modules_kind_name(other->kind), other->start, end);
            }
        }
    }
    return c.faults == 0 ? 0 : -EINVAL;
}
