/* SPDX-License-Identifier: Apache-2.0 */
/* From assembly to the core: says what is wrong if the CPU was entered at the wrong exception
 * level, or hands over to xen_main. */
#include <arch/cpu.h>
#include <arch/mm.h>
#include <asm/boot.h>
#include <asm/cpu.h>
#include <xen/cpu.h>
#include <xen/dt.h>
#include <xen/early_uart.h>
#include <xen/hyp_map.h>
#include <xen/trap.h>

/* The boot CPU in C, MMU on. fdt and image are physical addresses. */
void __noreturn boot_main(paddr_t fdt, paddr_t image)
{
    image_phys_offset = image - IMAGE_START;
    hyp_stacks_init();
    cpu_init_el2();
    xen_main(fdt);
}

void __noreturn boot_secondary(void)
{
    arch_hyp_switch();
    cpu_init_el2();
    xen_main_secondary();
}

void arch_early_console(const struct dt *t)
{
    (void)early_uart_console(t);
}

/* MMU off, addresses are physical: no pointers from data here. */
void boot_wrong_level(paddr_t fdt, uint64_t level)
{
    struct early_uart uart;

    if (fdt == 0 || dt_open(&dt_host, (const void *)(uintptr_t)fdt, FDT_MAX_SIZE) != 0 ||
        !early_uart_find(&dt_host, &uart)) {
        return;
    }
    early_uart_puts(&uart, "(XEN) Xenolith was entered at EL");
    early_uart_putc(&uart, (char)('0' + level));
    early_uart_puts(&uart, ", not at EL2, so the CPU's virtualization cannot be used.\r\n"
                           "(XEN) QEMU: add virtualization=on to -machine; on a board: let the "
                           "firmware enter EL2. Halted.\r\n");
}
