/* SPDX-License-Identifier: Apache-2.0 */
/* Which hart's interrupt a controller's output is, by the device tree: interrupts-extended names
 * the harts' own controllers, children of the cpu nodes. Read from the host's tree, written for a
 * guest's. */
#include <asm/irqchip.h>
#include <xen/domain.h>
#include <xen/dt.h>
#include <xen/errno.h>
#include <xen/fdt_build.h>

#define TARGETS_MAX 15872u /* contexts of a PLIC [RVPLIC 3]; no tree has so many harts */

int intc_dt_target(const struct dt_node *node, uint32_t index, uint64_t *hart, uint32_t *irq)
{
    const struct dt_node *cpu;
    struct dt_range reg;
    struct dt_irq entry;
    int rc = dt_irq(&dt_host, node, index, &entry);

    if (rc != 0) {
        return -ENOENT; /* also where the list is damaged: nobody knows what follows */
    }
    cpu = dt_parent(&dt_host, entry.controller);
    if (!dt_compatible(&dt_host, entry.controller, "riscv,cpu-intc") || cpu == NULL ||
        entry.count != 1 || dt_reg_raw(&dt_host, cpu, 0, &reg) != 0) {
        return -EINVAL;
    }
    *hart = reg.start;
    *irq = entry.cells[0];
    return 0;
}

uint32_t intc_dt_count(const struct dt_node *node)
{
    struct dt_irq entry;

    for (uint32_t i = 0; i < TARGETS_MAX; i++) {
        if (dt_irq(&dt_host, node, i, &entry) != 0) {
            return i;
        }
    }
    return TARGETS_MAX;
}

int intc_dt_index(const struct dt_node *node, uint64_t hart)
{
    for (uint32_t i = 0; i < TARGETS_MAX; i++) {
        uint64_t target;
        uint32_t irq;
        int rc = intc_dt_target(node, i, &target, &irq);

        if (rc == -ENOENT) {
            break;
        }
        if (rc == 0 && irq == IRQ_S_EXTERNAL && target == hart) {
            return (int)i;
        }
    }
    return -ENOENT;
}

void intc_dt_write_targets(const struct domain *d, uint32_t cpu_intc, struct fdt_builder *out)
{
    fdt_build_open(out, "interrupts-extended");
    for (uint32_t i = 0; i < d->max_vcpus; i++) {
        fdt_build_add(out, cpu_intc + i, 1);
        fdt_build_add(out, IRQ_S_EXTERNAL, 1);
    }
    fdt_build_close(out);
}
