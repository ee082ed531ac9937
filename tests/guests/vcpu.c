/*
 * vcpu_op and vm_assist: run state, timers, registered areas, errors. Xen on Arm knows only two of
 * the operations and refuses the others with -EINVAL; here some more work, but none by which one
 * vCPU turns another on or off.
 */
#include <guest/event.h>
#include <guest/hypercall.h>
#include <guest/memory.h>
#include <guest/port.h>
#include <guest/print.h>
#include <guest/test.h>
#include <public/errno.h>
#include <public/vcpu.h>

#define MORE "Xen on Arm has no such operation"

static void *const bad = (void *)(uintptr_t)0x7000000000UL;

static void test_arguments(void)
{
    static uint64_t zero[8];
    static const struct {
        unsigned int cmd;
        int64_t want;
        int64_t xen;
    } calls[] = {
        {VCPUOP_initialise, -XEN_EINVAL, -XEN_EINVAL},
        {VCPUOP_up, -XEN_EINVAL, -XEN_EINVAL},
        {VCPUOP_down, -XEN_EINVAL, -XEN_EINVAL},
        {VCPUOP_get_runstate_info, -XEN_EFAULT, -XEN_EINVAL},
        {VCPUOP_register_runstate_memory_area, -XEN_EFAULT, -XEN_EFAULT},
        {VCPUOP_set_periodic_timer, -XEN_EINVAL, -XEN_EINVAL},
        {VCPUOP_stop_periodic_timer, -XEN_EINVAL, -XEN_EINVAL},
        {VCPUOP_set_singleshot_timer, -XEN_EFAULT, -XEN_EINVAL},
        {VCPUOP_register_vcpu_info, -XEN_EFAULT, -XEN_EFAULT},
        {VCPUOP_register_vcpu_time_memory_area, -XEN_EINVAL, -XEN_EINVAL},
        {VCPUOP_register_runstate_phys_area, -XEN_EINVAL, -XEN_EINVAL},
        {VCPUOP_register_vcpu_time_phys_area, -XEN_EINVAL, -XEN_EINVAL},
        {VCPUOP_send_nmi, -XEN_EINVAL, -XEN_EINVAL},
        {VCPUOP_get_physid, -XEN_EINVAL, -XEN_EINVAL},
        {16, -XEN_EINVAL, -XEN_EINVAL},
        {~0U, -XEN_EINVAL, -XEN_EINVAL},
    };
    for (unsigned int i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        int64_t rc = vcpu_op(calls[i].cmd, 0, bad);
        print("# command %d\n", (int)calls[i].cmd);
        if (calls[i].want == calls[i].xen) {
            check_eq("unmapped argument", rc, calls[i].want);
        } else {
            check_known("unmapped argument", rc, calls[i].want, calls[i].xen, MORE);
        }
        check_eq("vcpu 9", vcpu_op(calls[i].cmd, 9, zero), -XEN_ENOENT);
    }
    check_eq("a vcpu number has 32 bits", vcpu_op(VCPUOP_register_vcpu_info, 1UL << 32 | 9, zero),
             -XEN_ENOENT);
}

static void test_up(void)
{
    check_known("is_up of vcpu 0", vcpu_op(VCPUOP_is_up, 0, NULL), 1, -XEN_EINVAL, MORE);
    check_eq("is_up of vcpu 9", vcpu_op(VCPUOP_is_up, 9, NULL), -XEN_ENOENT);
}

static void test_runstate(void)
{
    struct vcpu_runstate_info info = {.state = 9};
    check_known("get_runstate_info", vcpu_op(VCPUOP_get_runstate_info, 0, &info), 0, -XEN_EINVAL,
                MORE);
    if (on_xen()) {
        return;
    }
    check_eq("running", info.state, RUNSTATE_running);
    check("it has run", info.time[RUNSTATE_running] > 0);
    check("state entered", info.state_entry_time > 0);
    uint64_t first = info.time[RUNSTATE_running];
    vcpu_op(VCPUOP_get_runstate_info, 0, &info);
    check("time passes", info.time[RUNSTATE_running] >= first);
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

static volatile unsigned int upcalls;

static void upcall(unsigned int irq)
{
    (void)irq;
    event_info->evtchn_upcall_pending = 0;
    upcalls++;
}

static void wait_upcall(unsigned int count)
{
    uint64_t end = port_counter() + port_frequency();
    while (upcalls != count && port_counter() < end) {
        port_relax();
    }
}

/* System time, ns: the time spent in all states. */
static uint64_t now(void)
{
    struct vcpu_runstate_info info;
    vcpu_op(VCPUOP_get_runstate_info, 0, &info);
    return info.state_entry_time + 1;
}

static void test_timer(void)
{
    struct vcpu_set_singleshot_timer one = {.timeout_abs_ns = 1UL << 60};
    check_known("set_singleshot_timer", vcpu_op(VCPUOP_set_singleshot_timer, 0, &one), 0,
                -XEN_EINVAL, MORE);
    check_known("stop_singleshot_timer", vcpu_op(VCPUOP_stop_singleshot_timer, 0, NULL), 0,
                -XEN_EINVAL, MORE);
    if (on_xen()) {
        return;
    }
    evtchn_port_t port = (evtchn_port_t)event_bind_virq(VIRQ_TIMER, 0);
    port_irq_handle(port_event_irq(), upcall);
    port_irq_enable();
    one.timeout_abs_ns = now();
    check_eq("a time that has passed", vcpu_op(VCPUOP_set_singleshot_timer, 0, &one), 0);
    wait_upcall(1);
    check_eq("it comes", upcalls, 1);
    check("at its port", event_pending(port));
    event_clear(port);
    one.timeout_abs_ns = now() + 5000000;
    check_eq("in 5 ms", vcpu_op(VCPUOP_set_singleshot_timer, 0, &one), 0);
    wait_upcall(2);
    check_eq("it comes, too", upcalls, 2);
    port_irq_disable();
    event_clear(port);
    event_close(port);
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
    test_up();
    test_runstate();
    test_assist();
    test_area();
    test_timer();
    test_info();
}
