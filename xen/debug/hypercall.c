/* SPDX-License-Identifier: Apache-2.0 */
/* The hypercall of debug builds, by which tests look at the hypervisor's state and let allocations
 * fail. */
#include <public/debug.h>
#include <xen/alloc_fault.h>
#include <xen/cpu.h>
#include <xen/debug.h>
#include <xen/domain.h>
#include <xen/errno.h>
#include <xen/heap.h>
#include <xen/op.h>
#include <xen/page_alloc.h>
#include <xen/page_domain.h>

static long debug_op_check(struct op_call *call __unused)
{
    return debug_check_machine();
}

static long debug_op_fail(struct op_call *call)
{
    uint64_t flags = call->reg[2];

    if ((flags & ~(uint64_t)DEBUG_FAIL_MY_CPU) != 0) {
        return -EINVAL;
    }
    return (long)alloc_fault_set(call->reg[1], flags != 0 ? this_cpu()->id : ALLOC_FAULT_ANY_CPU);
}

static long debug_count_domains(void)
{
    long n = 0;

    for (struct domain *d = domain_get_next(0); d != NULL; d = domain_get_behind(d)) {
        n++;
    }
    return n;
}

static long debug_op_counter(struct op_call *call)
{
    switch (call->reg[1]) {
    case DEBUG_COUNTER_FREE_PAGES: return (long)page_free_count();
    case DEBUG_COUNTER_HEAP_BYTES: return (long)heap_used();
    case DEBUG_COUNTER_ALLOCATIONS: return (long)alloc_fault_made();
    case DEBUG_COUNTER_DOMAINS: return debug_count_domains();
    case DEBUG_COUNTER_TIMERS: return (long)timer_count();
    case DEBUG_COUNTER_CLAIMED: return (long)page_claimed();
    case DEBUG_COUNTER_SLAB_PAGES: return (long)heap_slab_pages();
    default: return -EINVAL;
    }
}

static const struct op debug_rows[] = {
    [DEBUGOP_check] = OP_BARE(debug_op_check, ACCESS_CONTROL),
    [DEBUGOP_fail] = OP_BARE(debug_op_fail, ACCESS_CONTROL),
    [DEBUGOP_counter] = OP_BARE(debug_op_counter, ACCESS_CONTROL),
};

static const struct op_table debug_ops = {OP_TABLE(op_run, debug_rows)};

void debug_init(void)
{
    dispatch_debug = &debug_ops;
}
