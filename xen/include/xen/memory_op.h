/* SPDX-License-Identifier: Apache-2.0 */
/* Between memory_op.c (the table of commands), reservation.c (how much memory a domain has) and
 * physmap.c (what stands where in its space). */
#pragma once

#include <public/memory.h>
#include <xen/errno.h>
#include <xen/op.h>
#include <xen/types.h>

/* The number of extents that were done before the call. */
static inline uint64_t memory_op_start(const struct op_call *call)
{
    return call->reg[0] >> MEMOP_EXTENT_SHIFT;
}

/* Make the call again with `done` extents behind it: -ERESTART. */
static inline long memory_op_again(struct op_call *call, uint64_t done)
{
    call->reg[0] = (call->reg[0] & MEMOP_CMD_MASK) | done << MEMOP_EXTENT_SHIFT;
    return -ERESTART;
}

op_fn memory_increase, memory_decrease, memory_populate;
op_fn memory_add_to_physmap, memory_add_to_physmap_batch, memory_remove_from_physmap,
    memory_acquire_resource;
