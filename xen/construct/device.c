/* SPDX-License-Identifier: Apache-2.0 */
/* The host's devices for dom0: register ranges into its p2m, interrupts routed to it, and what it
 * may give to guests, which is no more than the device tree has. What is ours stays hidden. */
#include <arch/domain.h>
#include <arch/irq.h>
#include <arch/mm.h>
#include <xen/domain.h>
#include <xen/dt.h>
#include <xen/errno.h>
#include <xen/irq.h>
#include <xen/lib.h>
#include <xen/memmap.h>
#include <xen/modules.h>
#include <xen/printk.h>
#include <xen/rangeset.h>
#include <xen/string.h>
#include <xen/uart.h>

#include "construct.h"

static const char *const never[] = {"xen,multiboot-module", "multiboot,module", "xen,domain",
                                    "xen,hypervisor", NULL};

/* The pages of the console's UART; its neighbours there (the Raspberry Pi's aux block): who had one
 * would have the other. */
static struct range console;
static const struct dt_node *beside[8];
static uint32_t nr_beside;

static bool device_on_console_page(paddr_t start, paddr_t end)
{
    return ranges_overlap(start, end, console.start, console.end);
}

static void device_find_beside_console(void)
{
    const struct dt_node *uart = uart_node(), *n;
    struct dt_range reg;

    if (uart == NULL || dt_reg(&dt_host, uart, 0, &reg) != 0) {
        return;
    }
    console.start = round_down(reg.start, PAGE_SIZE);
    console.end = round_up(reg.start + min_u64(reg.size, PAGE_SIZE), PAGE_SIZE);
    /* Any status: a device that is off has its registers there, and dom0 might switch it on. */
    dt_for_each_child_any(&dt_host, dt_parent(&dt_host, uart), n) {
        for (uint32_t i = 0; n != uart && dt_reg(&dt_host, n, i, &reg) == 0; i++) {
            if (device_on_console_page(reg.start, reg.start + reg.size) &&
                nr_beside < ARRAY_SIZE(beside)) {
                beside[nr_beside++] = n;
                break;
            }
        }
    }
}

/* Nodes whose registers nobody gets. */
static const struct dt_node *kept[64];
static uint32_t nr_kept;

static void device_keep(const struct dt_node *n)
{
    if (nr_kept < ARRAY_SIZE(kept)) {
        kept[nr_kept] = n;
    }
    nr_kept++; /* beyond the end: device_deny_all gives nothing away */
}

static bool device_beside_console(const struct dt_node *n)
{
    for (uint32_t i = 0; i < nr_beside; i++) {
        if (beside[i] == n) {
            return true;
        }
    }
    return false;
}

/* Nobody's but ours: interrupt controllers, timers, firmware, the console and its neighbours. */
static bool device_is_kept(const struct dt_node *n)
{
    return arch_dt_skip(n) || arch_dt_is_intc(n) || n == uart_node() || device_beside_console(n);
}

/* For a guest, itself or what it is in: dom0 gives it away, but does not get it. */
static bool device_is_spared(const struct dt_node *n)
{
    while (n != NULL && !dt_has(&dt_host, n, "xen,passthrough")) {
        n = dt_parent(&dt_host, n);
    }
    return n != NULL;
}

bool device_hidden(const struct dt_node *n)
{
    const char *type = dt_string(&dt_host, n, "device_type");

    return n == uart_node() || device_beside_console(n) || arch_dt_skip(n) ||
           dt_compatible_any(&dt_host, n, never) || device_is_spared(n) ||
           (type != NULL && strcmp(type, "memory") == 0) ||
           (dt_parent(&dt_host, n) == dt_root(&dt_host) &&
            (strcmp(dt_name(&dt_host, n), "chosen") == 0 ||
             strcmp(dt_name(&dt_host, n), "cpus") == 0 ||
             strcmp(dt_name(&dt_host, n), "hypervisor") == 0));
}

/* Does memory of the firmware hold what was never the firmware's, or is not for long? */
static bool device_is_ours(paddr_t start, paddr_t end)
{
    bool ours = ranges_overlap(start, end, arch_image_start(), arch_image_end());

    for (uint32_t i = 0; i < boot_modules.count && !ours; i++) {
        const struct boot_module *m = &boot_modules.module[i];

        ours = ranges_overlap(start, end, m->start, m->start + m->size);
    }
    return ours;
}

