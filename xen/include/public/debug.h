/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hypercall for tests, which debug builds have for dom0: hypercall(arch_7, DEBUGOP_x, a, b), all in
 * registers. Xen leaves arch_7 to architectures, and none of them uses it; other builds answer
 * -ENOSYS, as Xen does. Other domains get -EPERM.
 */
#pragma once

#include <public/xen.h>

#define __HYPERVISOR_debug_op __HYPERVISOR_arch_7

/*
 * DEBUGOP_check(): does all hold that must hold between any two calls? How many things do not, each
 * of which is a line of the console that begins with "Invariant: ". Other CPUs stand still
 * meanwhile. It looks at each page: some ms for each GiB. The first one takes 1 MiB for each GiB and
 * keeps it; -ENOMEM.
 */
#define DEBUGOP_check 0

/*
 * DEBUGOP_fail(k, flags): the k-th allocation from now on finds no memory, once; 0: none. Pages,
 * small objects and memory of domains count, each try of each. The answer is what was left to count
 * before: 0: the one that was asked for last has failed (or none was asked for).
 */
#define DEBUGOP_fail      1
#define DEBUG_FAIL_MY_CPU 1u /* only those count that are made on this CPU */

/* DEBUGOP_counter(DEBUG_COUNTER_x): its value; -EINVAL. */
#define DEBUGOP_counter           2
#define DEBUG_COUNTER_FREE_PAGES  0 /* of the machine */
#define DEBUG_COUNTER_HEAP_BYTES  1 /* of small objects, as rounded up */
#define DEBUG_COUNTER_ALLOCATIONS 2 /* made, or tried, since the boot */
#define DEBUG_COUNTER_DOMAINS     3 /* that can be found by their numbers */
#define DEBUG_COUNTER_TIMERS      4 /* that are there, armed or not */
#define DEBUG_COUNTER_CLAIMED     5 /* pages that domains have claimed */
#define DEBUG_COUNTER_SLAB_PAGES  6 /* cut into small objects, or kept to be */
