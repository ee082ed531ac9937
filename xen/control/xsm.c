/*
 * xsm_op: commands to the FLASK security module. There is none; the rule is that privileged domains
 * may and others may not.
 */
#include <xen/errno.h>
#include <xen/hypercall.h>

long do_xsm_op(struct vcpu *v __unused, uint64_t *arg __unused)
{
    return -ENOSYS;
}
