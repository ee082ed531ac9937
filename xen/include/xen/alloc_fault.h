/* SPDX-License-Identifier: Apache-2.0 */
/* Debug builds: allocations that find no memory, on purpose. */
#pragma once

#include <xen/compiler.h>
#include <xen/spinlock.h>
#include <xen/types.h>

#define ALLOC_FAULT_ANY_CPU UINT32_MAX

/* The k-th allocation from now on fails, of those made on CPU `cpu` (ALLOC_FAULT_ANY_CPU: on any); 0:
 * none. What was left to count before; 0: it has failed. */
uint64_t alloc_fault_set(uint64_t k, uint32_t cpu);
/* Allocations so far, those that failed too. */
uint64_t alloc_fault_made(void);
bool alloc_fault_hit(void);

/* An allocation begins. true: it must fail. */
static inline bool alloc_fault(void)
{
    return XEN_DEBUG && alloc_fault_hit();
}
