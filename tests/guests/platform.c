/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The small interfaces of dom0: platform_op, physdev_op, hvm_op parameters.
 */
#include <guest/hypercall.h>
#include <guest/port.h>
#include <guest/print.h>
#include <guest/test.h>
#include <public/errno.h>
#include <public/hvm/hvm_op.h>
#include <public/hvm/params.h>
#include <public/physdev.h>
#include <public/platform.h>

static void *const bad = (void *)(uintptr_t)0x7000000000UL;

static void test_platform(void)
{
    static struct xen_platform_op op;
    op.cmd = XENPF_settime64;
    op.interface_version = XENPF_INTERFACE_VERSION;
    op.u.settime64 = (struct xenpf_settime64){.secs = 1700000000};
    check_eq("platform_op, unmapped", platform_op(bad), -XEN_EFAULT);
    check_eq("settime64", platform_op(&op), 0);
    op.u.settime64.mbz = 1;
    check_eq("settime64, mbz", platform_op(&op), -XEN_EINVAL);
    op.cmd = 99;
    check_eq("platform_op 99", platform_op(&op), -XEN_ENOSYS);
    op.interface_version = 1;
    check_eq("platform_op of another version", platform_op(&op), -XEN_EACCES);
}

static void test_physdev(void)
{
    static uint64_t zero[8];
    for (unsigned int cmd = 0; cmd < 40; cmd++) {
        if (physdev_op(cmd, zero) != -XEN_ENOSYS) {
            print("# physdev %u: %ld\n", cmd, physdev_op(cmd, zero));
        }
    }
    check_eq("pci_device_add", physdev_op(PHYSDEVOP_pci_device_add, zero), -XEN_ENOSYS);
    check_eq("manage_pci_add", physdev_op(PHYSDEVOP_manage_pci_add, zero), -XEN_ENOSYS);
    check_eq("pci_device_add, unmapped", physdev_op(PHYSDEVOP_pci_device_add, bad), -XEN_ENOSYS);
    check_eq("physdev 99", physdev_op(99, zero), -XEN_ENOSYS);
}

static int64_t param(unsigned int op, domid_t domain, uint32_t index, uint64_t *value)
{
    struct xen_hvm_param arg = {.domid = domain, .index = index, .value = *value};
    int64_t rc = hvm_op(op, &arg);
    *value = arg.value;
    return rc;
}

static void test_params(void)
{
    uint64_t value = 0;
    check_eq("hvm_op, unmapped", hvm_op(HVMOP_get_param, bad), -XEN_EFAULT);
    check_eq("hvm_op 99", hvm_op(99, &value), -XEN_ENOSYS);
    check_eq("get STORE_EVTCHN", param(HVMOP_get_param, DOMID_SELF, HVM_PARAM_STORE_EVTCHN, &value),
             0);
    check_eq("STORE_EVTCHN", (int64_t)value, 0);
    check_eq("get CALLBACK_IRQ", param(HVMOP_get_param, DOMID_SELF, HVM_PARAM_CALLBACK_IRQ, &value),
             0);
    print("# callback 0x%lx\n", value);
    check_eq("CALLBACK_IRQ", (int64_t)(value & 0xff), port_event_irq());
    check_eq("get of nobody", param(HVMOP_get_param, 77, 1, &value), -XEN_ESRCH);
    check_eq("get 39", param(HVMOP_get_param, DOMID_SELF, HVM_NR_PARAMS, &value), -XEN_EINVAL);
    check_eq("get -1", param(HVMOP_get_param, DOMID_SELF, ~0U, &value), -XEN_EINVAL);
    unsigned int readable = 0;
    for (uint32_t index = 0; index < HVM_NR_PARAMS; index++) {
        readable += param(HVMOP_get_param, DOMID_SELF, index, &value) == 0;
    }
    check_eq("readable by the domain", readable, 5);
    check_eq("get MONITOR_RING_PFN",
             param(HVMOP_get_param, DOMID_SELF, HVM_PARAM_MONITOR_RING_PFN, &value), -XEN_EPERM);
    check_eq("get IDENT_PT", param(HVMOP_get_param, DOMID_SELF, HVM_PARAM_IDENT_PT, &value),
             -XEN_EINVAL);
    check_eq("set our own STORE_PFN",
             param(HVMOP_set_param, DOMID_SELF, HVM_PARAM_STORE_PFN, &value), -XEN_EPERM);
    check_eq("set our own CALLBACK_IRQ",
             param(HVMOP_set_param, DOMID_SELF, HVM_PARAM_CALLBACK_IRQ, &value), -XEN_EPERM);
    check_eq("set of nobody", param(HVMOP_set_param, 77, 1, &value), -XEN_ESRCH);
    check_eq("set -1", param(HVMOP_set_param, DOMID_SELF, ~0U, &value), -XEN_EINVAL);
}

void guest_main(void)
{
    test_platform();
    test_physdev();
    test_params();
}