/* Why dom0 cannot have a range of whole pages; NULL: it can. */
static const char *device_refusal(paddr_t start, paddr_t end, uint8_t flags)
{
    if (end <= start || end > 1ul << arch_p2m_ipa_bits()) {
        return "is beyond dom0's address space";
    }
    if (device_on_console_page(start, end)) {
        return "is the console's";
    }
    if ((flags & P2M_CACHED) != 0) {
        return device_is_ours(start, end) ? "has the hypervisor or a boot module in it" : NULL;
    }
    return memmap_has_ram(start, end) ? "is RAM, at least in part" : NULL;
}

/* dom0 may give these to guests. */
static void device_permit(struct rangeset *set, uint64_t start, uint64_t end,
                          const struct dt_node *n)
{
    char path[96];

    if (rangeset_add(set, start, end) != 0) {
        printk(XENLOG_WARNING "%s: guests cannot be given %#lx-%#lx: too many ranges\n",
               dt_full_path(&dt_host, n, path, sizeof(path)), start, end);
    }
}

/*
 * For dom0 to use, unless it is spared, and to give to guests. P2M_CACHED: memory of the firmware,
 * which memmap has reserved; dom0 chooses how to access it, and keeps it.
 */
static void device_map_range(struct domain *d, const struct dt_node *n, paddr_t start,
                             uint64_t size, uint8_t flags)
{
    paddr_t end =
        round_up_overflows(start + size, PAGE_SIZE) ? PAGE_MASK : round_up(start + size, PAGE_SIZE);
    const char *why;
    char path[96];
    int rc;

    start = round_down(start, PAGE_SIZE);
    if (size == 0 || arch_domain_emulates(d, start, end)) {
        return;
    }
    why = device_refusal(start, end, flags);
    if (why != NULL) {
        printk(XENLOG_WARNING "%s: %#lx-%#lx %s: left out\n",
               dt_full_path(&dt_host, n, path, sizeof(path)), start, end, why);
        return;
    }
    if ((flags & P2M_CACHED) == 0) {
        device_permit(d->iomem, start >> PAGE_SHIFT, end >> PAGE_SHIFT, n);
    }
    if (device_is_spared(n)) {
        return;
    }
    rc = p2m_map(d, gfn(start >> PAGE_SHIFT), (end - start) >> PAGE_SHIFT,
                 (struct p2m_leaf){.mfn = mfn(start >> PAGE_SHIFT),
                                   .kind = P2M_MMIO,
                                   .flags = (uint8_t)(P2M_WRITE | flags)});
    if (rc != 0) {
        panic("Cannot map %#lx-%#lx of %s for dom0: %d\n", start, end,
              dt_full_path(&dt_host, n, path, sizeof(path)), rc);
    }
}

/* The same for an interrupt; a spared one stays free. */
static void device_route(struct domain *d, const struct dt_node *n, const struct dt_irq *irq)
{
    char path[96];
    bool edge;
    int number, rc;

    if (!arch_dt_is_intc(irq->controller)) {
        return; /* a controller of dom0's own, whose parent interrupt is routed */
    }
    number = arch_dt_irq(irq->cells, irq->count, &edge);
    if (number < (int)arch_irq_first_shared()) {
        return; /* private interrupts belong to the CPUs: timers, PMU */
    }
    irq_describe((unsigned int)number, edge);
    device_permit(d->irqs, (unsigned int)number, (unsigned int)number + 1u, n);
    if (device_is_spared(n)) {
        return;
    }
    rc = irq_assign(d, (unsigned int)number, (unsigned int)number);
    if (rc == -EBUSY && !irq_is_own((unsigned int)number)) {
        return; /* shared between devices of dom0 */
    }
    if (rc != 0) {
        printk(XENLOG_WARNING "%s: interrupt %d is not available to dom0 (%d)%s\n",
               dt_full_path(&dt_host, n, path, sizeof(path)), number, rc,
               irq_is_own((unsigned int)number) ? ": the console has it" : "");
    }
}

/* Just what is reserved: that its addresses are not translated is memmap's rule, too. */
static void device_assign_reservation(struct domain *d, const struct dt_node *n)
{
    struct dt_range reg;

    for (uint32_t i = 0; dt_reg_raw(&dt_host, n, i, &reg) == 0; i++) {
        device_map_range(d, n, reg.start, reg.size, P2M_CACHED);
    }
}

