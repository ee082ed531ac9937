/* SPDX-License-Identifier: Apache-2.0 */
/*
 * platform_op(arg): the machine, for the hardware domain. Here: setting the wall clock.
 */
#pragma once

#include <public/types.h>

#define XENPF_INTERFACE_VERSION 0x03000001U

#define XENPF_settime32 17
#define XENPF_settime64 62

/* Wall clock at `system_time` ns. */
struct xenpf_settime32 {
    uint32_t secs;
    uint32_t nsecs;
    uint64_t system_time;
};

struct xenpf_settime64 {
    uint64_t secs;
    uint32_t nsecs;
    uint32_t mbz;
    uint64_t system_time;
};

struct xen_platform_op {
    uint32_t cmd;
    uint32_t interface_version;
    union {
        struct xenpf_settime32 settime32;
        struct xenpf_settime64 settime64;
        uint8_t pad[128];
    } u;
};
