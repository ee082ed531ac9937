/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hypercalls of few operations: sched_op, vcpu_op, hvm_op, xen_version, vm_assist, console_io,
 * multicall, platform_op, hypfs_op, xsm_op, physdev_op; and last of all what stops a domain.
 */
#include "matrix.h"

#include <guest/event.h>
#include <public/domctl.h>
#include <public/hvm/hvm_op.h>
#include <public/hvm/params.h>
#include <public/hypfs.h>
#include <public/platform.h>
#include <public/sched.h>
#include <public/sysctl.h>
#include <public/vcpu.h>
#include <public/version.h>

static void tick(unsigned int irq)
{
    (void)irq;
    port_timer_stop();
}

/* Our own timer ends it. */
static int64_t block_self(struct cell *cell)
{
    port_irq_handle(port_timer_irq(), tick);
    port_irq_enable();
    port_timer_set(port_counter() + port_frequency() / 1000);
    int64_t rc = cell_call(cell);
    port_irq_disable();
    return rc;
}

/* An event from us ends it: the first one that the domain ever gets. */
static int64_t block_agent(struct cell *cell)
{
    struct evtchn_bind_interdomain bind = {.remote_dom = cell->caller,
                                           .remote_port =
                                               (evtchn_port_t)event_alloc_unbound(cell->caller, 0)};
    (void)event_channel_op(EVTCHNOP_bind_interdomain, &bind);
    agent_ask(cell->agent, cell->row->hypercall, cell->arg);
    bool early = agent_answered(cell->agent) || agent_answered(cell->agent);
    event_send(bind.local_port);
    int64_t rc = agent_answer(cell->agent);
    return early ? VALUE : rc;
}

static int64_t call_block(struct cell *cell)
{
    return cell->caller == 0 ? block_self(cell) : block_agent(cell);
}

static void without_argument(struct cell *cell)
{
    cell->arg[1] = 0;
}

static void prepare_assist(struct cell *cell)
{
    cell->arg[1] = VMASST_TYPE_runstate_update_flag;
}

/* One call in the list, of something that only dom0 may. */
static void prepare_inside(struct cell *cell)
{
    struct multicall_entry *entry = (void *)cell->data;
    struct xen_sysctl *op = (void *)(cell->data + LIST);
    *op = (struct xen_sysctl){.cmd = XEN_SYSCTL_physinfo,
                              .interface_version = XEN_SYSCTL_INTERFACE_VERSION};
    *entry = (struct multicall_entry){.op = __HYPERVISOR_sysctl, .args = {cell->at + LIST}};
    cell->arg[1] = 1;
}

#define BOTH(rc) .want = CALLERS(rc, rc)

#define PARAM(name) \
    CALL(hvm_op, name), ARGUMENT(xen_hvm_param, .index = HVM_PARAM_STORE_PFN), \
        NAMES(xen_hvm_param, domid)

