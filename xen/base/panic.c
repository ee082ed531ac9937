/* SPDX-License-Identifier: Apache-2.0 */
/* The end: say what happened, where, and in which build; stop the other CPUs; restart unless told
 * not to. */
#include <xen/build_id.h>
#include <xen/cpu.h>
#include <xen/format.h>
#include <xen/opt.h>
#include <xen/printk.h>
#include <xen/time.h>
#include <xen/trap.h>

#define RESTART_SECONDS 5

static uint32_t panics;
static const struct cpu *panicking; /* who came first; atomic */
static bool ending;
static bool explained;
bool (*panic_context)(const uint64_t *fault);

static void panic_build_id(void)
{
    const uint8_t *id;
    size_t n = build_id(&id);

    printk(XENLOG_ERR "build-id: ");
    for (size_t i = 0; i < n; i++) {
        printk(XENLOG_ERR "%02x", id[i]);
    }
    printk(XENLOG_ERR "\n");
}

/* Once, so that a fault in there ends. */
static bool panic_explain(const uint64_t *fault)
{
    if (panic_context == NULL || explained) {
        return false;
    }
    explained = true;
    return panic_context(fault);
}

static void __noreturn panic_end(void)
{
    if (ending) {
        arch_cpu_halt();
    }
    ending = true;
    if (!opt.noreboot) {
        printk(XENLOG_ERR "Reboot in %d seconds...\n", RESTART_SECONDS);
        time_delay(SECONDS(RESTART_SECONDS));
        arch_machine_reset();
    }
    printk(XENLOG_ERR "Halted: reset the machine by hand\n");
    arch_cpu_halt();
}

/* A panic on another CPU must not disturb the first one; one inside it ends it. */
static void panic_claim(void)
{
    if (atomic_fetch_add(&panics, 1u) == 0) {
        atomic_store(&panicking, (const struct cpu *)this_cpu());
        return;
    }
    if (atomic_load(&panicking) != this_cpu()) {
        arch_cpu_halt();
    }
    panic_end();
}

void panic(const char *fmt, ...)
{
    char text[320];
    va_list args;

    panic_claim();
    cpu_halt_others();
    printk_without_lock();
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    printk(XENLOG_ERR "\n****************************************\n");
    printk(XENLOG_ERR "Panic on CPU %u:\n", this_cpu()->id);
    printk(XENLOG_ERR "%s", text);
    (void)panic_explain(NULL);
    arch_dump_stack();
    panic_build_id();
    printk(XENLOG_ERR "****************************************\n");
    panic_end();
}

void hyp_fault_begin(void)
{
    if (printk_sink != NULL && printk_sink->fault()) {
        /* Whatever was being said, be it a panic, nobody has read: the next console says this. */
        printk_without_lock();
        atomic_store(&panics, 0u);
        explained = false;
        ending = false;
        printk(XENLOG_ERR
               "The console before does not answer: correct /chosen/stdout-path, or give "
               "dtuart=\n");
    }
}

void hyp_fault(const char *what, uint64_t syndrome, uint64_t address, uint64_t pc)
{
    (void)panic_explain(&address);
    panic("%s: syndrome %#lx, address %#lx, PC %#lx\n", what, syndrome, address, pc);
}
