/*
 * physdev_op: PCI devices as the hardware domain finds them. Without passthrough of PCI functions
 * there is nothing to tell us.
 */
#include <xen/errno.h>
#include <xen/hypercall.h>

long do_physdev_op(struct vcpu *v __unused, uint64_t *arg __unused)
{
    return -ENOSYS;
}
