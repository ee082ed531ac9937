/* SPDX-License-Identifier: Apache-2.0 */
/* Limits of a build. Guest-visible ones say what Xen has. */
#pragma once

#define MAX_CPUS           16u  /* physical CPUs; further ones stay parked, with a message */
#define MAX_DOMAIN_VCPUS   128u /* Xen: MAX_VIRT_CPUS; a port may allow fewer (ARCH_MAX_VCPUS) */
#define MAX_MEM_BANKS      256u /* RAM banks of the host, neighbours merged; Xen: NR_MEM_BANKS */
#define MAX_RESERVED_BANKS 256u /* reserved ranges of the host, likewise */
#define CPU_STACK_ORDER    2u   /* pages (order) of a CPU's stack, its guard page not counted */

#define PAGE_SHIFT  12u
#define PAGE_SIZE   (1ul << PAGE_SHIFT)
#define PAGE_MASK   (~(PAGE_SIZE - 1ul))
#define CHUNK_ORDER 9u /* pages (order) of a chunk: 2 MiB, the unit of memory ownership */
#define CHUNK_SIZE  (PAGE_SIZE << CHUNK_ORDER)
