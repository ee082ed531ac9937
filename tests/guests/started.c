/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A vCPU that the tools start by setvcpucontext, with the context of their domain builder, has what
 * a vCPU has that the guest starts by its firmware: every register is compared.
 */
#include <guest/domain.h>
#include <guest/port.h>
#include <guest/print.h>
#include <guest/test.h>
#include <public/arch.h>

void guest_main(void)
{
    struct vcpu_guest_context context = {0};
    void *page;
    uint64_t size = (uint64_t)(port_probe_end - port_probe);
    domid_t domain = domain_make(2, port_probe, size, &page);
    port_first_context(&context, GUEST_RAM0_BASE, GUEST_RAM0_BASE + 4096);
    check_eq("the builder's context", domain_set_context(domain, 0, &context), 0);
    check("the domain ends", domain_run(domain));
    const volatile uint64_t *first = page;
    const volatile uint64_t *second = first + PORT_PROBE_WORDS;
    check_eq("vCPU 0 ran", (int64_t)first[0], 1);
    check_eq("and vCPU 1", (int64_t)second[0], 1);
    for (unsigned int i = 0; port_probe_names[i]; i++) {
        print("# %s 0x%lx 0x%lx\n", port_probe_names[i], first[i + 1], second[i + 1]);
        check_eq(port_probe_names[i], (int64_t)first[i + 1], (int64_t)second[i + 1]);
    }
    check_eq("destroy", domain_op(XEN_DOMCTL_destroydomain, domain), 0);
}
