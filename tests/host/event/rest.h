/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rest of the core, as little as the event code needs of it, for a program with threads
 * (rest.c).
 */
#pragma once

/* The C library and the core have a function of this name. */
#define sched_yield core_sched_yield
#include <xen/cpu.h>
#include <xen/evtchn_port.h>
#include <xen/page.h>
#include <xen/page_alloc.h>
#undef sched_yield

#define VCPUS  2u
#define FRAMES 8u

extern struct domain receiver;
extern uint8_t frames[FRAMES][PAGE_SIZE]; /* guest frames 0, 1, ... of the receiver */
extern uint32_t interrupted[VCPUS];       /* its vCPUs have an upcall to take */
