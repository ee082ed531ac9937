/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vcpu_op and vm_assist: registered areas, errors. As on Xen on Arm there are two operations, and
 * all others answer -EINVAL.
 */
#include <guest/event.h>
#include <guest/hypercall.h>
#include <guest/memory.h>
#include <guest/port.h>
#include <guest/print.h>
#include <guest/test.h>
#include <public/errno.h>
#include <public/sched.h>
#include <public/vcpu.h>

static void *const bad = (void *)(uintptr_t)0x7000000000UL;

static void test_arguments(void)
{
    static uint64_t zero[8];
    for (unsigned int cmd = 0; cmd < 18; cmd++) {
        bool known =
            cmd == VCPUOP_register_runstate_memory_area || cmd == VCPUOP_register_vcpu_info;
        print("# command %u\n", cmd);
        check_eq("unmapped argument", vcpu_op(cmd, 0, bad), known ? -XEN_EFAULT : -XEN_EINVAL);
        check_eq("vcpu 9", vcpu_op(cmd, 9, zero), -XEN_ENOENT);
    }
    check_eq("command -1", vcpu_op(~0U, 0, bad), -XEN_EINVAL);
    check_eq("a vcpu number has 32 bits", vcpu_op(VCPUOP_register_vcpu_info, 1UL << 32 | 9, zero),
             -XEN_ENOENT);
}

static void test_assist(void)
{
    check_eq("vm_assist", vm_assist(VMASST_CMD_enable, VMASST_TYPE_runstate_update_flag), 0);
    check_eq("vm_assist off", vm_assist(VMASST_CMD_disable, VMASST_TYPE_runstate_update_flag), 0);
    check_eq("vm_assist type 0", vm_assist(VMASST_CMD_enable, 0), -XEN_EINVAL);
    check_eq("vm_assist type 40", vm_assist(VMASST_CMD_enable, 40), -XEN_EINVAL);
    check_eq("vm_assist type -1", vm_assist(VMASST_CMD_enable, ~0U), -XEN_EINVAL);
    check_eq("vm_assist command 2", vm_assist(2, VMASST_TYPE_runstate_update_flag), -XEN_ENOSYS);
}

static void test_area(void)
{
    volatile struct vcpu_runstate_info *area = page_alloc();
    struct vcpu_register_runstate_memory_area arg = {.addr.v = (uint64_t)(uintptr_t)area};
    area->state = 9;
    check_eq("register area", vcpu_op(VCPUOP_register_runstate_memory_area, 0, &arg), 0);
    check_eq("written at once", area->state, RUNSTATE_running);
    check("with the time", area->state_entry_time > 0);
    struct sched_poll soon = {.timeout = area->state_entry_time + 50000000};
    check_eq("leave the CPU", sched_op(SCHEDOP_poll, &soon), 0);
    check("it has run", area->time[RUNSTATE_running] > 0);
    check_eq("and does again", area->state, RUNSTATE_running);
    arg.addr.v = port_unmapped;
    check_known("an unmapped area", vcpu_op(VCPUOP_register_runstate_memory_area, 0, &arg),
                -XEN_EFAULT, 0, "its page is held, so that it can be written at any time");
    arg.addr.v = (uint64_t)(uintptr_t)area + 4090;
    check_eq("an area across pages", vcpu_op(VCPUOP_register_runstate_memory_area, 0, &arg), 0);
    arg.addr.v = 0;
    check_eq("no area", vcpu_op(VCPUOP_register_runstate_memory_area, 0, &arg), 0);
    arg.addr.p = port_physical((const void *)(uintptr_t)area) + 256;
    check_eq("physical area", vcpu_op(VCPUOP_register_runstate_phys_area, 0, &arg), -XEN_EINVAL);
}

static int64_t place(uint64_t frame, uint32_t offset, uint32_t vcpu)
{
    struct vcpu_register_vcpu_info arg = {.mfn = frame, .offset = offset};
    return vcpu_op(VCPUOP_register_vcpu_info, vcpu, &arg);
}

static void test_info(void)
{
    volatile uint8_t *page = page_alloc();
    uint64_t frame = frame_of((const void *)(uintptr_t)page);
    evtchn_port_t port = (evtchn_port_t)event_bind_ipi(0);
    event_send(port);
    check_eq("vcpu_info across pages", place(frame, 4096 - 16, 0), -XEN_ENXIO);
    check_eq("vcpu_info not aligned", place(frame, 3, 0), -XEN_ENXIO);
    check_eq("vcpu_info nowhere", place(1UL << 52, 0, 0), -XEN_EINVAL);
    check_eq("register_vcpu_info", place(frame, 256, 0), 0);
    volatile struct vcpu_info *info = (volatile struct vcpu_info *)(uintptr_t)(page + 256);
    check_eq("pending moved with it", info->evtchn_upcall_pending, 1);
    check("and all selectors are set", info->evtchn_pending_sel == ~0UL);
    check_eq("a second time", place(frame, 512, 0), -XEN_EBUSY);
    event_info = info;
    event_clear(port);
    event_send(port);
    check_eq("events use it", info->evtchn_upcall_pending, 1);
    event_clear(port);
    event_close(port);
}

void guest_main(void)
{
    event_shared();
    test_arguments();
    test_assist();
    test_area();
    test_info();
}
