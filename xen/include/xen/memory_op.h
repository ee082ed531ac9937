/* Between memory_op.c (the table of commands), reservation.c (how much memory a domain has) and
 * physmap.c (what stands where in its space). */
#pragma once

#include <xen/types.h>

struct domain;
struct vcpu;

/* A command: `start` is the number of extents done before, arg[1] the guest's pointer. */
typedef long memory_op_fn(struct vcpu *v, uint64_t start, uint64_t *arg);

/* Make the call again with `done` extents behind it: -ERESTART. */
long memory_op_again(uint64_t *arg, uint64_t done);
/* Find the domain of a command that its own and privileged domains may give: 0 and a reference in
 * *d, -ESRCH, -EPERM. */
int memory_op_domain(const struct vcpu *v, uint16_t id, struct domain **d);

memory_op_fn memory_increase, memory_decrease, memory_populate;
memory_op_fn memory_add_to_physmap, memory_add_to_physmap_batch, memory_remove_from_physmap,
    memory_acquire_resource;
