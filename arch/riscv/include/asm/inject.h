/* SPDX-License-Identifier: Apache-2.0 */
/* Exceptions for the running guest, on the full trap path. */
#pragma once

#include <xen/types.h>

struct vcpu;

/* As the hart would enter it. cause: EXC_*; value: what the guest reads in stval. */
void inject_exception(struct vcpu *v, uint64_t cause, uint64_t value);
/* A failed access (or fetch) of gva. */
void inject_abort(struct vcpu *v, uint64_t gva, bool instruction);
/* An instruction that it may not execute. */
void inject_undefined(struct vcpu *v);
