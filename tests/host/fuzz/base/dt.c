/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random device trees: opened, walked in every way, asked everything. A tree that was accepted must
 * never lead outside its own bytes.
 */
#include "fuzz.h"
#include "host.h"

#include <xen/dt.h>
#include <xen/modules.h>
#include <xen/string.h>

static struct dt tree;
static struct boot_modules modules;
static volatile unsigned int sum; /* keeps the compiler from dropping what is asked */

/* Touches every byte that a property promises. */
static unsigned int fuzz_prop(const struct fdt_prop *p)
{
    unsigned int bytes = (unsigned int)strlen(p->name);
    const char *s;

    for (uint32_t i = 0; i < p->len; i++) {
        bytes += p->data[i];
    }
    fdt_for_each_string(p, s) {
        bytes += (unsigned int)strlen(s);
    }
    return bytes + fdt_has_string(p, "okay");
}

static void fuzz_node(const struct dt_node *n)
{
    char path[64];
    struct fdt_prop p;
    struct dt_range range;
    struct dt_window window;
    struct dt_irq irq;

    dt_for_each_prop(&tree, n, &p) {
        sum += fuzz_prop(&p);
    }
    for (uint32_t i = 0; i < 8; i++) {
        sum += (unsigned int)dt_reg(&tree, n, i, &range);
        sum += (unsigned int)dt_reg_raw(&tree, n, i, &range);
        sum += (unsigned int)dt_window(&tree, n, i, &window);
        sum += (unsigned int)dt_irq(&tree, n, i, &irq);
    }
    for (uint32_t at = 0; dt_irq_map(&tree, n, &at, &irq) == 0;) {
        sum += irq.count;
    }
    sum += dt_available(&tree, n);
    sum += dt_parent(&tree, n) != NULL;
    dt_full_path(&tree, n, path, sizeof(path));
    sum += dt_path(&tree, path) != NULL;
}

static int fuzz_range(void *context, const char *what, uint64_t start, uint64_t end)
{
    uint64_t *total = context;

    *total += end - start + strlen(what);
    return 0;
}

static void fuzz_machine(void)
{
    struct range ram[4] = {{0x40000000, 0x80000000}};
    struct rangeset rs = {ram, 1, 4};
    struct modules_layout layout = {&rs, 0x40200000, 0x40300000, 0x48000000, 0x48100000};
    const char *options;
    struct dt_cpu cpu;
    uint64_t total = 0;

    (void)!dt_walk_memory(&tree, fuzz_range, &total);
    (void)!dt_walk_reserved(&tree, fuzz_range, &total);
    (void)!dt_walk_no_map(&tree, fuzz_range, &total);
    for (uint32_t i = 0; i < 4; i++) {
        (void)!dt_cpu(&tree, i, &cpu);
    }
    (void)dt_stdout(&tree, &options);
    (void)dt_path(&tree, "serial0/x@1:115200");
    (void)dt_find_compatible(&tree, NULL, "arm,pl011");
    if (modules_find(&tree, &modules) == 0) {
        (void)!modules_check(&tree, &modules, &layout);
        modules_report(&tree, &modules);
    }
    host_log_clear();
}

void fuzz_dt(const uint8_t *data, size_t size)
{
    uint8_t *blob = host_alloc(size);
    const struct dt_node *n;

    memcpy(blob, data, size);
    if (dt_open(&tree, blob, size) == 0) {
        /* Any status: all that was accepted is safe to read. */
        dt_for_each_node_any(&tree, n) {
            fuzz_node(n);
        }
        dt_for_each_node(&tree, n) {
            sum += dt_available(&tree, n);
        }
        fuzz_machine();
    }
    host_free(blob);
}
