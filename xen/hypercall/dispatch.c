/*
 * From the guest's call to the function that does it: the table of hypercalls. Those with
 * sub-operations go on to op.c.
 */
#include <arch/vcpu.h>
#include <public/xen.h>
#include <xen/console.h>
#include <xen/domain.h>
#include <xen/errno.h>
#include <xen/hypercall.h>
#include <xen/nospec.h>
#include <xen/trap.h>

static hypercall_fn *const hypercalls[] = {
    [__HYPERVISOR_platform_op] = do_platform_op,
    [__HYPERVISOR_memory_op] = do_memory_op,
    [__HYPERVISOR_multicall] = do_multicall,
    [__HYPERVISOR_xen_version] = do_xen_version,
    [__HYPERVISOR_console_io] = do_console_io,
    [__HYPERVISOR_grant_table_op] = do_grant_table_op,
    [__HYPERVISOR_vm_assist] = do_vm_assist,
    [__HYPERVISOR_vcpu_op] = do_vcpu_op,
    [__HYPERVISOR_xsm_op] = do_xsm_op,
    [__HYPERVISOR_sched_op] = do_sched_op,
    [__HYPERVISOR_event_channel_op] = do_event_channel_op,
    [__HYPERVISOR_physdev_op] = do_physdev_op,
    [__HYPERVISOR_hvm_op] = do_hvm_op,
    [__HYPERVISOR_sysctl] = do_sysctl,
    [__HYPERVISOR_domctl] = do_domctl,
};

/* NULL: no such hypercall. */
static inline hypercall_fn *hypercall_row(uint64_t nr)
{
    return nr < ARRAY_SIZE(hypercalls) ? hypercalls[index_nospec(nr, ARRAY_SIZE(hypercalls))]
                                       : NULL;
}

long hypercall_run(struct vcpu *v, uint64_t nr, uint64_t *arg)
{
    hypercall_fn *fn = hypercall_row(nr);

    return fn != NULL ? fn(v, arg) : -ENOSYS;
}

void hypercall_enter(struct vcpu *v)
{
    hypercall_fn *fn = hypercall_row(arch_hypercall_nr(v));
    long rc = -ENOSYS;

    if (likely(fn != NULL)) {
        rc = fn(v, arch_hypercall_args(v));
        if (unlikely(rc == -ERESTART)) {
            arch_hypercall_repeat(v);
            return;
        }
    }
    arch_hypercall_set_result(v, rc);
}
