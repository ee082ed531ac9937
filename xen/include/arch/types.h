/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contract: the types and constants that a port embeds in core structures. <asm/types.h> of the
 * port defines:
 *
 * - struct arch_vcpu: per-vCPU state, first member of struct vcpu (entry code relies on offset 0)
 * - struct arch_domain: per-domain state
 * - struct arch_p2m: hardware view of a domain's second-stage table (root, VMID: <xen/vmid.h>). The
 *   core sets its uint32_t `read_only` to 1 before the table has the first leaf without P2M_WRITE:
 *   every translation that may meet such a leaf sees it
 * - struct arch_cpu: per-CPU state
 * - pte_t: one second-stage table entry, 8 bytes
 * - ARCH_CACHE_LINE: bytes that two CPUs should not share when they write
 * - ARCH_P2M_LEVELS: levels below the root that a walk may pass, leaf level included
 * - ARCH_P2M_ROOT_ORDER: largest order (pages) of a concatenated root
 * - ARCH_MAX_VCPUS: vCPUs that the interrupt controller of a guest can address
 * - ARCH_NR_IRQS: host interrupt numbers are below this
 */
#pragma once

#include <asm/types.h>
