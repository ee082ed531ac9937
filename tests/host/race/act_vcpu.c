/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vCPUs are turned on, turn themselves off, sleep, register areas, shut their domain down; tools
 * pause them, read and write their registers, shut down and resume. Tools balance their pauses.
 */
#include <public/arch.h>
#include <public/domctl.h>
#include <public/sched.h>
#include <public/vcpu.h>

#include "../fuzz/core/scene.h"
#include "race.h"

#include <xen/cpu.h>
#include <xen/errno.h>

static void sched(const struct actor *a, uint64_t command, void *op, size_t size)
{
    (void)call_with(a, __HYPERVISOR_sched_op, command, op, size);
}

/* By the firmware's call. A call that must be made again is made again. */
static void turn_on(const struct actor *a)
{
    int rc;

    (void)host_vcpu_on(a->cpu, (unsigned int)random_below(VCPUS), SCENE_GUEST, a->cpu, &rc);
}

static void sleep_until(const struct actor *a)
{
    evtchn_port_t port = (evtchn_port_t)random_below(8);
    uint64_t when = (uint64_t)time_now() + random_below(2000000);
    struct sched_poll poll = {.ports = a->args + 512, .nr_ports = 1, .timeout = when};
    struct vcpu_set_singleshot_timer timer = {.timeout_abs_ns = when};

    if (random_below(4) == 0 && put(a->args, &timer, sizeof(timer))) {
        (void)call(a, __HYPERVISOR_vcpu_op, VCPUOP_set_singleshot_timer, a->vcpu, a->args);
    } else if (put(a->args + 512, &port, sizeof(port))) {
        sched(a, SCHEDOP_poll, &poll, sizeof(poll));
    }
}

static void areas(const struct actor *a)
{
    struct vcpu_register_runstate_memory_area runstate = {.addr.h =
                                                              (some_frame() << PAGE_SHIFT) + 4064};
    struct vcpu_register_vcpu_info info = {.mfn = some_frame(), .offset = 128};

    runstate.addr.h = random_below(4) == 0 ? 0 : runstate.addr.h;
    if (random_below(2) == 0) {
        (void)call_with(a, __HYPERVISOR_vcpu_op, VCPUOP_register_runstate_memory_area, &runstate,
                        sizeof(runstate));
    } else {
        (void)call_with(a, __HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_info, &info, sizeof(info));
    }
}

static void guest_act(const struct actor *a)
{
    struct sched_shutdown shutdown = {.reason = SHUTDOWN_suspend};
    struct sched_watchdog watchdog = {.id = (uint32_t)random_below(3),
                                      .timeout = (uint32_t)random_below(2)};

    switch (random_below(16)) {
    case 0:
        if (random_below(16) == 0) {
            sched(a, SCHEDOP_shutdown, &shutdown, sizeof(shutdown));
        }
        break;
    case 1: sched(a, SCHEDOP_watchdog, &watchdog, sizeof(watchdog)); break;
    case 2: (void)call(a, __HYPERVISOR_sched_op, SCHEDOP_yield, 0, 0); break;
    case 3:
    case 4: sleep_until(a); break;
    case 5:
        if (a->vcpu != 0) {
            (void)host_vcpu_off(a->cpu);
        }
        break;
    case 6: areas(a); break;
    case 7: act_event(a); break;
    default: turn_on(a); break;
    }
}

static void context(const struct actor *a, bool set)
{
    struct vcpu_guest_context state = {.user_regs.pc64 = SCENE_GUEST,
                                       .flags = (uint32_t)random_below(2)};
    struct xen_domctl op = {
        .u.vcpucontext = {.vcpu = (uint32_t)random_below(VCPUS), .ctxt = a->args + 1024}};

    if (put(a->args + 1024, &state, sizeof(state))) {
        (void)domctl(a, set ? XEN_DOMCTL_setvcpucontext : XEN_DOMCTL_getvcpucontext, some_guest(),
                     &op);
    }
}

static void pause(const struct actor *a)
{
    domid_t id = some_guest();
    struct xen_domctl op = {0};

    if (domctl(a, XEN_DOMCTL_pausedomain, id, &op) == 0) {
        for (uint64_t n = random_below(20); n != 0; n--) {
            pass_gate(a->cpu);
        }
        (void)domctl(a, XEN_DOMCTL_unpausedomain, id, &op);
    }
}

static void tool_act(const struct actor *a)
{
    struct sched_remote_shutdown shutdown = {.domain_id = some_guest(), .reason = SHUTDOWN_suspend};
    struct xen_domctl op = {0};

    switch (random_below(8)) {
    case 0:
        if (shutdown.domain_id != 0) {
            sched(a, SCHEDOP_remote_shutdown, &shutdown, sizeof(shutdown));
        }
        break;
    case 1:
    case 2: (void)domctl(a, XEN_DOMCTL_resumedomain, some_guest(), &op); break;
    case 3: context(a, true); break;
    case 4: context(a, false); break;
    case 5: pause(a); break;
    case 6: act_event(a); break;
    default:
        op.u.getvcpuinfo.vcpu = (uint32_t)random_below(VCPUS);
        (void)domctl(a, XEN_DOMCTL_getvcpuinfo, some_guest(), &op);
        break;
    }
}

void act_vcpu(const struct actor *a)
{
    if (a->tool) {
        tool_act(a);
    } else {
        guest_act(a);
    }
}