const struct row matrix_small[] = {
    {CALL(sched_op, SCHEDOP_yield), BOTH(0)},
    {CALL(sched_op, SCHEDOP_block), .call = call_block, BOTH(0)},
    {CALL(sched_op, SCHEDOP_poll), ARGUMENT(sched_poll, .timeout = 1), BOTH(0)},
    {CALL(sched_op, SCHEDOP_shutdown_code), ARGUMENT(sched_shutdown, SHUTDOWN_poweroff), BOTH(0)},
    {CALL(sched_op, SCHEDOP_watchdog), ARGUMENT(sched_watchdog, .id = 9), BOTH(BAD)},
    {CALL(sched_op, SCHEDOP_pin_override), ARGUMENT(sched_pin_override, .pcpu = 99),
     .want = CALLERS(BAD, DENIED)},
    {CALL(vcpu_op, VCPUOP_register_runstate_memory_area), BOTH(0)},
    {CALL(vcpu_op, VCPUOP_register_vcpu_info), ARGUMENT(vcpu_register_vcpu_info, .offset = 4095),
     BOTH(-XEN_ENXIO)},
    {PARAM(HVMOP_set_param),
     .want = TARGETS(DENIED, 0, NOT_THERE, DENIED, DENIED, DENIED, NOT_THERE)},
    {PARAM(HVMOP_get_param), .want = TARGETS(0, 0, NOT_THERE, 0, DENIED, DENIED, NOT_THERE)},
    {CALL(xen_version, XENVER_version), BOTH(VALUE)},
    {CALL(xen_version, XENVER_extraversion), BOTH(0)},
    {CALL(xen_version, XENVER_compile_info), BOTH(0)},
    {CALL(xen_version, XENVER_capabilities), BOTH(0)},
    {CALL(xen_version, XENVER_changeset), BOTH(0)},
    {CALL(xen_version, XENVER_platform_parameters), BOTH(0)},
    {CALL(xen_version, XENVER_get_features), BOTH(0)},
    {CALL(xen_version, XENVER_pagesize), .prepare = without_argument, BOTH(VALUE)},
    {CALL(xen_version, XENVER_guest_handle), BOTH(0)},
    {CALL(xen_version, XENVER_commandline), BOTH(0)},
    {CALL(xen_version, XENVER_build_id), .prepare = without_argument,
     .want = CALLERS(VALUE, DENIED)},
    {CALL(xen_version, XENVER_extraversion2), .prepare = without_argument, BOTH(VALUE)},
    {CALL(xen_version, XENVER_capabilities2), .prepare = without_argument, BOTH(VALUE)},
    {CALL(xen_version, XENVER_changeset2), .prepare = without_argument, BOTH(VALUE)},
    {CALL(xen_version, XENVER_commandline2), .prepare = without_argument,
     .want = CALLERS(VALUE, DENIED)},
    {CALL(vm_assist, VMASST_CMD_enable), .prepare = prepare_assist, BOTH(0)},
    {CALL(vm_assist, VMASST_CMD_disable), .variant = "disable", .prepare = prepare_assist, BOTH(0)},
    {CALL(console_io, CONSOLEIO_write), .want = CALLERS(0, DENIED)},
    {CALL(console_io, CONSOLEIO_read), .want = CALLERS(0, DENIED)},
    {CALL(multicall, 0), BOTH(0)},
    {CALL(multicall, 0), .variant = "inside", .prepare = prepare_inside, .answer = ANSWER_ENTRY,
     .answer_at = offsetof(struct multicall_entry, result), .want = CALLERS(0, DENIED)},
    {CALL(platform_op, XENPF_settime64),
     ARGUMENT(xen_platform_op, .cmd = XENPF_settime64, .interface_version = XENPF_INTERFACE_VERSION,
              .u.settime64.mbz = 1),
     .want = CALLERS(BAD, DENIED)},
    {CALL(hypfs_op, XEN_HYPFS_OP_get_version), .prepare = without_argument,
     .want = CALLERS(VALUE, DENIED)},
    {CALL(hypfs_op, XEN_HYPFS_OP_read), .want = CALLERS(BAD, DENIED)},
    {CALL(hypfs_op, XEN_HYPFS_OP_write_contents), .want = CALLERS(BAD, DENIED)},
    {CALL(xsm_op, 0), .variant = "absent", BOTH(-XEN_ENOSYS)},
    {CALL(physdev_op, 0), .variant = "absent", BOTH(-XEN_ENOSYS)},
    {0},
};

/* The guest does not answer: dom0 sees it end. */
static int64_t shutdown_agent(struct cell *cell)
{
    agent_ask(cell->agent, cell->row->hypercall, cell->arg);
    for (unsigned int i = 0; i < 1000 && !agent_answered(cell->agent); i++) {
        if (domain_op(XEN_DOMCTL_getdomaininfo, cell->caller) == 0 &&
            (domain_call.u.getdomaininfo.flags & XEN_DOMINF_shutdown) != 0) {
            return 0;
        }
    }
    return agent_answer(cell->agent);
}

static int64_t call_shutdown(struct cell *cell)
{
    if (cell->caller != 0) {
        return shutdown_agent(cell);
    }
    cell->arg[1] = port_unmapped;
    return cell_call(cell);
}

#define DOMCTL(name, self) \
    CALL(domctl, XEN_DOMCTL_##name), NUMBERS(xen_domctl, domain), \
        ARGUMENT(xen_domctl, .cmd = XEN_DOMCTL_##name, \
                 .interface_version = XEN_DOMCTL_INTERFACE_VERSION), \
        .want = TARGETS(self, 0, NOT_THERE, DENIED, DENIED, DENIED, NOT_THERE)

/* remote_shutdown by dom0 of itself is the last cell of all. */
const struct row matrix_last[] = {
    {DOMCTL(pausedomain, BAD)},
    {DOMCTL(unpausedomain, BAD)},
    {CALL(sched_op, SCHEDOP_remote_shutdown), ARGUMENT(sched_remote_shutdown, 0),
     NUMBERS(sched_remote_shutdown, domain_id), .without = 1U << DOM0_SELF,
     .want = TARGETS(0, 0, NOT_THERE, DENIED, DENIED, DENIED, NOT_THERE)},
    {DOMCTL(destroydomain, BAD)},
    {CALL(sched_op, SCHEDOP_shutdown), ARGUMENT(sched_shutdown, SHUTDOWN_poweroff),
     .call = call_shutdown, .want = CALLERS(-XEN_EFAULT, 0)},
    {0},
};
