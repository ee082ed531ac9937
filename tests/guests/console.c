/* SPDX-License-Identifier: Apache-2.0 */
/*
 * console_io: writing, reading without input, bad arguments.
 */
#include <guest/hypercall.h>
#include <guest/memory.h>
#include <guest/port.h>
#include <guest/test.h>
#include <public/errno.h>

static void *const bad = (void *)(uintptr_t)0x7000000000UL;

void guest_main(void)
{
    static char text[] = "# written\n";
    char *page = page_alloc();
    check_eq("write", console_io(CONSOLEIO_write, sizeof(text) - 1, text), 0);
    check_eq("write nothing", console_io(CONSOLEIO_write, 0, text), 0);
    check_eq("write nothing, nowhere", console_io(CONSOLEIO_write, 0, bad), 0);
    check_eq("write from nowhere", console_io(CONSOLEIO_write, 1, bad), -XEN_EFAULT);
    check_eq("write null", console_io(CONSOLEIO_write, 1, NULL), -XEN_EFAULT);
    char *end = (char *)port_map(0, port_physical(page), true) + PAGE_SIZE - 10;
    memcpy(end, "# partly\n", 9);
    end[9] = '\n';
    check_eq("write beyond a mapping", console_io(CONSOLEIO_write, 100, end), -XEN_EFAULT);
    check_known("write -1 bytes", console_io(CONSOLEIO_write, ~0U, end), -XEN_EINVAL, -XEN_EFAULT,
                "a count is an int");
    memset(page, '.', 3000);
    page[2999] = '\n';
    check_eq("write much", console_io(CONSOLEIO_write, 3000, page), 0);
    check_eq("read without input", console_io(CONSOLEIO_read, 16, page), 0);
    check_eq("read nothing", console_io(CONSOLEIO_read, 0, page), 0);
    check_eq("read without input to nowhere", console_io(CONSOLEIO_read, 16, bad), 0);
    check_eq("command 2", console_io(2, 0, page), -XEN_ENOSYS);
    check_eq("command -1", console_io(~0U, 0, page), -XEN_ENOSYS);
}
