/* SPDX-License-Identifier: Apache-2.0 */
/* From assembly to the core; and what is said when the hart was entered in a way that cannot
 * work. */
#include <arch/cpu.h>
#include <arch/mm.h>
#include <asm/boot.h>
#include <asm/sbi.h>
#include <xen/cpu.h>
#include <xen/dt.h>
#include <xen/early_uart.h>
#include <xen/hyp_map.h>
#include <xen/trap.h>
#include <xen/uart.h>

/* The boot CPU in C, paging on. fdt and image are physical addresses. */
void __noreturn boot_main(paddr_t fdt, paddr_t image, uint64_t hartid)
{
    image_phys_offset = image - IMAGE_START;
    hyp_stacks_init();
    cpus[0].arch.hartid = hartid;
    xen_main(fdt);
}

void __noreturn boot_secondary(void)
{
    cpu_init_hs();
    xen_main_secondary();
}

static bool sbi_putc(char c)
{
    return (c != '\n' || sbi_console_putc('\r')) && sbi_console_putc(c);
}

/* Without a tree the firmware knows better than the board's constants what its console is. */
void arch_early_console(const struct dt *t)
{
    if ((t == NULL && sbi_console_putc('\r')) || !early_uart_console(t)) {
        console_early_putc = sbi_putc;
    }
}

/* Paging is off, addresses are physical: no pointers from data here. */
void boot_no_paging(paddr_t fdt)
{
    struct early_uart uart;

    if (fdt == 0 || dt_open(&dt_host, (const void *)(uintptr_t)fdt, FDT_MAX_SIZE) != 0 ||
        !early_uart_find(&dt_host, &uart)) {
        return;
    }
    early_uart_puts(&uart, "(XEN) Xenolith cannot turn on paging (Sv39): it was entered in M-mode, "
                           "or this hart has no MMU.\r\n"
                           "(XEN) It needs an SBI firmware below it, such as OpenSBI. QEMU: leave "
                           "away -bios none and use -kernel. Halted.\r\n");
}
