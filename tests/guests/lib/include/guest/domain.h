/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Domains that a kernel makes as dom0, as the tools do: two pages of RAM at GUEST_RAM0_BASE, the
 * second one seen by the kernel, too.
 */
#pragma once

#include <public/domctl.h>
#include <stdbool.h>
#include <stdint.h>

/* The operation that is made next; `domain_op` fills in all but .u. */
extern struct xen_domctl domain_call;

/* XEN_DOMCTL_CDF_* that domains have besides the usual. */
extern uint32_t domain_options;

/* 0 or a negated XEN_E. */
int64_t domain_op(uint32_t cmd, domid_t domain);

/* The kernel's own vCPU 0 runs on `cpu` alone from now on. */
void domain_move_self(uint32_t cpu);

/* Makes one, paused, with `code` in its first page; `data` becomes its second page. */
domid_t domain_make(unsigned int vcpus, const void *code, uint64_t size, void **data);

int64_t domain_set_context(domid_t domain, uint32_t vcpu, struct vcpu_guest_context *context);
int64_t domain_get_context(domid_t domain, uint32_t vcpu, struct vcpu_guest_context *context);

/* Lets it run until it has shut down, for at most a second; false: it has not. */
bool domain_run(domid_t domain);
