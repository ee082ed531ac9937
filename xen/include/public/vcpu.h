/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vcpu_op(cmd, vcpu, arg): run state, timers and registered areas of a vCPU.
 */
#pragma once

#include <public/types.h>

#define VCPUOP_initialise                     0
#define VCPUOP_up                             1
#define VCPUOP_down                           2
#define VCPUOP_is_up                          3
#define VCPUOP_get_runstate_info              4
#define VCPUOP_register_runstate_memory_area  5
#define VCPUOP_set_periodic_timer             6
#define VCPUOP_stop_periodic_timer            7
#define VCPUOP_set_singleshot_timer           8
#define VCPUOP_stop_singleshot_timer          9
#define VCPUOP_register_vcpu_info             10
#define VCPUOP_send_nmi                       11
#define VCPUOP_get_physid                     12
#define VCPUOP_register_vcpu_time_memory_area 13
#define VCPUOP_register_runstate_phys_area    14
#define VCPUOP_register_vcpu_time_phys_area   15

/* vcpu_runstate_info.state, index into .time */
#define RUNSTATE_running  0
#define RUNSTATE_runnable 1
#define RUNSTATE_blocked  2
#define RUNSTATE_offline  3

/* Bit of state_entry_time that is set during an update, after VMASST_TYPE_runstate_update_flag. */
#define XEN_RUNSTATE_UPDATE 0x8000000000000000ULL

/* Time a vCPU spent in each state, ns. */
struct vcpu_runstate_info {
    int32_t state;
    uint64_t state_entry_time;
    uint64_t time[4];
};

/* VCPUOP_register_runstate_memory_area (h: virtual), _phys_area (p: guest physical) */
struct vcpu_register_runstate_memory_area {
    union {
        guest_handle_t h;
        uint64_t v;
        uint64_t p;
    } addr;
};

/* VCPUOP_register_vcpu_time_memory_area (h), _phys_area (p) */
struct vcpu_register_time_memory_area {
    union {
        guest_handle_t h;
        uint64_t v;
        uint64_t p;
    } addr;
};

/* VCPUOP_set_periodic_timer */
struct vcpu_set_periodic_timer {
    uint64_t period_ns;
};

/* Flag of the one-shot timer: -ETIME when the time has passed already. */
#define VCPU_SSHOTTMR_future 1U

/* VCPUOP_set_singleshot_timer: absolute system time. */
struct vcpu_set_singleshot_timer {
    uint64_t timeout_abs_ns;
    uint32_t flags;
};

/* VCPUOP_register_vcpu_info: struct vcpu_info at `offset` of a guest frame, once. */
struct vcpu_register_vcpu_info {
    uint64_t mfn;
    uint32_t offset;
    uint32_t rsvd;
};

/* VCPUOP_get_physid */
struct vcpu_get_physid {
    uint64_t phys_id;
};
