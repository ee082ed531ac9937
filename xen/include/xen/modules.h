/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the boot loader put in memory for us: boot modules and command lines, described in /chosen
 * as in Xen's booting.txt. Finding and checking; what a module holds is the business of construct/.
 */
#pragma once

#include <xen/compiler.h>
#include <xen/dt.h>
#include <xen/rangeset.h>

#include <stdbool.h>
#include <stdint.h>

#define MODULES_MAX 64

enum module_kind {
    MODULE_KERNEL,
    MODULE_RAMDISK,
    MODULE_DEVICE_TREE,
    MODULE_XSM,
    MODULE_OTHER
};

struct boot_module {
    enum module_kind kind;
    uint64_t start; /* physical */
    uint64_t size;
    const struct dt_node *node;   /* NULL: a ramdisk given as linux,initrd-start/end */
    const struct dt_node *domain; /* its xen,domain node; NULL: of dom0 or the hypervisor */
    const char *bootargs;         /* of the node, NULL when it has none */
};

struct boot_modules {
    uint32_t count;
    struct boot_module module[MODULES_MAX];
    const char *xen_cmdline;  /* never NULL after modules_find */
    const char *dom0_cmdline; /* the same */
};

extern struct boot_modules boot_modules;

/*
 * Collect modules and command lines of /chosen in tree `t`. Prints what is wrong. -ENODEV: no
 * /chosen; -EINVAL: a module without a usable reg; -ENOSPC: more than MODULES_MAX. The tree must
 * stay where it is.
 */
int modules_find(const struct dt *t, struct boot_modules *m) __must_check;

/*
 * The command line for Xen alone, for use before the console works (it may name the console): what
 * modules_find will find. Never NULL.
 */
const char *modules_xen_cmdline(const struct dt *t);

/* Print what /chosen asks for in Xen's words and nobody here does, a warning for each node. */
void modules_report(const struct dt *t, const struct boot_modules *m);

/* What the modules must not touch, and where they must be. */
struct modules_layout {
    const struct rangeset *ram;
    uint64_t image_start; /* the hypervisor */
    uint64_t image_end;
    uint64_t fdt_start; /* the host's device tree */
    uint64_t fdt_end;
};

/*
 * Check placement: no module empty, wrapping, outside RAM, over another module, the hypervisor, the
 * device tree or reserved memory. Prints every fault with names, addresses and what to change;
 * -EINVAL if there was one.
 */
int modules_check(const struct dt *t, const struct boot_modules *m,
                  const struct modules_layout *layout) __must_check;

/* The first module of a kind that belongs to `domain` (NULL: dom0), or NULL. */
const struct boot_module *modules_get(const struct boot_modules *m, const struct dt_node *domain,
                                      enum module_kind kind);

/* Where the tree has it, as dt_full_path. */
const char *modules_path(const struct dt *t, const struct boot_module *m, char *buffer,
                         size_t size);