static void device_assign(struct domain *d, const struct dt_node *n)
{
    struct dt_range reg;
    struct dt_window w;
    struct dt_irq irq;

    for (uint32_t i = 0; dt_reg(&dt_host, n, i, &reg) == 0; i++) {
        device_map_range(d, n, reg.start, reg.size,
                         dt_is_framebuffer(&dt_host, n) ? P2M_CACHED : 0);
    }
    if (dt_string(&dt_host, n, "device_type") != NULL &&
        strcmp(dt_string(&dt_host, n, "device_type"), "pci") == 0) {
        for (uint32_t i = 0; dt_window(&dt_host, n, i, &w) == 0; i++) {
            device_map_range(d, n, w.start, w.size, 0);
        }
        for (uint32_t at = 0; dt_irq_map(&dt_host, n, &at, &irq) == 0;) {
            device_route(d, n, &irq);
        }
    }
    for (uint32_t i = 0; dt_irq(&dt_host, n, i, &irq) == 0; i++) {
        device_route(d, n, &irq);
    }
}

/* dom0 may not give these frames to a guest. */
static void device_deny(struct domain *d, paddr_t start, paddr_t end)
{
    if (start < end &&
        rangeset_remove(d->iomem, start >> PAGE_SHIFT, ((end - 1u) >> PAGE_SHIFT) + 1u) != 0) {
        printk(XENLOG_WARNING "Too many ranges: guests cannot be given device memory\n");
        d->iomem->count = 0;
    }
}

static void device_deny_subtree(struct domain *d, const struct dt_node *n)
{
    struct dt_range reg;

    for (const struct dt_node *m = n; m <= dt_last(&dt_host, n); m++) {
        for (uint32_t i = 0; dt_reg(&dt_host, m, i, &reg) == 0; i++) {
            device_deny(d, reg.start, reg.start + reg.size);
        }
    }
}

/* After all that permits: nodes overlap, and pages hold what is ours beside what is not. */
static void device_deny_all(struct domain *d)
{
    const struct rangeset *taken[] = {&host_memmap.ram, &host_memmap.reserved};
    const struct dt_node *n;

    for (uint32_t i = 0; i < ARRAY_SIZE(taken); i++) {
        for (uint32_t k = 0; k < taken[i]->count; k++) {
            device_deny(d, taken[i]->ranges[k].start, taken[i]->ranges[k].end);
        }
    }
    device_deny(d, console.start, console.end);
    /* Any status: what machine mode has of a controller may be marked as off. */
    dt_for_each_node_any(&dt_host, n) {
        if (!dt_available(&dt_host, n) && device_is_kept(n)) {
            device_deny_subtree(d, n);
        }
    }
    for (uint32_t i = 0; i < min_u32(nr_kept, ARRAY_SIZE(kept)); i++) {
        device_deny_subtree(d, kept[i]);
    }
    if (nr_kept > ARRAY_SIZE(kept)) {
        printk(XENLOG_WARNING "Too many controllers: guests cannot be given device memory\n");
        d->iomem->count = 0;
    }
}

/* A subtree that dom0 does not get, but what is not ours it may give away. */
static void device_spare(struct domain *d, const struct dt_node *n)
{
    for (const struct dt_node *m = n; m <= dt_last(&dt_host, n); m++) {
        if (device_is_kept(m)) {
            device_keep(m);
            m = dt_last(&dt_host, m);
        } else {
            device_assign(d, m);
        }
    }
}

void device_assign_all(struct domain *d)
{
    const struct dt_node *n;
    char path[96];

    d->has_devices = true;
    device_find_beside_console();
    /* The rest of /chosen is ours. */
    dt_for_each_child(&dt_host, dt_path(&dt_host, "/chosen"), n) {
        if (dt_is_framebuffer(&dt_host, n)) {
            device_assign(d, n);
        }
    }
    dt_for_each_node(&dt_host, n) {
        if (device_hidden(n) || arch_dt_is_intc(n)) {
            if (device_beside_console(n)) {
                printk("d0 does not get %s: it shares a page with the console's UART\n",
                       dt_full_path(&dt_host, n, path, sizeof(path)));
            }
            if (device_is_spared(n)) {
                device_spare(d, n);
            } else {
                device_keep(n);
            }
            n = dt_last(&dt_host, n);
        } else if (dt_is_reservation(&dt_host, n)) {
            device_assign_reservation(d, n);
        } else {
            device_assign(d, n);
        }
    }
    device_deny_all(d);
}
