/* SPDX-License-Identifier: Apache-2.0 */
/* Hypercalls: number -> row of a table -> small function; sub-operations in the same form. */
#pragma once

#include <arch/cpu.h>
#include <xen/atomic.h>
#include <xen/compiler.h>
#include <xen/cpu.h>
#include <xen/types.h>

struct vcpu;

struct op_table;

/*
 * arg[0..4] are the argument registers (or a multicall entry's); `table` has the sub-operations, if
 * the hypercall has any. A handler that has done a slice of its work changes arg[] so that the call
 * made again goes on from there, and returns -ERESTART; the dispatcher does the rest.
 */
typedef long hypercall_fn(struct vcpu *v, uint64_t *arg, const struct op_table *table);

/* Must a long operation stop now? true when work or an interrupt waits for this CPU. Check every <=
 * 50k instructions. */
static inline bool hypercall_preempt(void)
{
    return atomic_load(&this_cpu()->pending) != 0 || arch_cpu_irq_pending();
}

/* What is said to be running. */
#define XEN_MAJOR        4
#define XEN_MINOR        20
#define XEN_EXTRAVERSION ".4-xenolith"

/* One line for the boot log: name, version, builder, compiler, date. */
const char *xen_banner(void);
