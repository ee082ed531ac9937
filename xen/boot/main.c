/* SPDX-License-Identifier: Apache-2.0 */
/* The boot, as a list that one can read. Each step finds what the ones before it made. */
#include <arch/cpu.h>
#include <arch/irq.h>
#include <arch/mm.h>
#include <arch/p2m.h>
#include <arch/vcpu.h>
#include <xen/cmdline.h>
#include <xen/console.h>
#include <xen/construct.h>
#include <xen/cpu.h>
#include <xen/debug.h>
#include <xen/dt.h>
#include <xen/errno.h>
#include <xen/grant.h>
#include <xen/hyp_map.h>
#include <xen/hypercall.h>
#include <xen/irq.h>
#include <xen/keys.h>
#include <xen/memmap.h>
#include <xen/modules.h>
#include <xen/page_alloc.h>
#include <xen/printk.h>
#include <xen/sched.h>
#include <xen/string.h>
#include <xen/time.h>
#include <xen/trap.h>
#include <xen/uart.h>
#include <xen/vpl011.h>

/* Map the tree and open it; the early console comes with it, or without. */
static void boot_open_device_tree(paddr_t fdt)
{
    const uint8_t *header = (fdt & 7u) == 0 ? hyp_map_early(fdt, FDT_HEADER_SIZE) : NULL;
    uint32_t size = header == NULL ? 0 : fdt_be32(header + FDT_TOTAL_SIZE);
    const void *base =
        size >= FDT_HEADER_SIZE && size <= FDT_MAX_SIZE ? hyp_map_early(fdt, size) : NULL;
    int rc = base != NULL ? dt_open(&dt_host, base, size) : -ENOEXEC;

    arch_early_console(rc == 0 ? &dt_host : NULL);
    cmdline_parse(rc == 0 ? modules_xen_cmdline(&dt_host) : NULL);
    if (rc != 0) {
        panic("The device tree at %#lx is not usable: %s; it was read up to byte %#x. The boot "
              "loader must pass its address in the first argument register\n",
              fdt, fdt_strerror(rc), dt_host.at);
    }
}

/* No memory of the modules is free; each must lie where it may. */
static void boot_reserve_modules(paddr_t fdt, uint64_t fdt_size)
{
    struct modules_layout layout = {
        .ram = &host_memmap.ram,
        .image_start = arch_image_start(),
        .image_end = arch_image_end(),
        .fdt_start = fdt,
        .fdt_end = fdt + fdt_size,
    };

    if (modules_check(&dt_host, &boot_modules, &layout) != 0) {
        panic("Boot modules lie where they must not, see above: correct the boot script\n");
    }
    for (uint32_t i = 0; i < boot_modules.count; i++) {
        const struct boot_module *m = &boot_modules.module[i];

        memmap_keep(m->start, m->start + m->size, "a boot module");
    }
}

/* dt_cpu does not count these. */
static void boot_report_cpus(void)
{
    const struct dt_node *area = dt_path(&dt_host, "/cpus"), *n;
    struct dt_range reg;
    char path[96];

    if (area == NULL) {
        return;
    }
    dt_for_each_child(&dt_host, area, n) {
        const char *type = dt_string(&dt_host, n, "device_type");

        if (type != NULL && strcmp(type, "cpu") == 0 && dt_reg_raw(&dt_host, n, 0, &reg) != 0) {
            printk(XENLOG_WARNING "%s: its reg is not usable: left out\n",
                   dt_full_path(&dt_host, n, path, sizeof(path)));
        }
    }
}

/* What every CPU does for itself. */
static void boot_init_cpu(void)
{
    struct cpu *c = this_cpu();

    timer_init_cpu(c);
    arch_irq_init_cpu(c);
    arch_time_init_cpu();
    sched_init_cpu(c);
    c->online = true;
    arch_cpu_init(c);
}

/* Where in the device tree the boot has come to. */
static bool main_context(const uint64_t *fault)
{
    char path[128];

    if (dt_reading == NULL) {
        return false;
    }
    printk(XENLOG_ERR "Stopped while reading %s of the device tree, or soon after\n",
           dt_full_path(&dt_host, dt_reading, path, sizeof(path)));
    if (fault != NULL) {
        memmap_explain(*fault);
    }
    return true;
}

/* What is never the allocator's, of all that is free. */
static void boot_take_memory(struct rangeset *free)
{
    console_take_ring(free);
    dom0_memory_choose(free);
}

void xen_main(paddr_t fdt)
{
    uart_init_early();
    panic_context = main_context;
    boot_open_device_tree(fdt);
    if (modules_find(&dt_host, &boot_modules) != 0) {
        panic("/chosen does not describe usable boot modules: see above\n");
    }
    memmap_init(fdt, dt_host.fdt.size);
    boot_reserve_modules(fdt, dt_host.fdt.size);
    hyp_map_init();
    page_alloc_init(boot_take_memory);
    uart_init();
    printk("%s\n", xen_banner());
    cmdline_report();
    modules_report(&dt_host, &boot_modules);
    boot_report_cpus();
    if (time_init() != 0) {
        panic("The device tree gives the counter %lu Hz: 1 to 2^32-1 can be (/cpus, "
              "timebase-frequency)\n",
              arch_counter_hz());
    }
    arch_cpu_discover();
    irq_init();
    arch_irq_init();
    console_init_irq(keys_handle);
    sched_init(opt.sched);
    grant_init();
    vpl011_init();
    arch_p2m_init();
    boot_init_cpu();
    irq_init_holding();
    cpu_start_all();
    if (XEN_DEBUG) {
        debug_init();
    }
    construct_dom0();
    dt_reading = NULL;
    arch_vcpu_resume(guest_exit(NULL));
}

void xen_main_secondary(void)
{
    boot_init_cpu();
    arch_vcpu_resume(guest_exit(NULL));
}
