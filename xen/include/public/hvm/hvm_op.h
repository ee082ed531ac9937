/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hvm_op(cmd, arg): parameters of a domain. The other commands are Xen's for other architectures.
 */
#pragma once

#include <public/types.h>

#define HVMOP_set_param              0
#define HVMOP_get_param              1
#define HVMOP_flush_tlbs             5
#define HVMOP_pagetable_dying        9
#define HVMOP_get_time               10
#define HVMOP_xentrace               11
#define HVMOP_set_mem_access         12
#define HVMOP_get_mem_access         13
#define HVMOP_get_mem_type           15
#define HVMOP_guest_request_vm_event 24
#define HVMOP_altp2m                 25

/* HVMOP_set_param, HVMOP_get_param: index is an HVM_PARAM_. */
struct xen_hvm_param {
    domid_t domid;
    uint16_t pad;
    uint32_t index;
    uint64_t value;
};
