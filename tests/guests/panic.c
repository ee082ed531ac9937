/* SPDX-License-Identifier: Apache-2.0 */
/* The hypervisor's end, asked for by a debug key, while another CPU prints without a break. */
#include <guest/hypercall.h>
#include <guest/memory.h>
#include <guest/port.h>
#include <guest/test.h>
#include <public/sysctl.h>
#include <public/xen.h>

static struct xen_sysctl sys;
static volatile unsigned int up;
static char text[2000];

static void run_print(void)
{
    for (unsigned int i = 0; i < sizeof(text); i++) {
        text[i] = i % 100U == 99U ? '\n' : '.';
    }
    for (;;) {
        (void)console_io(CONSOLEIO_write, sizeof(text), text);
        up++;
    }
}

void guest_main(void)
{
    static char keys[] = "C";

    check_eq("start", port_cpu_start(1, run_print), 0);
    while (up < 2) {
        port_relax();
    }
    sys.cmd = XEN_SYSCTL_debug_keys;
    sys.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    sys.u.debug_keys.keys = hypercall_pointer(keys);
    sys.u.debug_keys.nr_keys = 1;
    (void)sysctl(&sys);
}
