/* The end: say what happened, where, and in which build; stop the other CPUs; restart unless told
 * not to. */
#include <xen/console.h>
#include <xen/cpu.h>
#include <xen/dt.h>
#include <xen/format.h>
#include <xen/hypercall.h>
#include <xen/memmap.h>
#include <xen/opt.h>
#include <xen/printk.h>
#include <xen/time.h>
#include <xen/trap.h>

#define RESTART_SECONDS 5

static uint32_t panics;
static bool reading_told;

static void print_build_id(void)
{
    const uint8_t *id;
    size_t n = xen_build_id(&id);

    printk(XENLOG_ERR "build-id: ");
    for (size_t i = 0; i < n; i++) {
        printk(XENLOG_ERR "%02x", id[i]);
    }
    printk(XENLOG_ERR "\n");
}

/* While booting: where in the device tree. Once, so that a fault in here ends. */
static bool print_reading(void)
{
    char path[128];

    if (dt_reading == NULL || reading_told) {
        return false;
    }
    reading_told = true;
    printk(XENLOG_ERR "Stopped while reading %s of the device tree, or soon after\n",
           dt_full_path(&dt_host, dt_reading, path, sizeof(path)));
    return true;
}

void panic(const char *fmt, ...)
{
    char text[320];
    va_list args;

    /* A second panic, on another CPU or inside this one, must not disturb the first. */
    if (atomic_fetch_add(&panics, 1u) != 0) {
        arch_cpu_halt();
    }
    cpu_halt_others();
    console_force_unlock();
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    printk(XENLOG_ERR "\n****************************************\n");
    printk(XENLOG_ERR "Panic on CPU %u:\n", this_cpu()->id);
    printk(XENLOG_ERR "%s", text);
    (void)print_reading();
    arch_dump_stack();
    print_build_id();
    printk(XENLOG_ERR "****************************************\n");
    if (!opt.noreboot) {
        printk(XENLOG_ERR "Reboot in %d seconds...\n", RESTART_SECONDS);
        time_delay(SECONDS(RESTART_SECONDS));
        arch_machine_reset();
    }
    printk(XENLOG_ERR "Halted: reset the machine by hand\n");
    arch_cpu_halt();
}

void hyp_fault_begin(void)
{
    if (console_fault()) {
        /* Whatever was being said, be it a panic, nobody has read: the next console says this. */
        console_force_unlock();
        atomic_store(&panics, 0u);
        reading_told = false;
        printk(XENLOG_ERR
               "The console before does not answer: correct /chosen/stdout-path, or give "
               "dtuart=\n");
    }
}

void hyp_fault(const char *what, uint64_t syndrome, uint64_t address, uint64_t pc)
{
    if (print_reading()) {
        memmap_explain(address);
    }
    panic("%s: syndrome %#lx, address %#lx, PC %#lx\n", what, syndrome, address, pc);
}
