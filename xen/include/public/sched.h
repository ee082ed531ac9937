/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sched_op(cmd, arg): giving up the CPU, ending the domain, watchdogs.
 */
#pragma once

#include <public/types.h>

#define SCHEDOP_yield           0
#define SCHEDOP_block           1
#define SCHEDOP_shutdown        2
#define SCHEDOP_poll            3
#define SCHEDOP_remote_shutdown 4
#define SCHEDOP_shutdown_code   5
#define SCHEDOP_watchdog        6
#define SCHEDOP_pin_override    7

/* Why a domain ended. */
#define SHUTDOWN_poweroff   0
#define SHUTDOWN_reboot     1
#define SHUTDOWN_suspend    2
#define SHUTDOWN_crash      3
#define SHUTDOWN_watchdog   4
#define SHUTDOWN_soft_reset 5
#define SHUTDOWN_MAX        5

/* SCHEDOP_shutdown, SCHEDOP_shutdown_code */
struct sched_shutdown {
    uint32_t reason;
};

/* SCHEDOP_poll: block until one of the ports is pending or system time reaches `timeout`. */
struct sched_poll {
    guest_handle_t ports;
    uint32_t nr_ports;
    uint64_t timeout; /* ns, 0: none */
};

/* SCHEDOP_remote_shutdown: end another domain, by a privileged one. */
struct sched_remote_shutdown {
    domid_t domain_id;
    uint32_t reason;
};

/* SCHEDOP_watchdog: id 0 makes a new one; a known id is armed again, or stopped with timeout 0. */
struct sched_watchdog {
    uint32_t id;
    uint32_t timeout; /* seconds */
};

/* SCHEDOP_pin_override: bind the caller to a physical CPU for a while; -1 ends it. */
struct sched_pin_override {
    int32_t pcpu;
};
